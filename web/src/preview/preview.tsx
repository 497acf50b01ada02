// The preview: the request body, snippets that send it, permissions and conversions.
import type { VNode } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Format, Snippet } from "runai-spec";
import * as files from "../files";
import { inline } from "../markdown";
import * as store from "../store";
import { BodyView } from "./body";
import { Code, type CodeLanguage } from "./code";
import { NeedsView } from "./needs";

interface Tab {
  id: string;
  title: string;
}

const BODY: Tab = { id: "body", title: "Request" };
const NEEDS: Tab = { id: "needs", title: "Needs" };
const VIEWS: (Tab & { format: Format & CodeLanguage })[] = [
  { id: "json", title: "JSON", format: "json" },
  { id: "toml", title: "TOML", format: "toml" },
];

const EXTENSIONS: Record<CodeLanguage, string> = { json: "json", python: "py", shell: "sh", toml: "toml" };

export function Preview(): VNode {
  const [chosen, choose] = useState(BODY.id);
  const core = store.core.value;
  const snippets = useMemo(() => (core ? core.snippets(store.starter(core), "yaml") : []), [core]);
  const kinds = Array.isArray(snippets) ? snippets : [];
  const tabs = [BODY, ...kinds, NEEDS, ...VIEWS];
  const current = tabs.some(({ id }) => id === chosen) ? chosen : BODY.id;
  const list = useRef<HTMLDivElement>(null);

  const go = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ id }) => id === current);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    if (!next) return;
    choose(next.id);
    list.current?.querySelector<HTMLElement>(`#tab-${next.id}`)?.focus();
  };

  const snippet = kinds.find(({ id }) => id === current);
  const view = VIEWS.find(({ id }) => id === current);
  return (
    <section class="pane preview" aria-labelledby="preview-title" id="preview">
      <h2 id="preview-title" class="offscreen">Request</h2>
      <div class="tabs" role="tablist" aria-label="Preview" ref={list} onKeyDown={go}>
        {tabs.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={id === current}
            aria-controls="tab-panel"
            tabIndex={id === current ? 0 : -1}
            onClick={() => choose(id)}
          >
            {title}
          </button>
        ))}
      </div>
      <div class="panel" role="tabpanel" id="tab-panel" aria-labelledby={`tab-${current}`}>
        {snippet ? <SnippetView key={snippet.id} kind={snippet} /> : view ? <Converted {...view} /> : current === NEEDS.id ? <Permissions /> : <Request />}
      </div>
    </section>
  );
}

/** Returns the note above a body or snippet while the settings have errors. */
function staleNote(): string | null {
  const { errors, body, coreFailure, syntaxError } = store;
  if (coreFailure.value) return null;
  if (errors.value === 0 && syntaxError.value === null) return null;
  const count = errors.value === 1 ? "one error" : `${errors.value} errors`;
  return body.value ? `Outdated: ${count}` : `No request yet: ${count}`;
}

function Request(): VNode {
  const { body, context } = store;
  const steps = body.value?.steps ?? [];
  const note = staleNote();
  const curl = (): void => {
    store.query({ type: "snippets" }, (snippets) => {
      const found = snippets?.find(({ id }) => id === "curl");
      if (found) void files.copy(found.text, "the request as a curl command");
      else store.notify("No request: the settings have errors.", true);
    });
  };
  return (
    <>
      <div class="bar">
        <p class={note ? "note bad" : "note legend"} id="body-note">
          {note ?? (
            <>
              <span class="swatch written" /> written <span class="swatch default" /> default
            </>
          )}
        </p>
        {steps.length > 0 && (
          <label class="inline">
            Step{" "}
            <select value={context.value.step ?? steps[0] ?? ""} onChange={(event) => (context.value = { ...context.value, step: event.currentTarget.value })}>
              {steps.map((step) => (
                <option key={step} value={step}>
                  {step}
                </option>
              ))}
            </select>
          </label>
        )}
        <button type="button" aria-disabled={!body.value} onClick={() => body.value && void files.copy(body.value.text, "the request body")}>
          Copy body
        </button>
        <button type="button" onClick={curl}>
          Copy as curl
        </button>
        <button type="button" aria-label="Download body" aria-disabled={!body.value} onClick={() => body.value && files.download(`${body.value.text}\n`, "request.json", "application/json")}>
          Download
        </button>
      </div>
      <BodyView id="request-body" labelledBy="body-note" />
      <Facts />
    </>
  );
}

