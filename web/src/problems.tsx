// The list of problems: each one links to its place, its fixes and its rule.
import { effect } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Diagnostic, Edit } from "runai-spec";
import { Dialog } from "./dialog";
import { fixesOf } from "./edits";
import { inline, Markdown } from "./markdown";
import * as store from "./store";

/** Further problems are only counted. */
const MAX_SHOWN = 200;

export function Problems(): VNode {
  const { diagnostics, coreFailure, errors } = store;
  const [explained, explain] = useState<string | null>(null);
  const found = diagnostics.value;
  const notes = found.filter(({ severity }) => severity === "note").length;
  const warnings = found.length - errors.value - notes;
  return (
    <section class="pane problems" aria-labelledby="problems-title" id="problems">
      <header class="bar">
        <h2 id="problems-title" tabIndex={-1}>
          Problems
        </h2>
        <p class="counts" aria-hidden="true">
          {errors.value > 0 && <span class="error">{errors.value} ✕</span>}
          {warnings > 0 && <span class="warning">{warnings} !</span>}
          {found.length === 0 && !coreFailure.value && store.analysis.value && <span class="good">none ✓</span>}
        </p>
      </header>
      {coreFailure.value && (
        <p class="broken" role="alert">
          <strong>{inline(coreFailure.value.message)}</strong> {coreFailure.value.help && inline(coreFailure.value.help)}. Your text is unchanged.
        </p>
      )}
      {found.length === 0 && !coreFailure.value && store.analysis.value && <p class="note empty">Checks run as you type.</p>}
      <ul class="list" role="list" aria-label="Problems">
        {found.slice(0, MAX_SHOWN).map((diagnostic, index) => (
          <Problem key={index} diagnostic={diagnostic} explain={explain} />
        ))}
        {found.length > MAX_SHOWN && <li class="muted">and {found.length - MAX_SHOWN} more</li>}
      </ul>
      {explained !== null && <Explained code={explained} close={() => explain(null)} />}
      <Announcement />
    </section>
  );
}

function Problem({ diagnostic, explain }: { diagnostic: Diagnostic; explain(code: string): void }): VNode {
  const { code, severity, message, help, line, column } = diagnostic;
  return (
    <li class={severity}>
      <button type="button" class="problem" onClick={() => reveal(diagnostic)}>
        <span class="mark" aria-hidden="true">
          {severity === "error" ? "✕" : severity === "note" ? "i" : "!"}
        </span>
        <span class="offscreen">{severity}: </span>
        <span class="texts">
          <span class="message">{inline(message)}</span>
          {help && <span class="help">; {inline(help)}</span>}
        </span>
        <span class="place">
          {line}:{column}
        </span>
      </button>
      <div class="actions">
        {fixesOf(diagnostic).map(({ title, edits }) => (
          <button key={title} type="button" class="small fix" onClick={() => fix(title, edits)}>
            {inline(title)}
          </button>
        ))}
        <button type="button" class="small quiet" aria-label={`Explain ${code}`} onClick={() => explain(code)}>
          {code}
        </button>
      </div>
    </li>
  );
}

function fix(title: string, edits: Edit[]): void {
  store.theEditor()?.apply(edits);
  store.notify(`Applied: ${title}.`);
  document.getElementById("problems-title")?.focus();
}

function reveal({ path, utf16_offset, utf16_end_offset }: Diagnostic): void {
  store.active.value = { pointer: path, from: "problem" };
  store.theEditor()?.reveal(utf16_offset, utf16_end_offset, true);
}

function Explained({ code, close }: { code: string; close(): void }): VNode | null {
  const rule = useMemo(() => store.attempt((core) => core.explain(code)), [code]);
  if (rule?.type !== "rule") return null;
  return (
    <Dialog title={code} close={close}>
      <p>
        <span class={`tag ${rule.severity}`}>{rule.severity}</span> {inline(rule.summary)}
      </p>
      <Markdown text={rule.docs} />
      <div class="pair">
        <figure>
          <figcaption class="bad">Incorrect</figcaption>
          <pre class="sample" tabIndex={0}>{rule.invalid}</pre>
        </figure>
        <figure>
          <figcaption class="good">Correct</figcaption>
          <pre class="sample" tabIndex={0}>{rule.valid}</pre>
        </figure>
      </div>
    </Dialog>
  );
}

/** Announces the number of problems to screen readers, 900 ms after the last change. */
function Announcement(): VNode {
  const [announcement, announce] = useState("");
  useEffect(() => {
    let later: ReturnType<typeof setTimeout> | undefined;
    const stop = effect(() => {
      const errors = store.errors.value;
      const notes = store.diagnostics.value.filter(({ severity }) => severity === "note").length;
      const warnings = store.diagnostics.value.length - errors - notes;
      const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
      clearTimeout(later);
      later = setTimeout(() => announce(errors + warnings === 0 ? "No problems" : `${count(errors, "error")}, ${count(warnings, "warning")}`), 900);
    });
    return () => {
      clearTimeout(later);
      stop();
    };
  }, []);
  return (
    <p class="offscreen" role="status">
      {announcement}
    </p>
  );
}
