// The control of a value, chosen by its schema. A value of another type is shown as text.
import { useComputed } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Json } from "runai-spec";
import { isMap } from "../pointer";
import * as pointers from "../pointer";
import { choices, type Field, fields, type Node, sample, typeOf } from "../schema";
import * as store from "../store";
import { FieldView } from "./field";

interface Props {
  id: string;
  field: Field;
  value: Json | undefined;
  /** Prefix of the accessible name. */
  name: string;
  disabled: boolean;
  invalid: boolean;
}

/** Further items are hidden behind "Show all". */
const MAX_SHOWN = 40;

/** Returns whether the value has nested controls. */
export function isStructure(node: Node, value: Json | undefined): boolean {
  const type = typeOf(node);
  const fits = value === undefined || value === null || (type === "array" ? Array.isArray(value) : isMap(value));
  return (type === "array" || type === "object") && fits;
}

export function Control(props: Props): VNode {
  const { field, value } = props;
  const { node } = field;
  if (isStructure(node, value)) {
    if (typeOf(node) === "array") return <List {...props} items={Array.isArray(value) ? value : []} />;
    return node.properties ? <Fields {...props} /> : <Entries {...props} entries={isMap(value) ? value : {}} />;
  }
  // The value does not match the schema: show it read-only.
  if (typeof value === "object" && value !== null) return <output id={props.id} class="odd">{JSON.stringify(value)}</output>;
  const fits = value === undefined || value === null;
  switch (typeOf(node)) {
    case "boolean":
      return fits || typeof value === "boolean" ? <Checkbox {...props} /> : <TextInput {...props} />;
    case "integer":
    case "number":
      return fits || typeof value === "number" ? <NumberInput {...props} /> : <TextInput {...props} />;
    default: {
      const names = choices(node);
      return names.length > 0 && (fits || names.includes(String(value))) ? <Select {...props} names={names} /> : <TextInput {...props} />;
    }
  }
}

function attributes({ id, name, field, disabled, invalid }: Props) {
  const unit = field.node["x-unit"];
  return {
    id,
    // A nested setting's name contains its parent.
    "aria-label": unit === undefined ? name : `${name} (${unit})`,
    "aria-describedby": `${id}-help`,
    "aria-invalid": invalid,
    "aria-required": field.required || undefined,
    disabled,
    autocomplete: "off",
  } as const;
}

function Checkbox(props: Props): VNode {
  const { field, value } = props;
  const ref = useRef<HTMLInputElement>(null);
  const unset = value === undefined || value === null;
  const fallback = field.node.default === true;
  // Indeterminate: no value and no default.
  const open = unset && field.node.default === undefined;
  useEffect(() => {
    if (ref.current) ref.current.indeterminate = open;
  });
  return (
    <span class="toggle">
      <input
        {...attributes(props)}
        ref={ref}
        type="checkbox"
        checked={unset ? fallback : value === true}
        onChange={(event) => {
          if (!store.write(field.pointer, event.currentTarget.checked)) event.currentTarget.checked = unset ? fallback : value === true;
        }}
      />
      <span aria-hidden="true">{open ? "not set" : (unset ? fallback : value === true) ? "yes" : "no"}</span>
    </span>
  );
}

