// The core's functions with typed results and errors. `index.d.ts` documents them.
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

/** The instance that the shared glue currently uses. */
let currentExports;

/** Frees documents that were garbage-collected. */
const finalizer = new FinalizationRegistry((free) => free());

export class Core {
  #module;
  #exports;
  /** The documents inside the instance. */
  #handles = new Set();
  #Document;

  constructor(module) {
    this.#module = module;
  }

  // A trap leaves an instance in an unknown state: the next call instantiates the module again.
  #use() {
    const started = this.#exports !== undefined;
    this.#exports ??= new WebAssembly.Instance(this.#module, { "./runai_wasm_bg.js": glue }).exports;
    if (currentExports !== this.#exports) {
      // Detach the glue's cached views of the old memory.
      currentExports?.memory.grow(0);
      currentExports = this.#exports;
      glue.__wbg_set_wasm(this.#exports);
    }
    if (!started) this.#exports.__wbindgen_start?.();
  }

  #run(action) {
    try {
      this.#use();
      return action(this.#exports);
    } catch (cause) {
      // An error that a document of the core throws.
      if (typeof cause?.code === "string" && !(cause instanceof Error)) throw new CoreError(cause);
      const full = cause instanceof RangeError || isFull(this.#exports?.memory);
      this.#exports = undefined;
      // The documents' memory is gone with the instance.
      for (const handle of this.#handles) handle.__destroy_into_raw();
      this.#handles.clear();
      const code = full ? "out-of-memory" : "panic";
      const help = full ? "try a smaller text" : "this is a bug of runai-step; please report it with this text";
      throw new CoreError({ code, message: `the core stopped: ${cause?.message ?? cause}`, help }, { cause });
    }
  }

  #call(name, text, args) {
    const result = this.#run(() => parseResult(glue.call(name, String(text), JSON.stringify(args))));
    if ("error" in result) throw new CoreError(result.error);
    return result.ok;
  }

  get Document() {
    const run = (action) => this.#run(action);
    const handles = this.#handles;
    this.#Document ??= class Document extends DocumentBase {
      constructor(init) {
        super(run, handles, init);
      }
    };
    return this.#Document;
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
      // Parsed on first use.
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

/** A document. It stores its inputs, so that a new instance of the core can recreate it. */
class DocumentBase {
  #run;
  #handles;
  #init;
  #instance;
  #handle;

  constructor(run, handles, init) {
    this.#run = run;
    this.#handles = handles;
    this.#init = { ...init, text: String(init.text) };
    this.#use(() => undefined);
  }

  #use(action) {
    if (this.#init === undefined) throw new CoreError({ code: "invalid-argument", message: "the document was freed", help: "create a new document" });
    return this.#run((instance) => {
      if (this.#instance !== instance) {
        const [run, handles, handle] = [this.#run, this.#handles, new glue.Document(this.#init)];
        handles.add(handle);
        finalizer.unregister(this);
        finalizer.register(this, () => handles.delete(handle) && run(() => handle.free()), this);
        [this.#instance, this.#handle] = [instance, handle];
      }
      return action(this.#handle);
    });
  }

  setText(text) {
    this.#use((handle) => handle.setText(String(text)));
    this.#init.text = String(text);
  }

  apply(edits) {
    this.#use((handle) => handle.apply(edits));
    let [text, at] = ["", 0];
    for (const { from, to, insert } of edits) {
      text += this.#init.text.slice(at, from) + insert;
      at = to;
    }
    this.#init.text = text + this.#init.text.slice(at);
  }

  setOperator(operator) {
    this.#use((handle) => handle.setOperator(operator ?? null));
    this.#init.operator = operator;
  }

  setFacts(facts) {
    this.#use((handle) => handle.setFacts(facts));
    this.#init.context = facts;
  }

  analysis(parts) {
    return this.#use((handle) => handle.analysis(parts));
  }

  edit(pointer, value) {
    return this.#use((handle) => handle.edit(pointer, value ?? null));
  }

  convert(to) {
    return this.#use((handle) => handle.convert(to));
  }

  fix(code, pointer) {
    return this.#use((handle) => handle.fix(code, pointer));
  }

  snippets() {
    return this.#use((handle) => handle.snippets());
  }

  locate(pointer) {
    return this.#use((handle) => handle.locate(pointer));
  }

  free() {
    if (this.#init === undefined) return;
    this.#init = undefined;
    finalizer.unregister(this);
    if (this.#handles.delete(this.#handle)) this.#run(() => this.#handle.free());
  }
}

// A result is one line of JSON; the text after it, if any, is also part of the result.
function parseResult(result) {
  const end = result.indexOf("\n");
  if (end < 0) return JSON.parse(result);
  const { ok } = JSON.parse(result.slice(0, end));
  return { ok: { ...ok, text: result.slice(end + 1) } };
}

// A trap has no reason: if the memory cannot grow, assume that it was exhausted. The instance is not used again.
function isFull(memory) {
  const PAGES = 1024;
  try {
    memory?.grow(PAGES);
    return false;
  } catch {
    return true;
  }
}

// `kind` describes the document, the other members its context.
function split({ kind, ...context }) {
  return { kind, context };
}
