// What the core says about a text. Pure: the page asks for small texts, the worker for large ones.
import { type Analysis, type AnalysisPart, type Core, CoreError, type Document, type Facts } from "runai-spec";

const PARTS = ["diagnostics", "kind", "values", "body", "steps", "inactive", "permissions"] as const satisfies AnalysisPart[];
/** Longer bodies are shown as plain text: nobody clicks through them. */
const MOST_LINES = 2_500;

/** What follows from a text; without a source map if the body is long. */
export type Result = Analysis;

export interface Failure {
  message: string;
  help: string | null;
}

export function analyse(document: Document): Result {
  const found = document.analysis([...PARTS]);
  const short = found.body !== null && lineCount(found.body) <= MOST_LINES;
  return { ...found, sourceMap: short ? document.analysis(["sourceMap"]).sourceMap : null };
}

function lineCount(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** The document that the page or the worker keeps, with another text and other facts. */
export function follow(core: Core, document: Document | null, text: string, facts: Facts): Document {
  if (!document) return new core.Document({ text, format: "yaml", context: facts });
  document.setText(text);
  document.setFacts(facts);
  return document;
}

export function failure(error: unknown): Failure {
  if (error instanceof CoreError) return { message: error.message, help: error.help };
  return { message: error instanceof Error ? error.message : String(error), help: null };
}
