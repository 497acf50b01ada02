// The request body: what was written told apart from what is a default, and each line a way to its setting.
import { useComputed } from "@preact/signals";
import { Component, Fragment, type VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Json } from "runai-spec";
import * as pointers from "../pointer";
import * as store from "../store";

/** Longer bodies are shown as plain text: nobody clicks through them. */
const MOST_LINES = 2_500;
/** The lines of plain text that are laid out together, when one of them changes. */
const STRETCH = 200;

interface Line {
  indent: string;
  /** The member's name, in its quotes; of an item none. */
  member: string | null;
  value: string;
  /** The comma; no empty text, which would be written anew each time. */
  tail: string | null;
  /** Where the setting stands that it comes from. */
  pointer: string | null;
  origin: "written" | "default" | "fixed";
}

export function BodyView({ id, labelledBy }: { id: string; labelledBy: string }): VNode {
  const { body, bodyValue, links, active, errors } = store;
  const ref = useRef<HTMLPreElement>(null);
  const shown = body.value;
  const texts = useMemo(() => shown?.text.split("\n") ?? [], [shown]);
  const long = texts.length > MOST_LINES;
  const sent = useMemo(() => (shown && !long ? (JSON.parse(shown.text) as Json) : null), [shown]);
  const lines = useMemo(() => (long ? null : read(texts, sent, bodyValue.value)), [shown, links.value, bodyValue.value]);
  const linked = useComputed(() => active.value?.pointer ?? null).value;
  const stale = errors.value > 0;

  // What is looked at elsewhere comes into view here, without moving the page.
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
        : stretches(texts).map((text, index) => (
            <Fragment key={index}>
              {index > 0 && "\n"}
              <span class="stretch">{text}</span>
            </Fragment>
          ))}
    </pre>
  );
}

function stretches(lines: string[]): string[] {
  return Array.from({ length: Math.ceil(lines.length / STRETCH) }, (_, index) => lines.slice(index * STRETCH, (index + 1) * STRETCH).join("\n"));
}

type RowProps = Line & { linked: boolean };

/** Draws itself anew only if it changes: of most bodies a key press changes one line. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render({ indent, member, value, tail, pointer, origin, linked }: RowProps): VNode {
    return (
      <span
        class={`line ${origin}${linked ? " linked" : ""}`}
        {...(pointer === null ? {} : { "data-pointer": pointer, onClick: () => select(pointer) })}
      >
        {indent}
        {member !== null && <span class="tok-propertyName">{member}</span>}
        {member !== null && ": "}
        <span class={kindOf(value)}>{value}</span>
        {tail}
      </span>
    );
  }
}

function select(pointer: string): void {
  store.active.value = { pointer, from: "body" };
}

function kindOf(value: string): string {
  if (value.startsWith('"')) return "tok-string";
  return /^[-\d]/u.test(value) ? "tok-number" : /^[a-z]/u.test(value) ? "tok-bool" : "tok-punctuation";
}

/** The core writes one member a line, indented by two. */
function read(texts: string[], sent: Json, values: Json): Line[] {
  const place = store.links.peek();
  /** Where each line that is open is, and how many items it has shown if it is a list. */
  const open: { path: string[]; items: number | null }[] = [];
  return texts.map((text) => {
    const match = /^(\s*)(?:("(?:[^"\\]|\\.)*"): )?(.*?)(,?)$/su.exec(text);
    const [indent, member, value, tail] = [match?.[1] ?? "", match?.[2] ?? null, match?.[3] ?? "", match?.[4] || null];
    if (/^[\]}]/u.test(value)) {
      const closed = open.pop();
      return line(indent, member, value, tail, closed?.path ?? []);
    }
    const above = open.at(-1);
    let path: string[] = [];
    if (above) {
      path = [...above.path, member === null ? String(above.items ?? 0) : (JSON.parse(member) as string)];
      if (above.items !== null) above.items += 1;
    }
    if (value === "{" || value === "[") open.push({ path, items: value === "[" ? 0 : null });
    return line(indent, member, value, tail, path);
  });

  function line(indent: string, member: string | null, value: string, tail: string | null, path: string[]): Line {
    const setting = place?.links.setting(path, sent);
    const pointer = setting === undefined || !place ? null : place.base + setting;
    const written = pointer !== null && pointers.get(values, pointer) !== undefined;
    const bracket = /^[[\]{}]/u.test(value);
    const origin = written || bracket ? "written" : pointer !== null ? "default" : "fixed";
    return { indent, member, value, tail, pointer, origin };
  }
}
