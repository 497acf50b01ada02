// Where a position of a YAML text is, told by indentation: enough for completion, hover text and links between the
// panes, and true also while a line is half written. What a text means, the core says.
import type { Text } from "@codemirror/state";
import * as pointers from "../pointer";

export interface Place {
  /** Of the map or list that the position is directly inside of. */
  parent: string;
  /** The key of its line, if it has one. */
  key: string | null;
  /** Whether the position is behind the key. */
  inValue: boolean;
  /** Where the key begins, or would begin. */
  column: number;
}

const LINE = /^(\s*)((?:- +)*)(?:(?:"([^"]*)"|'([^']*)'|([^\s#"'[{][^#]*?))\s*:(?=\s|$))?/u;
/** How far up is looked. */
const MOST_LINES = 20_000;

export function placeAt(doc: Text, position: number): Place {
  const line = doc.lineAt(position);
  const { dashes, column, key, valueAt } = read(line.text);
  let parent = above(doc, line.number, dashes.length > 0 ? (dashes[0] ?? 0) : column, dashes.length > 0);
  for (const [index, dash] of dashes.entries()) {
    // Only the outermost dash of a line goes on with a list from above.
    parent = pointers.join(parent, index === 0 ? itemsAbove(doc, line.number, dash) : 0);
  }
  return { parent, key, inValue: key !== null && position - line.from >= valueAt, column };
}

/** The pointer of what stands at a position. */
export function pointerAt(doc: Text, position: number): string {
  const { parent, key } = placeAt(doc, position);
  return key === null ? parent : pointers.join(parent, key);
}

interface Read {
  /** Columns of the dashes of list items. */
  dashes: number[];
  column: number;
  key: string | null;
  valueAt: number;
}

function read(text: string): Read {
  const match = LINE.exec(text);
  const [indent, items] = [match?.[1] ?? "", match?.[2] ?? ""];
  const dashes: number[] = [];
  for (let at = 0; at < items.length; at += 1) if (items[at] === "-") dashes.push(indent.length + at);
  // A dash at the end of its line is an item as well.
  const bare = /^\s*-$/u.test(text.trimEnd()) ? [text.indexOf("-")] : [];
  const key = match?.[3] ?? match?.[4] ?? match?.[5] ?? null;
  return {
    dashes: dashes.length > 0 ? dashes : bare,
    column: indent.length + items.length,
    key,
    valueAt: match?.[0].length ?? 0,
  };
}

/** The pointer of what the lines above open for something at this column. */
function above(doc: Text, number: number, column: number, item: boolean): string {
  const steps: (string | number)[] = [];
  let [limit, dash] = [column, item];
  for (let at = number - 1; at > 0 && number - at < MOST_LINES && (limit > 0 || dash); at -= 1) {
    const text = doc.line(at).text;
    if (/^\s*(#|$)/u.test(text)) continue;
    const line = read(text);
    if (line.key !== null && line.column < limit + (dash ? 1 : 0)) {
      // A list may stand as far left as its key.
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

/** How many items of the same list stand above a line. */
function itemsAbove(doc: Text, number: number, column: number): number {
  let items = 0;
  for (let at = number - 1; at > 0 && number - at < MOST_LINES; at -= 1) {
    const text = doc.line(at).text;
    if (/^\s*(#|$)/u.test(text)) continue;
    const indent = text.length - text.trimStart().length;
    if (indent < column || (indent === column && text[indent] !== "-")) break;
    if (indent === column) items += 1;
  }
  return items;
}
