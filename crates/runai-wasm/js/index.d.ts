// Value types are in `types.d.ts`, which is also part of wasm-bindgen's `runai_wasm.d.ts`.
import type {
  Analysis, AnalysisPart, Context, DocumentInit, Edit, Facts, Fix, Format, Json, Needs, OperatorFile, Place, Rendered, Report,
  Request, Rule, RuleExplanation, SettingExplanation, Snippet,
} from "./types.js";

export type * from "./types.js";

/** The error of a failed call. Later calls work again. */
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
  /** JSON pointer of the affected value. */
  readonly path: string | null;
  /** The syntax error that prevents the call. */
  readonly report: Report | null;
}

/**
 * A document with a text that changes; each change resolves the text once. Methods may throw a {@link CoreError} and work
 * again afterwards.
 */
export interface Document {
  setText(text: string): void;
  /** Applies edits, which must be sorted and must not overlap. */
  apply(edits: Edit[]): void;
  setOperator(operator: OperatorFile | null): void;
  setFacts(facts: Facts): void;
  /** Returns the analysis of the text, or the named parts of it. */
  analysis(): Analysis;
  analysis<P extends AnalysisPart>(parts: P[]): Pick<Analysis, P | Extra<P>>;
  /** Returns the smallest edits that set the value at a JSON pointer, or remove it (`null`); see {@link Core.edit}. */
  edit(pointer: string, value: Json): Edit[];
  /** Converts the values to another format, without comments. */
  convert(to: Format): string;
  /** Returns the first fix of the diagnostic with a code and a JSON pointer. */
  fix(code: string, pointer: string): Fix | null;
  /** Returns commands and programs that submit the step; `null` while the text has errors. */
  snippets(): Snippet[] | null;
  /** Returns where the value at a JSON pointer is written or would be inserted; `null` if the text has no place for it. */
  locate(pointer: string): Place | null;
  /** Frees the document's memory. Otherwise the garbage collector frees it. */
  free(): void;
}

type Extra<P extends AnalysisPart> = ("diagnostics" extends P ? "ok" | "operator" : never) | ("values" extends P ? "unreadable" : never);

/** The core. Its functions are pure and may throw a {@link CoreError}. */
export class Core {
  private constructor();
  /** The document class of this core. */
  readonly Document: new (init: DocumentInit) => Document;
  /** Returns all diagnostics of a document. */
  check(text: string, format: Format, context?: Context): Report;
  /** Converts the values to another format, without comments. */
  convert(text: string, from: Format, to: Format): string;
  /** Returns the defaults of a step and of an operator file. */
  defaults(): { settings: { [key: string]: Json }; operator: { [key: string]: Json } };
  /**
   * Returns the smallest edits that set the value at a JSON pointer, or remove it (`null`). Comments, order and quotes
   * stay. `-` instead of an index appends an item. Edits are sorted and do not touch each other.
   */
  edit(text: string, format: Format, pointer: string, value: Json): Edit[];
  /** Explains a rule by code or a setting by path. */
  explain(name: string): RuleExplanation | SettingExplanation;
  /** Returns the permissions that the service account needs for a document. */
  permissions(text: string, format: Format, context?: Context): Needs;
  /** Returns the request body, or the report of a document with errors (`"diagnostics" in result`). */
  render(text: string, format: Format, context?: Context): Rendered | Report;
  /** Returns the request, or the report of a document with errors. */
  request(text: string, format: Format, context?: Context): Request | Report;
  /** Returns all rules. */
  rules(): Rule[];
  /** Returns the JSON Schema (draft-07) of a kind of document or of the request. */
  schema(name: "operator" | "settings" | "step" | "training-request" | "zenml-run"): { [keyword: string]: Json };
  /** Returns all settings, including nested ones. */
  settings(): SettingExplanation[];
  /** Returns commands and programs that submit the step, or the report of a document with errors. */
  snippets(text: string, format: Format, context?: Context): Snippet[] | Report;
  /** Returns the core's version. */
  version(): string;
}

/**
 * Loads the core once; every call returns the same instance.
 *
 * Without a source, the module is read from the package's folder.
 */
export function load(
  source?: URL | string | BufferSource | Response | WebAssembly.Module | Promise<BufferSource | Response | WebAssembly.Module>,
): Promise<Core>;
