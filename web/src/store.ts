// The state of the page and the functions that change it. The editor owns the text; the rest is derived from it.
import { batch, computed, effect, signal } from "@preact/signals";
import { type Core, type Diagnostic, type Edit, type Facts, type Inactive, type Json, type Kind, load, type MemberSource } from "runai-spec";
import { failure, type Failure, type Query, type QueryResults, type Result } from "./analysis";
import { apply as applied } from "./edits";
import { DocumentSession } from "./session";
import * as pointers from "./pointer";
import { type Block, sample, Schema } from "./schema";
import * as storage from "./storage";

export const core = signal<Core | null>(null);
/** Why the core did not load, or stopped. */
export const coreFailure = signal<Failure | null>(null);

export const text = signal("");
export const analysis = signal<Result | null>(null);
/** The values of the last text that parsed. */
export const value = signal<Json>(null);
/** The syntax error that pauses the form. */
export const syntaxError = signal<string | null>(null);
/** The last body of a text without errors. */
export const body = signal<{ text: string; steps: string[]; sourceMap: MemberSource[] | null } | null>(null);
/** Settings without effect in each step of the last values. */
const allInactive = signal<Inactive[]>([]);

/** Name and IDs for the preview; they are not part of the document. */
export const context = signal<Facts>({});
/** The setting that is selected in the form, the text, the preview or the problems. */
export const active = signal<{ pointer: string; from: "form" | "text" | "body" | "problem" } | null>(null);
/** The notification about the last action. */
export const toast = signal<{ text: string; bad: boolean } | null>(null);
/** JSON pointer of the edited settings block of a ZenML run configuration. */
export const chosenBlock = signal<string | null>(null);

export const diagnostics = computed<Diagnostic[]>(() => analysis.value?.diagnostics ?? []);
const errorsAmong = computed(() => diagnostics.value.filter(({ severity }) => severity === "error"));
export const errors = computed(() => errorsAmong.value.length);
/** Pointers of the errors, as JSON, so that components render only when the pointers change. */
export const errorPaths = computed(() => JSON.stringify(errorsAmong.value.map(({ path }) => path)));

// A text that does not parse has no kind and keeps its last one.
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

/** Why settings of the block have no effect, by JSON pointer. */
export const inactive = computed<Map<string, string>>(() => {
  const place = block.value;
  if (!place) return new Map();
  const [above, name] = pointers.parse(place.pointer);
  const step = kind.value === "zenml" && above === "steps" ? name : allInactive.value[0]?.step;
  const found = allInactive.value.filter((setting) => setting.step === step);
  return new Map(found.map(({ path, because }) => [place.pointer + path, because]));
});

/** Returns the JSON pointer of a setting of a source map; `null` if the block has no such setting. */
export function placeOf(setting: string): string | null {
  const [found, place] = [schema.peek(), block.peek()];
  const key = pointers.parse(setting)[0];
  if (!found || !place || key === undefined) return null;
  if (place.node.properties && key in place.node.properties) return place.pointer + setting;
  return kind.peek() !== "zenml" && found.root.properties && key in found.root.properties ? setting : null;
}

/** The editor's interface for the rest of the page. */
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

export function notify(text: string, bad = false): void {
  toast.value = { text, bad };
  clearTimeout(clear);
  clear = setTimeout(() => (toast.value = null), bad ? 15_000 : 6_000);
}

/** Calls the core and shows its error, if any. */
export function attempt<T>(action: (core: Core) => T): T | undefined {
  if (!core.value) {
    notify(coreFailure.value?.message ?? "The core is still loading.", true);
    return undefined;
  }
  try {
    return action(core.value);
  } catch (error) {
    showFailure(failure(error));
    return undefined;
  }
}

function showFailure({ message, help }: Failure): void {
  notify(help ? `${message}. Help: ${help}` : message, true);
}

/** The document of the text, once the core has loaded. */
let session: DocumentSession | null = null;