function Select(props: Props & { names: string[] }): VNode {
  const { field, value, names } = props;
  const fallback = typeof field.node.default === "string" ? field.node.default : undefined;
  return (
    <select
      {...attributes(props)}
      value={typeof value === "string" ? value : ""}
      onChange={(event) => {
        const chosen = event.currentTarget.value;
        if (chosen === "") store.remove(field.pointer);
        else if (!store.write(field.pointer, chosen)) event.currentTarget.value = typeof value === "string" ? value : "";
      }}
    >
      <option value="">{fallback === undefined ? "not set" : `${fallback} (default)`}</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Keeps the typed text while it parses to the current value. */
function useDraft(value: Json | undefined, parse: (text: string) => Json | undefined): [string, (text: string | null) => void] {
  const [draft, setDraft] = useState<string | null>(null);
  const shown = value === undefined || value === null ? "" : String(value);
  if (draft === null) return [shown, setDraft];
  return [parse(draft) === (value ?? null) ? draft : shown, setDraft];
}

function TextInput(props: Props): VNode {
  const { field, value } = props;
  const { node, pointer } = field;
  const isNumber = typeOf(node) === "number" || typeOf(node) === "integer";
  const parse = (text: string): Json => (text === "" ? null : isNumber && Number.isFinite(Number(text)) ? Number(text) : text);
  const [shown, draft] = useDraft(value, parse);
  return (
    <span class="with-unit">
      <input
        {...attributes(props)}
        type={node["x-secret"] ? "password" : "text"}
        spellcheck={false}
        autocapitalize="off"
        value={shown}
        placeholder={hint(node)}
        onInput={(event) => {
          const text = event.currentTarget.value;
          draft(text);
          set(pointer, parse(text), field.required);
        }}
        onBlur={() => draft(null)}
      />
      <Unit node={node} />
    </span>
  );
}

function NumberInput(props: Props): VNode {
  const { field, value } = props;
  const { node, pointer } = field;
  const parse = (text: string): Json => (text === "" ? null : Number(text));
  const [shown, draft] = useDraft(value, parse);
  const slides = node.minimum === 0 && node.maximum === 1;
  const now = typeof value === "number" ? value : typeof node.default === "number" ? node.default : 0;
  return (
    <span class={slides ? "with-slider" : "with-unit"}>
      <input
        {...attributes(props)}
        type="number"
        inputMode="decimal"
        step={typeOf(node) === "integer" ? 1 : slides ? 0.05 : "any"}
        min={node.minimum}
        max={node.maximum}
        value={shown}
        placeholder={hint(node)}
        onInput={(event) => {
          const input = event.currentTarget;
          // An incomplete number, such as `1e`.
          if (input.validity.badInput) return;
          draft(input.value);
          set(pointer, parse(input.value), field.required);
        }}
        onBlur={() => draft(null)}
      />
      {slides && (
        <input
          type="range"
          aria-label={`${props.name} slider`}
          min={node.minimum}
          max={node.maximum}
          step={0.05}
          value={now}
          disabled={props.disabled}
          style={{ "--at": `${Math.round(Math.min(1, Math.max(0, now)) * 100)}%` }}
          onInput={(event) => {
            draft(null);
            store.write(pointer, Number(event.currentTarget.value), false);
          }}
        />
      )}
      <Unit node={node} />
    </span>
  );
}

function set(pointer: string, value: Json, required: boolean): void {
  if (value === null && required) store.write(pointer, "", false);
  else if (value === null) store.remove(pointer);
  else store.write(pointer, value, false);
}

function Unit({ node }: { node: Node }): VNode | null {
  const unit = node["x-unit"];
  return unit === undefined ? null : (
    <span class="unit" aria-hidden="true">
      {unit}
    </span>
  );
}

function hint(node: Node): string {
  const value = node.default ?? undefined;
  return value === undefined || typeof value === "object" ? "" : String(value);
}

function List(props: Props & { items: Json[] }): VNode {
  const { id, field, items, name, disabled } = props;
  const problemAt = useErrors(field.pointer);
  const [all, setAll] = useState(false);
  const schema = store.schema.value;
  const node = field.node.items && schema ? schema.resolve(field.node.items) : {};
  const add = (): void => {
    const index = items.length;
    const item = typeOf(node) === "object" || items.length === 0 ? sampleOf(node, field) : typeOf(node) === "string" ? choices(node)[0] ?? "" : sampleOf(node, field);
    if (!store.write(pointers.join(field.pointer, "-"), item)) return;
    focusLater(`[data-field="${CSS.escape(pointers.join(field.pointer, index))}"]`);
  };
  const move = (from: number, to: number): void => {
    const next = items.slice();
    const [item] = next.splice(from, 1);
    if (item === undefined) return;
    next.splice(to, 0, item);
    if (!store.write(field.pointer, next)) return;
    store.notify(`Moved to position ${to + 1} of ${next.length}.`);
    focusLater(`[data-field="${CSS.escape(pointers.join(field.pointer, to))}"]`, to < from ? ".up" : ".down");
  };
  const shown = all ? items : items.slice(0, MAX_SHOWN);
  return (
    <div class="list" role="group" aria-labelledby={`${id}-label`} aria-describedby={`${id}-help`}>
      {shown.map((item, index) => {
        const pointer = pointers.join(field.pointer, index);
        const title = `${name} ${index + 1}`;
        const inner: Field = { key: String(index), pointer, path: field.path, node, required: false };
        const buttons = (
          <span class="item-actions">
            <button type="button" class="icon up" aria-label={`Move ${title} up`} aria-disabled={index === 0} onClick={() => index > 0 && move(index, index - 1)}>
              ↑
            </button>
            <button type="button" class="icon down" aria-label={`Move ${title} down`} aria-disabled={index === items.length - 1} onClick={() => index < items.length - 1 && move(index, index + 1)}>
              ↓
            </button>
            <button type="button" class="icon" aria-label={`Remove ${title}`} onClick={() => store.remove(pointer)}>
              ✕
            </button>
          </span>
        );
        const itemId = `${id}-${index}`;
        if (isMap(item) && node.properties) {
          return (
            <div class="item card" key={index} data-field={pointer} role="group" aria-label={title}>
              <div class="item-head">
                <span>{index + 1}</span>
                {buttons}
              </div>
              <Inner node={node} pointer={pointer} path={field.path} value={item} name={title} />
            </div>
          );
        }
        return (
          <div class="item" key={index} data-field={pointer}>
            <Control id={itemId} field={{ ...inner, required: true }} value={item} name={title} disabled={disabled} invalid={problemAt(pointer)} />
            <span id={`${itemId}-help`} hidden />
            {buttons}
          </div>
        );
      })}
      {items.length > shown.length && (
        <button type="button" class="small" onClick={() => setAll(true)}>
          Show all {items.length}
        </button>
      )}
      <button type="button" class="small add" aria-label={`Add to ${name}`} disabled={disabled} onClick={add}>
        + Add
      </button>
    </div>
  );
}

/** Returns the first item of the setting's example, else a sample of the item's schema. */
function sampleOf(node: Node, field: Field): Json {
  const example = field.node.examples?.[0];
  const schema = store.schema.peek();
  if (Array.isArray(example) && example[0] !== undefined) return example[0];
  return schema ? sample(schema, node) : "";
}

function Entries(props: Props & { entries: { [key: string]: Json } }): VNode {
  const { id, field, entries, name, disabled } = props;
  const problemAt = useErrors(field.pointer);
  const [all, setAll] = useState(false);
  const keys = Object.keys(entries);
  const schema = store.schema.value;
  const inner = field.node.additionalProperties;
  const node: Node = typeof inner === "object" && inner !== null && schema ? schema.resolve(inner) : {};
  const add = (): void => {
    const example = field.node.examples?.[0];
    const [key, value] = (isMap(example) ? Object.entries(example) : [])[0] ?? ["key", ""];
    let fresh = key;
    for (let number = 2; fresh in entries; number += 1) fresh = `${key}-${number}`;
    if (!store.write(pointers.join(field.pointer, fresh), value)) return;
    focusLater(`[data-field="${CSS.escape(pointers.join(field.pointer, fresh))}"]`);
  };
  const rename = (from: string, to: string): void => {
    if (from === to) return;
    if (to === "" || to in entries) {
      store.notify(to === "" ? "A key cannot be empty." : `Key \`${to}\` already exists.`, true);
      return;
    }
    store.write(field.pointer, Object.fromEntries(keys.map((key) => [key === from ? to : key, entries[key] ?? null])));
  };
  const shown = all ? keys : keys.slice(0, MAX_SHOWN);
  return (
    <div class="list entries" role="group" aria-labelledby={`${id}-label`} aria-describedby={`${id}-help`}>
      {shown.map((key, index) => {
        const pointer = pointers.join(field.pointer, key);
        const itemId = `${id}-${index}`;
        return (
          <div class="item entry" key={index} data-field={pointer}>
            <input
              class="entry-key"
              aria-label={`${name} key ${index + 1}`}
              value={key}
              spellcheck={false}
              autocomplete="off"
              disabled={disabled}
              aria-invalid={problemAt(pointer)}
              onChange={(event) => {
                rename(key, event.currentTarget.value);
                event.currentTarget.value = store.value.peek() === null ? key : event.currentTarget.value;
              }}
            />
            <Control
              id={itemId}
              field={{ key, pointer, path: field.path, node: { ...node, type: "string" }, required: true }}
              value={entries[key]}
              name={`${name} ${key}`}
              disabled={disabled}
              invalid={problemAt(pointer)}
            />
            <span id={`${itemId}-help`} hidden />
            <span class="item-actions">
              <button type="button" class="icon" aria-label={`Remove ${name} ${key}`} onClick={() => store.remove(pointer)}>
                ✕
              </button>
            </span>
          </div>
        );
      })}
      {keys.length > shown.length && (
        <button type="button" class="small" onClick={() => setAll(true)}>
          Show all {keys.length}
        </button>
      )}
      <button type="button" class="small add" aria-label={`Add to ${name}`} disabled={disabled} onClick={add}>
        + Add
      </button>
    </div>
  );
}

/** A setting that is a map of settings. */
function Fields({ id, field, value, name }: Props): VNode {
  const [open, setOpen] = useState(false);
  const written = isMap(value) ? Object.keys(value).length : 0;
  const active = store.active.value;
  const wanted = active !== null && active.from !== "form" && pointers.within(active.pointer, field.pointer) && active.pointer !== field.pointer;
  useEffect(() => {
    if (wanted) setOpen(true);
  }, [wanted]);
  return (
    <div class="list" role="group" aria-labelledby={`${id}-label`} aria-describedby={`${id}-help`}>
      <button type="button" class="small" aria-expanded={open || written > 0} onClick={() => setOpen(!open)} hidden={written > 0}>
        {open ? "Fewer settings" : `${Object.keys(field.node.properties ?? {}).length} settings`}
        <span class="offscreen"> of {name}</span>
      </button>
      {(open || written > 0) && (
        <div class="item card">
          <Inner node={field.node} pointer={field.pointer} path={field.path} value={isMap(value) ? value : {}} name={name} all />
        </div>
      )}
    </div>
  );
}

function Inner(props: { node: Node; pointer: string; path: string; value: { [key: string]: Json }; name: string; all?: boolean }): VNode {
  const { node, pointer, path, value, name } = props;
  const schema = store.schema.value;
  const all = schema ? fields(schema, node, pointer, path) : [];
  const [more, setMore] = useState(false);
  // Shown first: required, written, or with an example or default.
  const first = all.filter((field) => props.all || field.required || field.key in value || field.node.examples !== undefined || field.node.default !== undefined);
  const shown = more ? all : first;
  return (
    <>
      {shown.map((field) => (
        <FieldView key={field.key} field={field} value={value[field.key]} inactive={null} name={`${name} ${field.key}`} />
      ))}
      {(shown.length < all.length || more) && all.length > first.length && (
        <button type="button" class="more" aria-expanded={more} onClick={() => setMore(!more)}>
          {more ? "Show less" : `${all.length - shown.length} more`}
          <span class="offscreen"> settings of {name}</span>
          {!more && <span class="muted"> {all.filter((field) => !shown.includes(field)).map(({ key }) => key).join(", ")}</span>}
        </button>
      )}
    </>
  );
}

/** Returns a lookup for errors below a pointer. Its user renders only when the errors' pointers change. */
function useErrors(base: string): (pointer: string) => boolean {
  const found = useComputed(() => {
    const errors = store.diagnostics.value.filter(({ path, severity }) => severity === "error" && pointers.within(path, base));
    return JSON.stringify(errors.map(({ path }) => path));
  });
  const paths = JSON.parse(found.value) as string[];
  return (pointer) => paths.some((path) => pointers.within(path, pointer));
}

/** Focuses a control that the next render creates. */
function focusLater(row: string, inner?: string): void {
  setTimeout(() => {
    const place = document.querySelector<HTMLElement>(row);
    const control = place?.querySelector<HTMLElement>(inner ?? "input, select") ?? place?.querySelector<HTMLElement>("button");
    control?.focus();
    if (control instanceof HTMLInputElement && control.type === "text") control.select();
  }, 30);
}
