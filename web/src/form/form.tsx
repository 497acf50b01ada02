// The form: generated from the document's schema, it edits the text and shows its values.
import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { isMap } from "../pointer";
import * as pointers from "../pointer";
import { fields, type Field, expandSnippet, type Group, groups, isPrimary, type Node } from "../schema";
import * as store from "../store";
import { FieldView } from "./field";

export function Form(): VNode {
  const { schema, block, blocks, kind, value, syntaxError, coreFailure } = store;
  const [query, search] = useState("");
  const form = useRef<HTMLDivElement>(null);
  const shown = useMemo((): Group[] => {
    if (!schema.value || !block.value) return [];
    const top = fields(schema.value, schema.value.root, "", "");
    const own = schema.value.root === block.value.node ? [] : top;
    const first: Group[] = kind.value === "step" && own.length > 0 ? [{ id: "step", title: "Step", fields: own }] : [];
    return [...first, ...groups(schema.value, block.value)];
  }, [schema.value, block.value, kind.value]);
  useReveal(form);

  const words = query.toLowerCase().split(/\s+/u).filter(Boolean);
  const found = words.length === 0 ? shown : shown.map((group) => ({ ...group, fields: group.fields.filter((field) => matches(field, group, words)) }));
  const hits = found.reduce((sum, group) => sum + group.fields.length, 0);
  const paused = syntaxError.value !== null || (coreFailure.value !== null && !store.core.value);
  return (
    <section class="pane form" aria-labelledby="form-title" id="form">
      <header class="bar">
        <h2 id="form-title" tabIndex={-1}>
          Settings
        </h2>
        <input
          type="search"
          class="search"
          aria-label="Search settings"
          placeholder="Search settings"
          value={query}
          onInput={(event) => search(event.currentTarget.value)}
        />
      </header>
      <p class={`paused${paused ? " shown" : ""}`} role="status">
        {paused && (
          <>
            <strong>The form is paused</strong> until the text parses. {syntaxError.value}
          </>
        )}
      </p>
      {blocks.value.length > 1 && (
        <label class="inline blocks">
          Settings of{" "}
          <select value={block.value?.pointer ?? ""} onChange={(event) => (store.chosenBlock.value = event.currentTarget.value)}>
            {blocks.value.map(({ pointer }) => (
              <option key={pointer} value={pointer}>
                {pointers.parse(pointer).join(" › ")}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="groups" ref={form}>
        {!block.value && store.core.value && <p class="note">This document has no Run:ai settings. Add a `step_operator` block to edit them here.</p>}
        {block.value && words.length === 0 && <Snippets node={block.value.node} base={block.value.pointer} paused={paused} />}
        {words.length > 0 && (
          <p class="note" role="status">
            {hits === 0 ? "No matching setting" : `${hits} of ${shown.reduce((sum, group) => sum + group.fields.length, 0)} settings`}
          </p>
        )}
        {found
          .filter((group) => group.fields.length > 0)
          .map((group) => (
            <GroupView key={`${kind.value} ${group.id}`} group={group} all={words.length > 0} paused={paused} values={value.value} />
          ))}
      </div>
    </section>
  );
}

function matches({ key, node }: Field, group: Group, words: string[]): boolean {
  const inner = Object.keys(node.properties ?? node.items?.properties ?? {}).join(" ");
  const text = `${key} ${key.replaceAll("_", " ")} ${group.title} ${node.description ?? ""} ${node["x-unit"] ?? ""} ${node["x-api"] ?? ""} ${inner}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The schema's snippets as buttons. */
function Snippets({ node, base, paused }: { node: Node; base: string; paused: boolean }): VNode | null {
  const snippets = node.defaultSnippets ?? [];
  if (snippets.length === 0) return null;
  return (
    <div class="snippets" role="group" aria-label="Quick start">
      {snippets.map(({ label, description, body }) => (
        <button
          key={label}
          type="button"
          class="chip"
          title={description}
          disabled={paused}
          onClick={() => {
            const values = expandSnippet(body);
            if (!isMap(values)) return;
            store.writeAll(Object.entries(values).map(([key, value]) => [pointers.join(base, key), value]));
            store.active.value = { pointer: pointers.join(base, Object.keys(values)[0] ?? ""), from: "problem" };
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function GroupView({ group, all, paused, values }: { group: Group; all: boolean; paused: boolean; values: import("runai-spec").Json }): VNode {
  const node = store.block.value?.node ?? {};
  const isWritten = (field: Field) => pointers.get(values, field.pointer) !== undefined;
  const first = group.fields.filter((field) => group.id === "step" || isPrimary(node, field));
  const written = group.fields.filter(isWritten);
  // Groups with written values or defaults start open. Only the user closes a group.
  const [chosen, choose] = useState<boolean | null>(null);
  const opened = useRef(false);
  opened.current ||= group.id === "step" || written.length > 0 || group.fields.some((field) => field.node.default !== undefined);
  const [more, setMore] = useState(false);
  const active = store.active.value;
  const wanted = active !== null && active.from !== "form" ? group.fields.find((field) => pointers.within(active.pointer, field.pointer)) : undefined;
  useEffect(() => {
    if (!wanted) return;
    choose(true);
    if (!first.includes(wanted) && !isWritten(wanted)) setMore(true);
  }, [wanted?.pointer]);

  const shown = all || more ? group.fields : group.fields.filter((field) => first.includes(field) || isWritten(field));
  const hidden = group.fields.length - shown.length;
  const isOpen = all || (chosen ?? opened.current);
  const errors = (JSON.parse(store.errorPaths.value) as string[]).filter((path) => group.fields.some((field) => pointers.within(path, field.pointer))).length;
  const inactive = store.inactive.value;
  return (
    <section class="group">
      <h3>
        <button type="button" aria-expanded={isOpen} aria-controls={`group-${group.id}`} onClick={() => choose(!isOpen)}>
          <span class="arrow" aria-hidden="true" />
          {group.title}
          <span class="count">
            {errors > 0 && <span class="error">{errors} ✕ </span>}
            {written.length > 0 ? `${written.length} written` : `${group.fields.length}`}
          </span>
        </button>
      </h3>
      <div id={`group-${group.id}`} hidden={!isOpen}>
        {isOpen && (
          <fieldset disabled={paused}>
            <legend class="offscreen">{group.title}</legend>
            {shown.map((field) => (
              <FieldView key={field.pointer} field={field} value={pointers.get(values, field.pointer)} inactive={inactive.get(field.pointer) ?? null} />
            ))}
            {!all && (hidden > 0 || more) && (
              <button type="button" class="more" aria-expanded={more} onClick={() => setMore(!more)}>
                {more ? "Show less" : `${hidden} more`}
                <span class="offscreen"> settings of {group.title}</span>
                {!more && <span class="muted"> {group.fields.filter((field) => !shown.includes(field)).map(({ key }) => key).join(", ")}</span>}
              </button>
            )}
          </fieldset>
        )}
      </div>
    </section>
  );
}

/** Scrolls the active setting into view. */
function useReveal(form: { current: HTMLDivElement | null }): void {
  const active = store.active.value;
  useEffect(() => {
    if (!active || active.from === "form" || active.pointer === "") return;
    // Wait until its group is open.
    const later = setTimeout(() => {
      let [pointer, row]: [string, HTMLElement | null] = [active.pointer, null];
      while (pointer !== "" && !row) {
        row = form.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(pointer)}"]`) ?? null;
        pointer = pointers.parent(pointer);
      }
      const pane = form.current;
      if (!row || !pane) return;
      // Scroll only the pane, not the page.
      const scrolls = pane.scrollHeight > pane.clientHeight + 1;
      if (scrolls) {
        const [top, bottom] = [row.getBoundingClientRect().top - pane.getBoundingClientRect().top, row.getBoundingClientRect().bottom - pane.getBoundingClientRect().bottom];
        if (top < 0) pane.scrollTop += top - 8;
        else if (bottom > 0) pane.scrollTop += Math.min(top - 8, bottom + 8);
      }
    }, 0);
    return () => clearTimeout(later);
  }, [active]);
}