/** Queries the document. If the text changes first, edits are computed for the new text and other queries are dropped. */
export function query<T extends keyof QueryResults>(
  query: Query & { type: T },
  onResult: (result: QueryResults[T]) => void,
  onFailure: (failure: Failure) => void = showFailure,
): void {
  if (session) session.query(query, onResult, onFailure);
  else onFailure(coreFailure.value ?? { message: "The core is still loading.", help: null });
}

/**
 * Writes a value into the document, or removes it (`null`), with the smallest edit. Returns `false` if the edit failed
 * at once. With `step`, the edit is a separate undo step.
 */
export function write(pointer: string, value: Json, step = true): boolean {
  let done = true;
  query(
    { type: "edits", values: [[pointer, value]] },
    ([edits]) => editor?.apply(edits ?? [], { whole: step }),
    (failure) => {
      done = false;
      onEditFailure(failure);
    },
  );
  return done;
}

/** Writes several values as one edit. */
export function writeAll(values: [pointer: string, value: Json][]): void {
  query({ type: "edits", values }, (all) => editor?.replace(all.reduce(applied, text.value)), onEditFailure);
}

function onEditFailure(failure: Failure): void {
  showFailure(failure);
  // Reset the controls to the text's values.
  value.value = structuredClone(value.peek());
}

/** Removes a value, and the list or map that would become empty. */
export function remove(pointer: string): void {
  const above = pointers.parent(pointer);
  const container = pointers.get(value.value, above);
  const size = Array.isArray(container) ? container.length : pointers.isMap(container) ? Object.keys(container).length : 0;
  const emptied = size === 1 && above !== "" && above !== block.value?.pointer;
  write(emptied ? above : pointer, null);
}

/** Returns a minimal step: the required settings with the examples of the schema. */
export function starter(core: Core): string {
  const schema = new Schema(core, "step");
  let text = "";
  for (const key of schema.root.required ?? []) {
    const node = schema.at(pointers.join("", key));
    if (node) text = applied(text, core.edit(text, "yaml", pointers.join("", key), sample(schema, node)));
  }
  return text;
}

/** Analyzes the current text. Only the newest result counts. */
function reanalyze(): void {
  if (!session) return;
  query(
    { type: "analysis" },
    (analysis) => applyResult({ analysis }),
    (failure) => applyResult({ failure }),
  );
}

function applyResult(outcome: { analysis: Result } | { failure: Failure }): void {
  batch(() => {
    if ("failure" in outcome) {
      coreFailure.value = outcome.failure;
      return;
    }
    const found = outcome.analysis;
    coreFailure.value = null;
    analysis.value = found;
    syntaxError.value = found.unreadable ?? null;
    if (found.body !== null) body.value = { text: found.body, steps: found.steps, sourceMap: found.sourceMap };
    if (found.unreadable !== undefined) return;
    value.value = found.values ?? null;
    allInactive.value = found.inactive;
  });
}

/** Updates the text; the editor calls this after each change. */
export function changed(to: string): void {
  if (to === text.peek()) return;
  text.value = to;
  reanalyze();
}

export async function start(): Promise<void> {
  try {
    core.value = await load();
    session = new DocumentSession(core.value, () => ({ text: text.peek(), facts: context.peek() }));
    if (text.value === "") editor?.replace(starter(core.value));
  } catch (error) {
    coreFailure.value = failure(error);
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

/** Saves a draft 400 ms after the last change. */
export function saveDrafts(): void {
  let later: ReturnType<typeof setTimeout> | undefined;
  let known = text.peek();
  effect(() => {
    const now = text.value;
    if (now === known) return;
    known = now;
    clearTimeout(later);
    later = setTimeout(() => storage.saveDraft(now), 400);
  });
  addEventListener("pagehide", () => {
    if (later !== undefined) storage.saveDraft(text.peek());
  });
}
