// What the core says about a text. Pure: the page calls it for small texts, the worker for large ones.
import { type Context, type Core, CoreError, type Json, type Report } from "runai-spec";

export interface Body {
  /** As it is sent, in lines. */
  text: string;
  /** Steps of a ZenML run configuration. */
  steps: string[];
}

export interface Analysis {
  report: Report;
  /** Missing while there are errors. */
  body: Body | null;
}

/** The values of a text, or why they cannot be read. */
export type Values = { value: Json } | { waits: string };

export interface Failure {
  message: string;
  help: string | null;
}

export function analyse(core: Core, text: string, context: Context): Analysis {
  // One call for both: a rendered document brings its warnings.
  const rendered = core.render(text, "yaml", context);
  if ("diagnostics" in rendered) return { report: rendered, body: null };
  return { report: rendered.report, body: { text: rendered.text, steps: rendered.steps } };
}

export function read(core: Core, text: string): Values {
  try {
    return { value: JSON.parse(core.convert(text, "yaml", "json")) as Json };
  } catch (error) {
    const report = error instanceof CoreError ? error.report : null;
    // An empty text is one without values.
    if (text.trim() === "" || report?.diagnostics.every(({ code }) => code === "empty-document")) return { value: null };
    if (error instanceof CoreError && error.code === "unreadable") return { waits: error.message };
    throw error;
  }
}

export function failure(error: unknown): Failure {
  if (error instanceof CoreError) return { message: error.message, help: error.help };
  return { message: error instanceof Error ? error.message : String(error), help: null };
}
