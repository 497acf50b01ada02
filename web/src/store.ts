// The state of the page, and the only ways to change it. The text is the editor's; all else follows from it.
import { batch, computed, effect, signal } from "@preact/signals";
import { type Context, type Core, type Diagnostic, type Edit, type Json, type Kind, load } from "runai-spec";
import { analyse, type Analysis, failure, type Failure, read, type Values } from "./analysis";
import { apply as applied } from "./edits";
import * as pointers from "./pointer";
import { type Block, type Links, sample, Schema } from "./schema";
import * as storage from "./storage";
import type { Answer, Question } from "./worker";

/** From this length on a text is read in the worker. */
const LARGE = 24_000;

export const core = signal<Core | null>(null);
/** Why the core is not there, or stopped. */
export const broken = signal<Failure | null>(null);

export const text = signal("");
export const analysis = signal<Analysis | null>(null);
/** The last values that could be read. */
export const value = signal<Json>(null);
/** Why the form waits: the text cannot be read at present. */
export const waits = signal<string | null>(null);
/** The last body without errors. */
export const body = signal<Analysis["body"]>(null);
/** The values that it was made of. */
export const bodyValue = signal<Json>(null);

/** What is known beside the document, for the preview alone. */
export const context = signal<Context>({});
/** The setting that is being looked at, in the form, in the text or in the preview. */
export const active = signal<{ pointer: string; from: "form" | "text" | "body" | "problem" } | null>(null);
/** What to say about what was just done. */
export const message = signal<{ text: string; bad: boolean } | null>(null);
/** Where the settings of a ZenML run configuration are edited. */
export const chosenBlock = signal<string | null>(null);

export const diagnostics = computed<Diagnostic[]>(() => analysis.value?.report.diagnostics ?? []);
const errorsAmong = computed(() => diagnostics.value.filter(({ severity }) => severity === "error"));
export const errors = computed(() => errorsAmong.value.length);
/** Where the errors are, as JSON: whoever shows them is drawn anew only if they are elsewhere. */
export const errorPaths = computed(() => JSON.stringify(errorsAmong.value.map(({ path }) => path)));

// A text that cannot be read has no kind; it keeps the one that it had.
let lastKind: Kind = "step";
export const kind = computed<Kind>(() => {
  const found = analysis.value?.report.kind;
  if (found) lastKind = found;
  else if (text.value.trim() === "") lastKind = "step";
  return lastKind;
});

const schemas = new Map<Kind, Schema>();
export const schema = computed<Schema | null>(() => {
  if (!core.value) return null;
  let found = schemas.get(kind.value);
  if (!found) schemas.set(kind.value, (found = new Schema(core.value, kind.value)));
  return found;
});

export const blocks = computed<Block[]>(() => schema.value?.blocks(value.value) ?? []);
export const block = computed<Block | null>(
  () => blocks.value.find(({ pointer }) => pointer === chosenBlock.value) ?? blocks.value[0] ?? null,
);

/** Links between settings and members, and where the settings' paths begin. */
export const links = computed<{ links: Links; base: string } | null>(() => {
  const [found, place] = [schema.value, block.value];
  if (!found || !place) return null;
  const whole = kind.value !== "zenml";
  return { links: found.links(whole ? found.root : place.node), base: whole ? "" : place.pointer };
});

/** What the editor does for the rest of the page. */
export interface Editor {
  apply(edits: Edit[], options?: { whole?: boolean }): void;
  replace(text: string): void;
  reveal(from: number, to: number, focus: boolean): void;
  undo(): void;
  redo(): void;
  focus(): void;
}

let editor: Editor | null = null;

export function attach(to: Editor): void {
  editor = to;
}

export function theEditor(): Editor | null {
  return editor;
}

let clear: ReturnType<typeof setTimeout> | undefined;

export function say(text: string, bad = false): void {
  message.value = { text, bad };
  clearTimeout(clear);
  clear = setTimeout(() => (message.value = null), bad ? 15_000 : 6_000);
}

/** Try something that the core may refuse, and say why it did. */
export function attempt<T>(action: (core: Core) => T): T | undefined {
  if (!core.value) {
    say(broken.value?.message ?? "The core is still loading.", true);
    return undefined;
  }
  try {
    return action(core.value);
  } catch (error) {
    const { message, help } = failure(error);
    say(help ? `${message}. Help: ${help}` : message, true);
    return undefined;
  }
}

/**
 * Write a value into the document, or take it out (`null`): the smallest change of the text.
 * `step` makes it an undo step of its own; typing runs together.
 */