/** Inputs for the parts of a request that are not settings. */
function Facts(): VNode {
  const { context } = store;
  const set = (key: "name" | "project_id" | "cluster_id", value: string): void => {
    const { [key]: _, ...rest } = context.value;
    context.value = value.trim() === "" ? rest : { ...rest, [key]: value.trim() };
  };
  return (
    <details class="facts">
      <summary>Name and IDs for this preview</summary>
      <div class="fact-grid">
        {(["name", "project_id", "cluster_id"] as const).map((key) => (
          <label key={key}>
            <span>{{ name: "Workload name", project_id: "Project ID", cluster_id: "Cluster ID" }[key]}</span>
            <input value={context.value[key] ?? ""} autocomplete="off" spellcheck={false} onInput={(event) => set(key, event.currentTarget.value)} />
          </label>
        ))}
      </div>
    </details>
  );
}

function SnippetView({ kind }: { kind: Snippet }): VNode {
  // While the settings have errors, the last valid snippet stays.
  const [snippet, show] = useState<Snippet | null>(null);
  useLayoutEffect(() => {
    const ignore = (): void => undefined;
    store.query({ type: "snippets" }, (found) => found && show(found.find(({ id }) => id === kind.id) ?? null), ignore);
  }, [store.body.value, store.core.value, store.errors.value]);
  const note = staleNote();
  const notes = (note ? [note] : (snippet?.notes ?? [])).join("; ");
  const name = `${kind.id}.${EXTENSIONS[kind.language]}`;
  return (
    <>
      <div class="bar">
        <p class={note ? "note bad" : "note"} title={notes}>
          {inline(notes)}
        </p>
        <button type="button" aria-label={`Copy ${kind.title}`} aria-disabled={!snippet} onClick={() => snippet && void files.copy(snippet.text, kind.title)}>
          Copy
        </button>
        <button type="button" aria-label={`Download ${kind.title}`} aria-disabled={!snippet} onClick={() => snippet && files.download(snippet.text.replace(/\n?$/u, "\n"), name)}>
          Download
        </button>
      </div>
      <Code text={snippet?.text ?? ""} language={kind.language} label={kind.title} />
    </>
  );
}

/** The settings converted to another format. */
function Converted({ format, title }: { format: Format & CodeLanguage; title: string }): VNode {
  const [core, text] = [store.core.value, store.text.value];
  const [{ shown, error }, show] = useState<{ shown: string; error: string | null }>({ shown: "", error: null });
  useLayoutEffect(() => {
    if (!core) return;
    store.query({ type: "convert", to: format }, (shown) => show({ shown, error: null }), ({ message }) => show({ shown: "", error: message }));
  }, [core, text, format]);
  return (
    <>
      <div class="bar">
        <p class={error ? "note bad" : "note"}>{error ?? "The same settings without comments"}</p>
        <button type="button" aria-label={`Copy ${title}`} aria-disabled={error !== null} onClick={() => shown && void files.copy(shown, `the settings as ${title}`)}>
          Copy
        </button>
        <button type="button" aria-label={`Download ${title}`} aria-disabled={error !== null} onClick={() => shown && files.download(shown, `step.runai.${format}`)}>
          Download
        </button>
      </div>
      <Code text={shown} language={format} label={`Settings ${title}`} />
    </>
  );
}

function Permissions(): VNode | null {
  const found = store.analysis.value;
  return found && <NeedsView needs={found.permissions} />;
}
