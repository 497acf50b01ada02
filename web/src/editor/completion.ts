// Completion and hover text from the schema.
import { type Completion, type CompletionContext, type CompletionResult, startCompletion } from "@codemirror/autocomplete";
import { indentUnit } from "@codemirror/language";
import type { EditorView, Tooltip } from "@codemirror/view";
import { isMap } from "../pointer";
import * as pointers from "../pointer";
import { choices, expandSnippet, type Node, typeOf } from "../schema";
import * as store from "../store";
import { placeAt } from "./place";

export function complete(context: CompletionContext): CompletionResult | null {
  const schema = store.schema.value;
  if (!schema) return null;
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  if (/(^|\s)#/u.test(before)) return null;
  const place = placeAt(context.state.doc, context.pos);
  const word = /[\w$./-]*$/u.exec(before)?.[0] ?? "";
  const from = context.pos - word.length;
  if (!context.explicit && word === "" && !/[:-] $/u.test(before)) return null;

  if (place.inValue && place.key !== null) {
    const node = schema.at(pointers.join(place.parent, place.key));
    const rest = before.slice(before.indexOf(":") + 1).trim();
    return node && rest === word ? { from, options: values(node), validFor: /^[\w.-]*$/u } : null;
  }
  if (before.slice(0, before.length - word.length).trim().replaceAll("-", "") !== "") return null;
  const node = schema.at(place.parent);
  if (!node) return null;
  const options = node.properties ? keys(node, place.parent, place.column) : values(node);
  return { from, options, validFor: /^[\w.-]*$/u };
}

function keys(node: Node, parent: string, column: number): Completion[] {
  const schema = store.schema.value;
  const there = pointers.get(store.value.value, parent);
  const written = new Set(isMap(there) ? Object.keys(there) : []);
  const options: Completion[] = [];
  for (const [key, inner] of Object.entries(node.properties ?? {})) {
    const child = schema?.resolve(inner) ?? inner;
    if (child.doNotSuggest || written.has(key)) continue;
    options.push({
      label: key,
      type: "property",
      detail: child["x-unit"] ?? typeOf(child),
      info: () => described(key, child),
      boost: node.required?.includes(key) ? 2 : child.default === undefined ? 0 : 1,
      apply: (view, _, from, to) => insertKey(view, key, child, from, to, column),
    });
  }
  for (const { label, description, body } of node.defaultSnippets ?? []) {
    if (!isMap(body)) continue;
    options.push({
      label,
      type: "text",
      detail: "snippet",
      ...(description === undefined ? {} : { info: description }),
      boost: -1,
      apply: (view, _, from, to) => {
        // The partial word would become a key.
        view.dispatch({ changes: { from, to } });
        store.writeAll(Object.entries(body).map(([key, value]) => [pointers.join(parent, key), expandSnippet(value)]));
      },
    });
  }
  return options;
}

function insertKey(view: EditorView, key: string, node: Node, from: number, to: number, column: number): void {
  const type = typeOf(node);
  const unit = view.state.facet(indentUnit);
  const inner = `\n${" ".repeat(column)}${unit}`;
  const insert = `${key}:${type === "array" ? `${inner}- ` : type === "object" ? inner : " "}`;
  view.dispatch({
    changes: { from, to, insert },
    selection: { anchor: from + insert.length },
    userEvent: "input.complete",
  });
  if (values(node).length > 0 || type === "array" || type === "object") startCompletion(view);
}

function values(node: Node): Completion[] {
  const items = typeOf(node) === "array" && node.items ? node.items : node;
  const names = choices(items);
  if (names.length > 0) {
    return names.map((label, index) => {
      const info = items.markdownEnumDescriptions?.[index];
      return { label, type: "enum", ...(info === undefined ? {} : { info }) };
    });
  }
  if (typeOf(items) === "boolean") return [true, false].map((value) => ({ label: String(value), type: "enum" }));
  const examples = [items.default, ...(items.examples ?? [])].filter((value) => typeof value !== "object");
  return [...new Set(examples)]
    .filter((value) => value !== undefined)
    .map((value) => ({
      label: typeof value === "string" && /^[\d.]+$/u.test(value) ? JSON.stringify(value) : String(value),
      type: "constant",
      detail: value === items.default ? "default" : "example",
    }));
}

export function hover(view: EditorView, position: number): Tooltip | null {
  const schema = store.schema.value;
  const line = view.state.doc.lineAt(position);
  const word = wordAt(line.text, position - line.from);
  if (!schema || !word) return null;
  const place = placeAt(view.state.doc, position);
  const block = store.block.value;
  // Inside braces, the setting is found by its name in the current block.
  const pointer = place.key === word.text ? pointers.join(place.parent, word.text) : pointers.join(block?.pointer ?? "", word.text);
  const node = schema.at(pointer);
  if (!node?.description) return null;
  return {
    pos: line.from + word.from,
    end: line.from + word.to,
    above: true,
    create: () => ({ dom: described(word.text, node) }),
  };
}

function wordAt(text: string, at: number): { text: string; from: number; to: number } | null {
  for (const match of text.matchAll(/[\w$]+/gu)) {
    if (match.index <= at && at <= match.index + match[0].length) {
      return { text: match[0], from: match.index, to: match.index + match[0].length };
    }
  }
  return null;
}

function described(key: string, node: Node): HTMLElement {
  const dom = document.createElement("div");
  dom.className = "described";
  const line = (tag: string, text: string): void => {
    const element = document.createElement(tag);
    element.textContent = text;
    dom.append(element);
  };
  const facts = [
    node["x-unit"],
    node.default === undefined ? undefined : `default ${JSON.stringify(node.default)}`,
    choices(node).join(" | ") || undefined,
    node["x-api"] === undefined ? undefined : `sent as ${node["x-api"]}`,
  ];
  line("strong", key);
  line("p", (node.description ?? "").replaceAll("`", ""));
  line("small", facts.filter((fact) => fact !== undefined).join(" · "));
  return dom;
}
