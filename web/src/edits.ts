// Edits of a text.
import type { Diagnostic, Edit, Fix } from "runai-spec";

/** Applies edits, which must be sorted. */
export function apply(text: string, edits: Edit[]): string {
  let [out, at] = ["", 0];
  for (const { from, to, insert } of edits) {
    out += text.slice(at, from) + insert;
    at = to;
  }
  return out + text.slice(at);
}

/** Returns the fixes of a diagnostic that edit only the document. */
export function fixesOf({ fixes }: Diagnostic): Fix[] {
  return fixes.filter(({ edits }) => edits.every(({ path }) => path === "document"));
}
