// The page: its layout and panes.
import { useSignalEffect } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { mount } from "./editor/editor";
import * as file from "./file";
import { Form } from "./form/form";
import { Header, importFile, theme } from "./header";
import { inline } from "./markdown";
import { Preview } from "./preview/preview";
import { Problems } from "./problems";
import { draftState } from "./storage";
import * as storage from "./storage";
import * as store from "./store";

const PANES = [
  ["form", "Form"],
  ["text", "YAML"],
  ["problems", "Problems"],
  ["preview", "Request"],
] as const;

export function App({ text }: { text: string }): VNode {
  useSignalEffect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
  const over = useDrop();
  useHistory();
  return (
    <>
      <nav class="skip" aria-label="Skip">
        {PANES.map(([id, name]) => (
          <a key={id} href={`#${id}`} onClick={(event) => jump(event, id)}>
            {name}
          </a>
        ))}
      </nav>
      <Header />
      <main>
        <Form />
        <Text text={text} />
        <Problems />
        <Preview />
      </main>
      <Footer />
      <div class="toasts" role="status" aria-live="polite">
        {store.toast.value && (
          <p class={`toast${store.toast.value.bad ? " bad" : ""}`}>
            <span>{inline(store.toast.value.text)}</span>
            <button type="button" class="quiet" aria-label="Dismiss" onClick={() => (store.toast.value = null)}>
              ✕
            </button>
          </p>
        )}
      </div>
      {over && <div class="drop" aria-hidden="true">Drop a YAML, JSON or TOML file</div>}
    </>
  );
}

/** Scrolls to a pane without changing the fragment, which belongs to share links. */
function jump(event: MouseEvent, id: string): void {
  event.preventDefault();
  document.getElementById(id)?.scrollIntoView({ block: "start" });
  if (id === "text") store.theEditor()?.focus();
  else document.querySelector<HTMLElement>(id === "preview" ? "#preview [role=tab][tabindex='0']" : `#${id}-title`)?.focus();
}

function Text({ text }: { text: string }): VNode {
  const parent = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!parent.current) return undefined;
    const view = mount(parent.current, text);
    return () => view.destroy();
  }, []);
  const { core, kind } = store;
  const reset = (): void => {
    if (!core.value) return;
    store.theEditor()?.replace(store.starter(core.value));
    store.notify("Reset to a starter step. Undo restores the previous text.");
  };
  return (
    <section class="pane text" aria-labelledby="text-title" id="text">
      <header class="bar">
        <h2 id="text-title">
          YAML <span class="tag">{KINDS[kind.value]}</span>
        </h2>
        <button type="button" class="quiet" aria-label="Undo" title="Undo (Ctrl+Z)" onClick={() => store.theEditor()?.undo()}>
          ↶
        </button>
        <button type="button" class="quiet" aria-label="Redo" title="Redo (Ctrl+Y)" onClick={() => store.theEditor()?.redo()}>
          ↷
        </button>
        <button type="button" class="quiet" onClick={reset}>
          Reset
        </button>
      </header>
      <div class="editor" ref={parent} />
      <p class="offscreen" id="editor-keys">
        Tab indents. Escape leaves the editor. Control+Space opens completions. F8 goes to the next problem.
      </p>
    </section>
  );
}

const KINDS = { operator: "operator file", settings: "settings file", step: "step file", zenml: "ZenML run" };

function Footer(): VNode {
  const state = draftState.value;
  return (
    <footer class="foot">
      <p>{file.opened.value ? "Nothing leaves this machine." : "Nothing leaves this page."}</p>
      <p hidden={file.opened.value !== null}>
        {state === true ? "Draft saved in this browser." : typeof state === "string" ? `Draft not saved: ${state}.` : "No draft saved."}
        {state === true && (
          <button
            type="button"
            class="small quiet"
            onClick={() => {
              storage.discardDraft(store.text.value);
              store.notify("Draft discarded. The text stays until you leave the page.");
            }}
          >
            Discard draft
          </button>
        )}
      </p>
      <p class="end">{store.core.value ? `runai-step ${store.core.value.version()}` : store.coreFailure.value ? "" : "Loading…"}</p>
    </footer>
  );
}

/** Makes the editor's undo and redo keys work on the whole page, except in fields that are not part of the document. */
function useHistory(): void {
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      const redo = key === "y" || (key === "z" && event.shiftKey);
      const hasOwnHistory = event.target instanceof Element && event.target.closest(".cm-editor, dialog, .facts, [type='search']");
      if ((!redo && key !== "z") || hasOwnHistory) return;
      event.preventDefault();
      if (redo) store.theEditor()?.redo();
      else store.theEditor()?.undo();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
}

/** Opens dropped files. Returns whether a file is being dragged over the page. */
function useDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent): void => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      setOver(false);
      if (!hasFile(event)) return;
      event.preventDefault();
      event.stopPropagation();
      void importFile(event.dataTransfer?.files[0]);
    };
    addEventListener("dragover", enter);
    addEventListener("dragleave", leave);
    // Capture phase: the editor would insert the file's text at the cursor.
    addEventListener("drop", drop, true);
    return () => {
      removeEventListener("dragover", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop, true);
    };
  }, []);
  return over;
}
