// The state of the page, and the only ways to change it. The text is the editor's; all else follows from it.
import { batch, computed, effect, signal } from "@preact/signals";
import { type Core, type Diagnostic, type Edit, type Facts, type Inactive, type Json, type Kind, load, type MemberSource } from "runai-spec";
import { type Answers, failure, type Failure, type Question, type Result } from "./analysis";
import { apply as applied } from "./edits";
import { Living } from "./living";
import * as pointers from "./pointer";
import { type Block, sample, Schema } from "./schema";
import * as storage from "./storage";

export const core = signal<Core | null>(null);
/** Why the core is not there, or stopped. */
export const broken = signal<Failure | null>(null);

export const text = signal("");
export const analysis = signal<Result | null>(null);
/** The last values that could be read. */
export const value = signal<Json>(null);
/** Why the form waits: the text cannot be read at present. */
export const waits = signal<string | null>(null);
/** The last body without errors. */
export const body = signal<{ text: string; steps: string[]; sourceMap: MemberSource[] | null } | null>(null);
/** The settings without effect, of each step, in the last values. */
const effectless = signal<Inactive[]>([]);

/** What is known beside the document, for the preview alone. */
export const context = signal<Facts>({});
/** The setting that is being looked at, in the form, in the text or in the preview. */
export const active = signal<{ pointer: string; from: "form" | "text" | "body" | "problem" } | null>(null);
/** What to say about what was just done. */
export const message = signal<{ text: string; bad: boolean } | null>(null);
/** Where the settings of a ZenML run configuration are edited. */
export const chosenBlock = signal<string | null>(null);

export const diagnostics = computed<Diagnostic[]>(() => analysis.value?.diagnostics ?? []);
const errorsAmong = computed(() => diagnostics.value.filter(({ severity }) => severity === "error"));
export const errors = computed(() => errorsAmong.value.length);
/** Where the errors are, as JSON: whoever shows them is drawn anew only if they are elsewhere. */
export const errorPaths = computed(() => JSON.stringify(errorsAmong.value.map(({ path }) => path)));

// A text that cannot be read has no kind; it keeps the one that it had.
let lastKind: Kind = "step";
export const kind = computed<Kind>(() => {
  const found = analysis.value?.kind;
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

/** Why settings of the block have no effect, by their pointers in the document. */
export const inactive = computed<Map<string, string>>(() => {
  const place = block.value;
  if (!place) return new Map();
  const [above, name] = pointers.parse(place.pointer);
  const step = kind.value === "zenml" && above === "steps" ? name : effectless.value[0]?.step;
  const found = effectless.value.filter((setting) => setting.step === step);
  return new Map(found.map(({ path, because }) => [place.pointer + path, because]));
});

/** Where a setting, as a source map names it, stands in the document; null for one that the block has no place for. */
export function placeOf(setting: string): string | null {
  const [found, place] = [schema.peek(), block.peek()];
  const key = pointers.parse(setting)[0];
  if (!found || !place || key === undefined) return null;
  if (place.node.properties && key in place.node.properties) return place.pointer + setting;
  return kind.peek() !== "zenml" && found.root.properties && key in found.root.properties ? setting : null;
}

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
    refused(failure(error));
    return undefined;
  }
}

function refused({ message, help }: Failure): void {
  say(help ? `${message}. Help: ${help}` : message, true);
}

/** The document of the text, once the core is there. */
let living: Living | null = null;

/** Ask the document of the present text. If the text changes meanwhile, only edits are answered: those of the new text. */
export function ask<A extends keyof Answers>(
  question: Question & { ask: A },
  use: (answer: Answers[A]) => void,
  refuse: (failure: Failure) => void = refused,
): void {
  if (living) living.ask(question, use, refuse);
  else refuse(broken.value ?? { message: "The core is still loading.", help: null });
}

/**
 * Write a value into the document, or take it out (`null`): the smallest change of the text. Returns false if it was
 * refused at once. `step` makes it an undo step of its own; typing runs together.
 */
export function write(pointer: string, value: Json, step = true): boolean {
  let done = true;
  ask(
    { ask: "edits", values: [[pointer, value]] },
    ([edits]) => editor?.apply(edits ?? [], { whole: step }),
    (failure) => {
      done = false;
      notWritten(failure);
    },
  );
  return done;
}

/** Write several values as one change. */
export function writeAll(values: [pointer: string, value: Json][]): void {
  ask({ ask: "edits", values }, (all) => editor?.replace(all.reduce(applied, text.value)), notWritten);
}

function notWritten(failure: Failure): void {
  refused(failure);
  // The controls show again what is in the text.
  value.value = structuredClone(value.peek());
}

/** Take a value out, and with it the list or map that it would leave empty. */
export function remove(pointer: string): void {
  const above = pointers.parent(pointer);
  const container = pointers.get(value.value, above);
  const size = Array.isArray(container) ? container.length : pointers.isMap(container) ? Object.keys(container).length : 0;
  const emptied = size === 1 && above !== "" && above !== block.value?.pointer;
  write(emptied ? above : pointer, null);
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

/** Analyse the text as it is now. Only the newest answer counts. */
function reanalyze(): void {
  if (!living) return;
  ask(
    { ask: "analysis" },
    (analysis) => applyResult({ analysis }),
    (failure) => applyResult({ failure }),
  );
}

function applyResult(answer: { analysis: Result } | { failure: Failure }): void {
  batch(() => {
    if ("failure" in answer) {
      broken.value = answer.failure;
      return;
    }
    const found = answer.analysis;
    broken.value = null;
    analysis.value = found;
    waits.value = found.unreadable ?? null;
    if (found.body !== null) body.value = { text: found.body, steps: found.steps, sourceMap: found.sourceMap };
    if (found.unreadable !== undefined) return;
    value.value = found.values ?? null;
    effectless.value = found.inactive;
  });
}

/** Follow the text: the editor calls this whenever it has another one. */
export function changed(to: string): void {
  if (to === text.peek()) return;
  text.value = to;
  reanalyze();
}

export async function start(): Promise<void> {
  try {
    core.value = await load();
    living = new Living(core.value, () => ({ text: text.peek(), facts: context.peek() }));
    if (text.value === "") editor?.replace(starter(core.value));
  } catch (error) {
    broken.value = failure(error);
    return;
  }
  let first = true;
  effect(() => {
    void context.value;
    if (!first) reanalyze();
    first = false;
  });
  reanalyze();
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
