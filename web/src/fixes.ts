// Quick fixes. The core names in its help what to write; what it names is tried out on the text, and what makes the
// problem go away without making another is offered. No rule is known here.
import type { Core, Diagnostic, Edit, Json } from "runai-spec";
import * as pointers from "./pointer";
import { sample, type Schema } from "./schema";

export interface Fix {
  title: string;
  edits: Edit[];
}

/** More is no help. */
const MOST = 3;

export function fixes(
  core: Core,
  schema: Schema,
  text: string,
  diagnostic: Diagnostic,
  all: Diagnostic[],
  value: Json,
): Fix[] {
  const found: Fix[] = [];
  const outcomes = new Set<string>([text]);
  const offer = (title: string, make: () => Edit[]): void => {
    if (found.length >= MOST) return;
    try {
      const edits = make();
      const next = apply(text, edits);
      if (outcomes.has(next) || !mends(core, next, diagnostic, all)) return;
      outcomes.add(next);
      found.push({ title, edits });
    } catch {
      // What the core cannot write is no fix.
    }
  };
  const { help, path } = diagnostic;
  const words = [...(help ?? "").matchAll(/`([^`]+)`/gu)].map((match) => match[1] ?? "");
  const parent = pointers.parent(path);
  for (const [index, word] of words.entries()) {
    const scalar = literal(word);
    // In place of what is underlined: a key, or a value as it would be typed.
    const span = { from: diagnostic.utf16_offset, to: diagnostic.utf16_end_offset };
    offer(`Write ${word}`, () => [{ ...span, insert: word }]);
    if (path !== "") offer(`Write ${word}`, () => core.edit(text, "yaml", path, scalar));
    const [key, written] = pair(word);
    const place = pointers.join(parent, key);
    const node = schema.at(place);
    if (!node || key === "") continue;
    const next = words[index + 1];
    const values = [written, next === undefined ? undefined : literal(next), sample(schema, node)];
    for (const some of values) {
      if (some === undefined || some === null) continue;
      const verb = pointers.get(value, place) === undefined ? "Add" : "Write";
      offer(`${verb} ${key}: ${JSON.stringify(some)}`, () => core.edit(text, "yaml", place, some));
    }
  }
  if (path !== "" && pointers.get(value, path) !== undefined) {
    offer(`Remove ${nameOf(path)}`, () => core.edit(text, "yaml", path, null));
  }
  return found;
}

/** The key, or which item of which list. */
function nameOf(path: string): string {
  const [list, key] = ["", ...pointers.parse(path)].slice(-2);
  return /^\d+$/u.test(key ?? "") ? `${list} ${Number(key) + 1}` : (key ?? path);
}

/** Whether the problem is gone, and no other has come. */
function mends(core: Core, text: string, { code, path }: Diagnostic, all: Diagnostic[]): boolean {
  const { diagnostics } = core.check(text, "yaml");
  const same = (other: Diagnostic) => other.code === code && other.path === path;
  return (
    diagnostics.filter(same).length < all.filter(same).length &&
    diagnostics.every((other) => same(other) || all.some((known) => known.code === other.code))
  );
}

/** `key: value` in a word, or a key alone. */
function pair(word: string): [key: string, value: Json | undefined] {
  const match = /^(\w+): (.+)$/u.exec(word);
  return match?.[1] && match[2] !== undefined ? [match[1], literal(match[2])] : [word, undefined];
}

function literal(word: string): Json {
  try {
    return JSON.parse(word) as Json;
  } catch {
    return word;
  }
}

/** A text after edits, which are in order. */
export function apply(text: string, edits: Edit[]): string {
  let [out, at] = ["", 0];
  for (const { from, to, insert } of edits) {
    out += text.slice(at, from) + insert;
    at = to;
  }
  return out + text.slice(at);
}
