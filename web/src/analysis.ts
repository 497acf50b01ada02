// Queries about the document. Runs in the page or in the worker.
import { type Analysis, type AnalysisPart, type Core, CoreError, type Document, type Edit, type Facts, type Format, type Json, type Snippet } from "runai-spec";

const PARTS = ["diagnostics", "kind", "values", "body", "steps", "inactive", "permissions"] as const satisfies AnalysisPart[];
/** Longer bodies are shown as plain text, without a source map. */
const MAX_MAPPED_LINES = 2_500;

/** The analysis of a text; without a source map if the body has more than `MAX_MAPPED_LINES` lines. */
export type Result = Analysis;

export type Query =
  | { type: "analysis" }
  | { type: "convert"; to: Format }
  /** Writes the values in order, each into the text after the previous edits. */
  | { type: "edits"; values: [pointer: string, value: Json][] }
  | { type: "snippets" };

/** The result of each query. */
export interface QueryResults {
  analysis: Result;
  convert: string;
  /** The edits of each value. */
  edits: Edit[][];
  snippets: Snippet[] | null;
}

export interface Failure {
  message: string;
  help: string | null;
}

export function runQuery(document: Document, query: Query): QueryResults[keyof QueryResults] {
  switch (query.type) {
    case "analysis":
      return analyze(document);
    case "convert":
      return document.convert(query.to);
    case "edits":
      return query.values.map(([pointer, value], index) => {
        const edits = document.edit(pointer, value);
        if (index < query.values.length - 1) document.apply(edits);
        return edits;
      });
    case "snippets":
      return document.snippets();
  }
}

function analyze(document: Document): Result {
  const found = document.analysis([...PARTS]);
  const short = found.body !== null && lineCount(found.body) <= MAX_MAPPED_LINES;
  return { ...found, sourceMap: short ? document.analysis(["sourceMap"]).sourceMap : null };
}

function lineCount(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** Updates a document's text and facts, or creates it. */
export function updateDocument(core: Core, document: Document | null, text: string, facts: Facts): Document {
  if (!document) return new core.Document({ text, format: "yaml", context: facts });
  document.setText(text);
  document.setFacts(facts);
  return document;
}

export function failure(error: unknown): Failure {
  if (error instanceof CoreError) return { message: error.message, help: error.help };
  return { message: error instanceof Error ? error.message : String(error), help: null };
}
