// One setting: its name, control, help and problems.
import { useComputed } from "@preact/signals";
import { Component, type VNode } from "preact";
import { useState } from "preact/hooks";
import type { Diagnostic, Json } from "runai-spec";
import { inline } from "../markdown";
import * as pointers from "../pointer";
import { choices, type Field, typeOf } from "../schema";
import * as store from "../store";
import { Control, isStructure } from "./control";

export interface Props {
  field: Field;
  value: Json | undefined;
  /** Why the setting has no effect. */
  inactive: string | null;
  /** Prefix of the controls' accessible names; by default the key. */
  name?: string;
}

function View({ field, value, inactive, name }: Props): VNode {
  const { node, pointer, required } = field;
  const [full, setFull] = useState(false);
  const id = `field${pointer.replaceAll(/[^\w-]/gu, "-")}`;
  const label = name ?? field.key;
  const structure = isStructure(node, value);
  const linked = useComputed(() => {
    const active = store.active.value;
    return active !== null && active.pointer !== "" && pointers.within(active.pointer, pointer);
  }).value;
  // A string, so that the field renders only when its problems change.
  const problems = JSON.parse(useComputed(() => problemsOf(pointer, structure)).value) as Problem[];
  const written = value !== undefined;
  const [first, ...rest] = (node.description ?? "").split("\n\n");
  const facts = [
    node.default === undefined ? null : `default \`${shownDefault(node.default)}\``,
    !node.enum && choices(node).length === 0 && node.examples?.[0] !== undefined && typeof node.examples[0] !== "object" && node.default === undefined ? `for example \`${String(node.examples[0])}\`` : null,
  ].filter((fact) => fact !== null);
  const chosen = typeof value === "string" ? value : node.default;
  const meaning = node.enum ? node.markdownEnumDescriptions?.[node.enum.findIndex((choice) => choice === (chosen ?? null))] : undefined;
  const disabled = inactive !== null && !written;
  return (
    <div
      class={`field ${typeOf(node)}${written ? " written" : ""}${linked ? " linked" : ""}${disabled ? " inactive" : ""}${structure ? " structure" : ""}`}
      data-field={pointer}
      onFocusIn={() => (store.active.value = { pointer, from: "form" })}
    >
      <div class="head">
        {structure ? (
          <span class="label" id={`${id}-label`}>
            <Label label={field.key} required={required} />
          </span>
        ) : (
          <label class="label" for={id}>
            <Label label={field.key} required={required} />
          </label>
        )}
        {written && !required && (
          <button type="button" class="unset" aria-label={`Remove ${label}`} title="Remove from the text" onClick={() => store.remove(pointer)}>
            ✕
          </button>
        )}
      </div>
      <div class="control">
        <Control id={id} field={field} value={value} name={label} disabled={disabled} invalid={problems.some(({ severity }) => severity === "error")} />
      </div>
      <div class="about" id={`${id}-help`}>
        {disabled && <p class="why">{inline(`\`${label}\` ${inactive}`)}.</p>}
        {problems.map(({ code, severity, message, help }) => (
          <p key={code} class={severity}>
            {severity === "error" ? "✕" : severity === "note" ? "i" : "!"} {inline(message)}
            {help && <>; {inline(help)}</>}
          </p>
        ))}
        <p class="help">
          {inline(first?.replaceAll("\n", " ") ?? "")}
          {facts.length > 0 && <span class="facts">{inline(` · ${facts.join(" · ")}`)}</span>}
          {rest.length > 0 && !full && (
            <button type="button" class="reveal" aria-label={`More about ${label}`} onClick={() => setFull(true)}>
              more
            </button>
          )}
        </p>
        {full && rest.map((text) => <p key={text} class="help">{inline(text.replaceAll("\n", " "))}</p>)}
        {meaning && choices(node).length > 0 && <p class="help meaning">{inline(String(chosen ?? "not set"))}: {inline(meaning)}</p>}
      </div>
    </div>
  );
}

type Problem = Pick<Diagnostic, "code" | "severity" | "message" | "help">;

function problemsOf(pointer: string, structure: boolean): string {
  const found = store.diagnostics.value.filter(({ path }) => (structure ? path === pointer : pointers.within(path, pointer)));
  return JSON.stringify(found.map(({ code, severity, message, help }): Problem => ({ code, severity, message, help })));
}

function Label({ label, required }: { label: string; required: boolean }): VNode {
  return (
    <>
      {/* Long names may break after an underscore. */}
      {label.split("_").flatMap((part, index) => (index === 0 ? [part] : [<>_<wbr /></>, part]))}
      {required && <span class="required" title="Required"> required</span>}
    </>
  );
}

function shownDefault(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Renders only when its props or the store's signals change. */
export class FieldView extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const { field, value, inactive, name } = this.props;
    return inactive !== next.inactive || name !== next.name || field.pointer !== next.field.pointer || field.node !== next.field.node || !same(value, next.value);
  }

  override render(): VNode {
    return <View {...this.props} />;
  }
}

function same(one: Json | undefined, other: Json | undefined): boolean {
  return one === other || (typeof one === "object" && typeof other === "object" && JSON.stringify(one) === JSON.stringify(other));
}
