// Shows the request body. Each line marks its value as written, default or fixed, and links to its setting.
import { useComputed } from "@preact/signals";
import { Component, Fragment, type VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Json, MemberSource } from "runai-spec";
import * as pointers from "../pointer";
import * as store from "../store";

/** Lines per element of a plain-text body: small elements keep the layout after a change cheap. */
const CHUNK = 200;

interface Line {
  indent: string;
  /** The member's quoted name; `null` for an array item. */
  member: string | null;
  value: string;
  kind: "bool" | "number" | "punctuation" | "string";
  /** The comma, or `null`: Preact would rewrite an empty text node on every render. */
  tail: string | null;
  /** JSON pointer of the setting in the document. */
  pointer: string | null;
  /** `written`: from the document; `default`: from a setting that the document omits; `fixed`: everything else. */
  origin: "written" | "default" | "fixed";
}

export function BodyView({ id, labelledBy }: { id: string; labelledBy: string }): VNode {
  const { body, block, active, errors } = store;
  const ref = useRef<HTMLPreElement>(null);
  const shown = body.value;
  const texts = useMemo(() => shown?.text.split("\n") ?? [], [shown]);
  // Long bodies have no source map and are shown as plain text.
  const lines = useMemo(() => (shown?.sourceMap ? parseLines(texts, JSON.parse(shown.text) as Json, shown.sourceMap) : null), [shown, block.value]);
  const linked = useComputed(() => active.value?.pointer ?? null).value;
  const stale = errors.value > 0;

  // Scroll the active setting into view inside the pane only; the page must not move.
  useEffect(() => {
    const pane = ref.current;
    if (!pane || linked === null || active.peek()?.from === "body") return;
    const line = pane.querySelector<HTMLElement>(".linked");
    if (!line) return;
    const [top, bottom] = [line.offsetTop - pane.offsetTop, line.offsetTop - pane.offsetTop + line.offsetHeight];
    if (top < pane.scrollTop || bottom > pane.scrollTop + pane.clientHeight) pane.scrollTop = top - pane.clientHeight / 2;
  }, [linked, lines]);

  const move = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!lines || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const at = lines.findIndex((line) => line.pointer !== null && line.pointer === linked);
    if (step !== undefined) {
      let next = at < 0 ? (step > 0 ? 0 : lines.length - 1) : at + step;
      while (lines[next] && (lines[next]?.pointer === null || lines[next]?.pointer === linked)) next += step;
      const pointer = lines[next]?.pointer;
      if (pointer == null) return;
      event.preventDefault();
      select(pointer);
      ref.current?.children[next]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && linked !== null) {
      event.preventDefault();
      store.active.value = { pointer: linked, from: "problem" };
    }
  };

  return (
    <pre
      id={id}
      ref={ref}
      class={`body code${stale ? " stale" : ""}`}
      role="textbox"
      aria-multiline="true"
      aria-readonly="true"
      aria-label="Request body"
      aria-describedby={labelledBy}
      tabIndex={0}
      onKeyDown={move}
    >
      {lines
        ? lines.map((line, index) => (
            <Fragment key={index}>
              {index > 0 && "\n"}
              <Row {...line} linked={linked !== null && linked !== "" && line.pointer !== null && pointers.within(line.pointer, linked)} />
            </Fragment>
          ))
        : chunks(texts).map((text, index) => (
            <Fragment key={index}>
              {index > 0 && "\n"}
              <span class="chunk">{text}</span>
            </Fragment>
          ))}
    </pre>
  );
}

function chunks(lines: string[]): string[] {
  return Array.from({ length: Math.ceil(lines.length / CHUNK) }, (_, index) => lines.slice(index * CHUNK, (index + 1) * CHUNK).join("\n"));
}

type RowProps = Line & { linked: boolean };

/** A line of the body. It renders only when its props change: most key presses change one line. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render({ indent, member, value, kind, tail, pointer, origin, linked }: RowProps): VNode {
    return (
      <span
        class={`line ${origin}${linked ? " linked" : ""}`}
        {...(pointer === null ? {} : { "data-pointer": pointer, onClick: () => select(pointer) })}
      >
        {indent}
        {member !== null && <span class="tok-propertyName">{member}</span>}
        {member !== null && ": "}
        <span class={`tok-${kind}`}>{value}</span>
        {tail}
      </span>
    );
  }
}

function select(pointer: string): void {
  store.active.value = { pointer, from: "body" };
}

function kindOf(value: Json): Line["kind"] {
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "number";
  return value === null || typeof value === "boolean" ? "bool" : "punctuation";
}

/** Splits the core's JSON output into lines with their source. The output has one member or bracket per line. */
function parseLines(texts: string[], sent: Json, sources: MemberSource[]): Line[] {
  const known = new Map(sources.map((source) => [source.member, source]));
  const lines: Line[] = [];

  function visit(value: Json, member: string, key: string | null, setting: string | null): void {
    const source = known.get(member);
    const own = source?.setting ?? setting;
    const inner: [string | null, string, Json][] = Array.isArray(value)
      ? value.map((item, index) => [null, pointers.join(member, index), item])
      : pointers.isMap(value)
        ? Object.entries(value).map(([key, value]) => [key, pointers.join(member, key), value])
        : [];
    const pointer = own === null ? null : store.placeOf(own);
    // Brackets count as written.
    const bracket = typeof value === "object" && value !== null;
    const origin = bracket || source?.source === "document" ? "written" : pointer !== null && source?.setting != null ? "default" : "fixed";
    add(key, kindOf(value), pointer, origin);
    if (inner.length === 0) return;
    for (const [key, member, value] of inner) visit(value, member, key, own);
    add(null, "punctuation", pointer, origin);
  }

  function add(key: string | null, kind: Line["kind"], pointer: string | null, origin: Line["origin"]): void {
    const text = texts[lines.length] ?? "";
    const bare = text.trimStart();
    const name = key === null ? "" : `${JSON.stringify(key)}: `;
    const member = name !== "" && bare.startsWith(name) ? name.slice(0, -2) : null;
    const tail = bare.endsWith(",") ? "," : null;
    const value = bare.slice(member === null ? 0 : name.length, tail === null ? undefined : -1);
    lines.push({ indent: text.slice(0, text.length - bare.length), member, value, kind, tail, pointer, origin });
  }

  visit(sent, "", null, null);
  return lines;
}
