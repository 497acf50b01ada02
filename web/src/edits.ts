// Edits of a text, as the core gives them.
import type { Diagnostic, Edit, Fix } from "runai-spec";

/** Returns the text after edits, which are in order. */
export function apply(text: string, edits: Edit[]): string {
  let [out, at] = ["", 0];
  for (const { from, to, insert } of edits) {
    out += text.slice(at, from) + insert;
    at = to;
  }
  return out + text.slice(at);
}

/** Returns the fixes of a diagnostic that edit the document and no other text. */
export function fixesOf({ fixes }: Diagnostic): Fix[] {
  return fixes.filter(({ edits }) => edits.every(({ path }) => path === "document"));
}
