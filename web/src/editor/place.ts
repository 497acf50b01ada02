// Locates a position in a YAML text by indentation, for completion, hover text and links between the panes. It also works
// on incomplete lines, which the core cannot parse.
import type { Text } from "@codemirror/state";
import * as pointers from "../pointer";

export interface Place {
  /** JSON pointer of the enclosing map or list. */
  parent: string;
  /** The key of the line, if any. */
  key: string | null;
  /** Whether the position is after the key. */
  inValue: boolean;
  /** Column of the key, or of a key to insert. */
  column: number;
}

const LINE = /^(\s*)((?:- +)*)(?:(?:"([^"]*)"|'([^']*)'|([^\s#"'[{][^#]*?))\s*:(?=\s|$))?/u;
/** Maximum number of preceding lines to search. */
const MAX_LINES = 20_000;

export function placeAt(doc: Text, position: number): Place {
  const line = doc.lineAt(position);
  const { dashes, column, key, valueAt } = parseLine(line.text);
  let parent = above(doc, line.number, dashes.length > 0 ? (dashes[0] ?? 0) : column, dashes.length > 0);
  for (const [index, dash] of dashes.entries()) {
    // Only the outermost dash of a line continues a list from above.
    parent = pointers.join(parent, index === 0 ? itemsAbove(doc, line.number, dash) : 0);
  }
  return { parent, key, inValue: key !== null && position - line.from >= valueAt, column };
}

/** Returns the JSON pointer of the value at a position. */
export function pointerAt(doc: Text, position: number): string {
  const { parent, key } = placeAt(doc, position);
  return key === null ? parent : pointers.join(parent, key);
}

interface LineParts {
  /** Columns of the list items' dashes. */
  dashes: number[];
  column: number;
  key: string | null;
  valueAt: number;
}

function parseLine(text: string): LineParts {
  const match = LINE.exec(text);
  const [indent, items] = [match?.[1] ?? "", match?.[2] ?? ""];
  const dashes: number[] = [];
  for (let at = 0; at < items.length; at += 1) if (items[at] === "-") dashes.push(indent.length + at);
  // A dash at the end of a line is also an item.
  const bare = /^\s*-$/u.test(text.trimEnd()) ? [text.indexOf("-")] : [];
  const key = match?.[3] ?? match?.[4] ?? match?.[5] ?? null;
  return {
    dashes: dashes.length > 0 ? dashes : bare,
    column: indent.length + items.length,
    key,
    valueAt: match?.[0].length ?? 0,
  };
}

/** Returns the pointer of the map or list that the lines above open for this column. */
function above(doc: Text, number: number, column: number, item: boolean): string {
  const steps: (string | number)[] = [];
  let [limit, dash] = [column, item];
  for (let at = number - 1; at > 0 && number - at < MAX_LINES && (limit > 0 || dash); at -= 1) {
    const text = doc.line(at).text;
    if (/^\s*(#|$)/u.test(text)) continue;
    const line = parseLine(text);
    if (line.key !== null && line.column < limit + (dash ? 1 : 0)) {
      // A list may have the same indentation as its key.
      steps.unshift(line.key);
      limit = line.column;
      dash = false;
    }
    for (const column of line.dashes.toReversed()) {
      if (column < limit) {
        steps.unshift(itemsAbove(doc, at, column));
        limit = column;
        dash = true;
      }
    }
  }
  return pointers.join("", ...steps);
}

/** Counts the items of the same list above a line. */
function itemsAbove(doc: Text, number: number, column: number): number {
  let items = 0;
  for (let at = number - 1; at > 0 && number - at < MAX_LINES; at -= 1) {
    const text = doc.line(at).text;
    if (/^\s*(#|$)/u.test(text)) continue;
    const indent = text.length - text.trimStart().length;
    if (indent < column || (indent === column && text[indent] !== "-")) break;
    if (indent === column) items += 1;
  }
  return items;
}
