// The functions of the core, with typed answers and errors. `index.d.ts` says what they take and give.
import * as glue from "./runai_wasm_bg.js";

export class CoreError extends Error {
  constructor({ code, message, help, path, report }, options) {
    super(message, options);
    this.name = "CoreError";
    this.code = code;
    this.help = help ?? null;
    this.path = path ?? null;
    this.report = report ?? null;
  }
}

/** The instance that the glue talks to; there is one glue for all of them. */
let inUse;

export class Core {
  #module;
  #exports;

  constructor(module) {
    this.#module = module;
  }

  // A trap leaves an instance in an unknown state: the next call gets a new one, made of the same module.
  #use() {
    const started = this.#exports !== undefined;
    this.#exports ??= new WebAssembly.Instance(this.#module, { "./runai_wasm_bg.js": glue }).exports;
    if (inUse !== this.#exports) {
      // The glue keeps views of a memory until they are detached.
      inUse?.memory.grow(0);
      inUse = this.#exports;
      glue.__wbg_set_wasm(this.#exports);
    }
    if (!started) this.#exports.__wbindgen_start?.();
  }

  #call(name, text, args) {
    let answer;
    try {
      this.#use();
      answer = read(glue.call(name, String(text), JSON.stringify(args)));
    } catch (cause) {
      const full = cause instanceof RangeError || isFull(this.#exports?.memory);
      this.#exports = undefined;
      const code = full ? "out-of-memory" : "panic";
      const help = full ? "try a smaller text" : "this is a bug of runai-step; please report it with this text";
      throw new CoreError({ code, message: `the core stopped: ${cause?.message ?? cause}`, help }, { cause });
    }
    if ("error" in answer) throw new CoreError(answer.error);
    return answer.ok;
  }

  check(text, format, context = {}) {
    return this.#call("check", text, { format, ...split(context) });
  }

  convert(text, from, to) {
    return this.#call("convert", text, { format: from, to }).text;
  }

  defaults() {
    return this.#call("defaults", "", {});
  }

  edit(text, format, pointer, value) {
    return this.#call("edit", text, { format, pointer, value: value ?? null });
  }

  explain(name) {
    return this.#call("explain", "", { name });
  }

  permissions(text, format, context = {}) {
    return this.#call("permissions", text, { format, ...split(context) });
  }

  render(text, format, context = {}) {
    const rendered = this.#call("render", text, { format, ...split(context) });
    if (!("text" in rendered)) return rendered;
    let body;
    return {
      // Not everyone who shows the text looks into it.
      get body() {
        return (body ??= JSON.parse(rendered.text));
      },
      ...rendered,
    };
  }

  request(text, format, context = {}) {
    return this.#call("request", text, { format, ...split(context) });
  }

  rules() {
    return this.#call("rules", "", {});
  }

  schema(name) {
    return JSON.parse(this.#call("schema", "", { name }).text);
  }

  settings() {
    return this.#call("settings", "", {});
  }

  snippets(text, format, context = {}) {
    return this.#call("snippets", text, { format, ...split(context) });
  }

  version() {
    return this.#call("version", "", {});
  }
}

// An answer is a line of JSON; a text behind it is the answer's, too.
function read(answer) {
  const end = answer.indexOf("\n");
  if (end < 0) return JSON.parse(answer);
  const { ok } = JSON.parse(answer.slice(0, end));
  return { ok: { ...ok, text: answer.slice(end + 1) } };
}

// A trap does not say why. An instance that can have no more memory has run out of it; this one is not used again.
function isFull(memory) {
  const PAGES = 1024;
  try {
    memory?.grow(PAGES);
    return false;
  } catch {
    return true;
  }
}

// The kind is about the document, all else about what is around it.
function split({ kind, ...context }) {
  return { kind, context };
}
