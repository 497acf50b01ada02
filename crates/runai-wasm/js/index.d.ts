// Values are described in `types.d.ts`; they are part of wasm-bindgen's own `runai_wasm.d.ts`, too.
import type {
  Analysis, AnalysisPart, Context, DocumentInit, Edit, Facts, Fix, Format, Json, Needs, OperatorFile, Place, Rendered, Report,
  Request, Rule, RuleExplanation, SettingExplanation, Snippet,
} from "./types.js";

export type * from "./types.js";

/** Why there is no answer. The next call works again, whatever happened. */
export class CoreError extends Error {
  readonly name: "CoreError";
  readonly code:
    | "aliased"
    | "invalid-argument"
    | "invalid-pointer"
    | "no-place"
    | "not-a-container"
    | "not-in-format"
    | "out-of-memory"
    | "panic"
    | "unavailable"
    | "unknown-name"
    | "unreadable"
    | "unsafe";
  /** What to do. */
  readonly help: string | null;
  /** JSON pointer of the value that it is about. */
  readonly path: string | null;
  /** What keeps the text from being read. */
  readonly report: Report | null;
}

/**
 * A document that lives as long as its text: each change resolves the text once. Its methods may throw a {@link CoreError};
 * it works again after one, whatever happened.
 */
export interface Document {
  setText(text: string): void;
  /** Applies edits, which are in order and apart from each other. */
  apply(edits: Edit[]): void;
  setOperator(operator: OperatorFile | null): void;
  setFacts(facts: Facts): void;
  /** What follows from the text: all of it, or the parts that are named. */
  analysis(): Analysis;
  analysis<P extends AnalysisPart>(parts: P[]): Pick<Analysis, P | Extra<P>>;
  /** The smallest change that sets the value at a JSON pointer, or removes it (`null`); see {@link Core.edit}. */
  edit(pointer: string, value: Json): Edit[];
  /** The same values in another language; comments are lost. */
  convert(to: Format): string;
  /** The first fix of the diagnostic with a code and a JSON pointer. */
  fix(code: string, pointer: string): Fix | null;
  /** Commands and programs that submit the step; null while the text has errors. */
  snippets(): Snippet[] | null;
  /** Where the value at a JSON pointer is written, or would be inserted; null if the text has no place for it. */
  locate(pointer: string): Place | null;
  /** Gives its memory back. Documents that are no longer used do so by themselves, some time later. */
  free(): void;
}

type Extra<P extends AnalysisPart> = ("diagnostics" extends P ? "ok" | "operator" : never) | ("values" extends P ? "unreadable" : never);

/** The core. All of its functions may throw a {@link CoreError}; none keeps anything of what it was given. */
export class Core {
  private constructor();
  /** Documents of this core. */
  readonly Document: new (init: DocumentInit) => Document;
  /** Everything that is wrong with a document. */
  check(text: string, format: Format, context?: Context): Report;
  /** The same values in another language; comments are lost. */
  convert(text: string, from: Format, to: Format): string;
  /** The defaults of a step and of an operator file. */
  defaults(): { settings: { [key: string]: Json }; operator: { [key: string]: Json } };
  /**
   * The smallest change that sets the value at a JSON pointer, or removes it (`null`): comments, order and quotes stay.
   * `-` in place of an index adds an item. Edits are in order, and none touches the next.
   */
  edit(text: string, format: Format, pointer: string, value: Json): Edit[];
  /** A rule by its code, or a setting by its path. */
  explain(name: string): RuleExplanation | SettingExplanation;
  /** What the service account has to be allowed for a document. */
  permissions(text: string, format: Format, context?: Context): Needs;
  /** The request body, or the report of a document with errors (`"diagnostics" in result`). */
  render(text: string, format: Format, context?: Context): Rendered | Report;
  /** The request, or the report of a document with errors. */
  request(text: string, format: Format, context?: Context): Request | Report;
  /** All rules. */
  rules(): Rule[];
  /** The JSON Schema (draft-07) of a kind of document, or of the request. */
  schema(name: "operator" | "settings" | "step" | "training-request" | "zenml-run"): { [keyword: string]: Json };
  /** All settings, those inside others too. */
  settings(): SettingExplanation[];
  /** Commands and programs that submit the step, or the report of a document with errors. */
  snippets(text: string, format: Format, context?: Context): Snippet[] | Report;
  /** Version of the core. */
  version(): string;
}

/**
 * Loads the core, once: every call gives the same one.
 *
 * Without a source it is read from beside the package's own files.
 */
export function load(
  source?: URL | string | BufferSource | Response | WebAssembly.Module | Promise<BufferSource | Response | WebAssembly.Module>,
): Promise<Core>;