export function write(pointer: string, value: Json, step = true): boolean {
  return attempt((core) => {
    const edits = core.edit(text.value, "yaml", pointer, value);
    editor?.apply(edits, { whole: step });
    return true;
  }) ?? false;
}

/** Write several values as one change. */
export function writeAll(values: [pointer: string, value: Json][]): void {
  attempt((core) => {
    let now = text.value;
    for (const [pointer, value] of values) now = applied(now, core.edit(now, "yaml", pointer, value));
    editor?.replace(now);
  });
}

/** Take a value out, and with it the list or map that it would leave empty. */
export function remove(pointer: string): void {
  const above = pointers.parent(pointer);
  const container = pointers.get(value.value, above);
  const size = Array.isArray(container) ? container.length : pointers.isMap(container) ? Object.keys(container).length : 0;
  const emptied = size === 1 && above !== "" && above !== block.value?.pointer;
  write(emptied ? above : pointer, null);
}

/** Where the value at a pointer stands in the text: what would be replaced to change it. */
export function locate(pointer: string): { from: number; to: number } | null {
  if (!core.value || pointers.get(value.value, pointer) === undefined) return null;
  try {
    const edits = core.value.edit(text.value, "yaml", pointer, "\u2063");
    const [first, last] = [edits[0], edits.at(-1)];
    return first && last ? { from: first.from, to: last.to } : null;
  } catch {
    return null;
  }
}

/** The least that a step has to say, from the examples of its schema. */
export function starter(core: Core): string {
  const schema = new Schema(core, "step");
  let text = "";
  for (const key of schema.root.required ?? []) {
    const node = schema.at(pointers.join("", key));
    if (node) text = applied(text, core.edit(text, "yaml", pointers.join("", key), sample(schema, node)));
  }
  return text;
}

let worker: Worker | null = null;
let asked = 0;
let waiting: Question | null = null;
let busy = false;

/** Read the text anew. Only the newest answer counts. */
function readAnew(): void {
  const now = core.value;
  if (!now) return;
  asked += 1;
  if (text.value.length > LARGE) {
    waiting = { id: asked, text: text.value, context: context.value };
    askWorker();
    return;
  }
  waiting = null;
  try {
    took({ analysis: analyse(now, text.value, context.value) });
    took({ values: read(now, text.value) });
  } catch (error) {
    took({ failure: failure(error) });
  }
}

function askWorker(): void {
  if (busy || !waiting) return;
  if (!worker) {
    worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
      if (data.id === asked) took(data);
      if (!("analysis" in data)) {
        busy = false;
        askWorker();
      }
    });
    worker.addEventListener("error", () => {
      busy = false;
      worker = null;
      took({ failure: { message: "the core stopped in its worker", help: "try a smaller text" } });
    });
  }
  busy = true;
  worker.postMessage(waiting);
  waiting = null;
}

function took(answer: { analysis: Analysis } | { values: Values } | { failure: Failure }): void {
  batch(() => {
    if ("failure" in answer) {
      broken.value = answer.failure;
      return;
    }
    broken.value = null;
    if ("analysis" in answer) {
      analysis.value = answer.analysis;
      if (answer.analysis.body) body.value = answer.analysis.body;
      return;
    }
    if ("value" in answer.values) {
      waits.value = null;
      value.value = answer.values.value;
      if (analysis.value?.body) bodyValue.value = answer.values.value;
    } else {
      waits.value = answer.values.waits;
    }
  });
}

/** Does something when nothing else is to be done. */
export const idle = globalThis.requestIdleCallback ?? ((action: () => void) => setTimeout(action, 50));

/** Follow the text: the editor calls this whenever it has another one. */
export function changed(to: string): void {
  if (to === text.peek()) return;
  text.value = to;
  readAnew();
}

export async function start(): Promise<void> {
  try {
    core.value = await load();
    if (text.value === "") editor?.replace(starter(core.value));
  } catch (error) {
    broken.value = failure(error);
    return;
  }
  let first = true;
  effect(() => {
    void context.value;
    if (!first) readAnew();
    first = false;
  });
  readAnew();
}

/** Keep a draft of the text, a moment after the last change. */
export function keepDrafts(): void {
  let later: ReturnType<typeof setTimeout> | undefined;
  let known = text.peek();
  effect(() => {
    const now = text.value;
    if (now === known) return;
    known = now;
    clearTimeout(later);
    later = setTimeout(() => storage.keep(now), 400);
  });
  addEventListener("pagehide", () => {
    if (later !== undefined) storage.keep(text.peek());
  });
}
