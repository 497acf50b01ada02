// What the page asks the document of its text. Pure: it runs beside the page's other code, or in the worker.
import { type Analysis, type AnalysisPart, type Core, CoreError, type Document, type Edit, type Facts, type Format, type Json, type Snippet } from "runai-spec";

const PARTS = ["diagnostics", "kind", "values", "body", "steps", "inactive", "permissions"] as const satisfies AnalysisPart[];
/** Longer bodies are shown as plain text: nobody clicks through them. */
const MOST_LINES = 2_500;

/** What follows from a text; without a source map if the body is long. */
export type Result = Analysis;

export type Question =
  | { ask: "analysis" }
  | { ask: "convert"; to: Format }
  /** Each value is written into the text that the values before it left. */
  | { ask: "edits"; values: [pointer: string, value: Json][] }
  | { ask: "snippets" };

/** The answers, by what is asked. */
export interface Answers {
  analysis: Result;
  convert: string;
  /** Those of each value. */
  edits: Edit[][];
  snippets: Snippet[] | null;
}

export interface Failure {
  message: string;
  help: string | null;
}

export function answer(document: Document, question: Question): Answers[keyof Answers] {
  switch (question.ask) {
    case "analysis":
      return analyse(document);
    case "convert":
      return document.convert(question.to);
    case "edits":
      return question.values.map(([pointer, value], index) => {
        const edits = document.edit(pointer, value);
        if (index < question.values.length - 1) document.apply(edits);
        return edits;
      });
    case "snippets":
      return document.snippets();
  }
}

function analyse(document: Document): Result {
  const found = document.analysis([...PARTS]);
  const short = found.body !== null && lineCount(found.body) <= MOST_LINES;
  return { ...found, sourceMap: short ? document.analysis(["sourceMap"]).sourceMap : null };
}

function lineCount(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** Returns the document that the page or the worker keeps, with another text and other facts. */
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
