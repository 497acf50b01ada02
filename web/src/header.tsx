// The header: actions on the whole document.
import { signal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "./dialog";
import * as file from "./file";
import * as files from "./files";
import { inline } from "./markdown";
import { share } from "./share";
import * as storage from "./storage";
import * as store from "./store";

export const theme = signal<storage.Theme>(storage.theme());

/** The repository's examples by file name. Each text is fetched on demand. */
const EXAMPLES = Object.entries(
  import.meta.glob<string>("../../examples/*.{yaml,toml}", { query: "?raw", import: "default" }),
).map(([path, text]) => ({ name: path.split("/").at(-1) ?? path, text }));

type Open = "examples" | "import" | "link" | null;

export function Header(): VNode {
  const [open, setOpen] = useState<Open>(null);
  const [link, setLink] = useState("");
  const dark = theme.value === "dark";

  const copyLink = async (): Promise<void> => {
    const core = store.core.value;
    if (!core) {
      store.notify("Cannot create a link: the core has not loaded.", true);
      return;
    }
    try {
      const shared = await share(core, store.text.value, location.href);
      const done = await files.copy(shared.link, "a link to these settings");
      if (!done) {
        setLink(shared.link);
        setOpen("link");
      }
      if (shared.secrets.length > 0) {
        store.notify(`${shared.secrets.join(", ")} ${shared.secrets.length === 1 ? "looks like a secret and was" : "look like secrets and were"} removed from the link.`, true);
      }
    } catch (error) {
      store.notify(`Cannot create a link: ${error instanceof Error ? error.message : String(error)}`, true);
    }
  };

  return (
    <header class="top">
      <h1>
        <img src="./icon.svg" alt="" width="20" height="20" /> runai-step <span class="muted">editor</span>
      </h1>
      <FileState />
      <nav class="tools" aria-label="Document">
        <button type="button" onClick={() => setOpen("examples")}>Examples</button>
        <button type="button" onClick={() => setOpen("import")}>Import</button>
        <button type="button" onClick={() => void copyLink()}>Copy link</button>
        <button type="button" class={file.opened.value ? "" : "primary"} onClick={() => files.download(store.text.value, fileName(), "application/yaml")}>
          Download YAML
        </button>
        {file.opened.value && (
          <button type="button" class="primary" title="Save (Ctrl+S)" onClick={() => void file.save()}>
            Save
          </button>
        )}
        <button
          type="button"
          role="switch"
          class="theme"
          aria-checked={dark}
          aria-label="Theme"
          title={dark ? "Switch to light theme" : "Switch to dark theme"}
          onClick={() => {
            theme.value = dark ? "light" : "dark";
            storage.saveTheme(theme.value);
          }}
        >
          <span aria-hidden="true">{dark ? "☾" : "☀"}</span>
        </button>
      </nav>
      {open === "examples" && <Examples close={() => setOpen(null)} />}
      {open === "import" && <Import close={() => setOpen(null)} />}
      {open === "link" && (
        <Dialog title="Link" close={() => setOpen(null)}>
          <p>Copy this link:</p>
          <textarea class="paste" readOnly aria-label="Link" value={link} onFocus={(event) => event.currentTarget.select()} />
        </Dialog>
      )}
    </header>
  );
}

/** The open file's name and whether it has unsaved changes. */
function FileState(): VNode | null {
  const open = file.opened.value;
  const [unsaved, name] = [file.unsaved.value, open?.name];
  useEffect(() => {
    if (name !== undefined) document.title = `${unsaved ? "● " : ""}${name} – runai-step editor`;
  }, [name, unsaved]);
  if (!open) return null;
  return (
    <>
      <p class="file-state">
        <strong>{open.name}</strong>
        <span class={`tag${unsaved ? " warning" : ""}`}>{unsaved ? "unsaved" : "saved"}</span>
      </p>
      {file.conflict.value !== null && (
        <Dialog title={`${open.name} changed on disk`} close={() => (file.conflict.value = null)}>
          <p>Another program changed the file after you opened it. Your changes are not saved.</p>
          <div class="row">
            <button type="button" onClick={() => file.reload()}>
              Reload file
            </button>
            <button type="button" class="primary" onClick={() => file.overwrite()}>
              Overwrite file
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** Returns the open file's name, or a name by which `runai-step` detects the document's kind. */
function fileName(): string {
  const name = file.opened.value?.name;
  if (name !== undefined) return name.replace(/\.(json|toml)$/u, ".yaml");
  switch (store.kind.value) {
    case "operator":
      return "runai-step.yaml";
    case "zenml":
      return "run.yaml";
    case "settings":
      return "settings.yaml";
    default:
      return "step.runai.yaml";
  }
}

/** Replaces the document with a YAML, JSON or TOML text, as one undo step. */
export function importText(text: string, name: string): void {
  const core = store.core.value;
  const converted = core ? files.asYaml(core, text, name) : { text, from: "yaml" };
  store.theEditor()?.replace(converted.text);
  store.chosenBlock.value = null;
  const note = converted.from === "yaml" ? "" : ` Converted from ${converted.from.toUpperCase()} to YAML, without comments.`;
  store.notify(`Opened ${name || "the text"}.${note} Undo restores the previous text.`);
}

export async function importFile(file: File | undefined): Promise<boolean> {
  if (!file) return false;
  try {
    importText(await files.textOf(file), file.name);
    return true;
  } catch (error) {
    store.notify(`Cannot open the file: ${error instanceof Error ? error.message : String(error)}.`, true);
    return false;
  }
}

function Examples({ close }: { close(): void }): VNode {
  const [texts, setTexts] = useState<Map<string, string>>(new Map());
  useEffect(() => {
    void Promise.all(EXAMPLES.map(async ({ name, text }) => [name, await text()] as const))
      .then((found) => setTexts(new Map(found)))
      .catch(() => store.notify("Cannot load the examples.", true));
  }, []);
  return (
    <Dialog title="Examples" close={close}>
      <ul class="examples" role="list">
        {EXAMPLES.filter(({ name }) => name.endsWith(".yaml") || !texts.has(name.replace(/toml$/u, "yaml"))).map(({ name }) => (
          <li key={name}>
            <button
              type="button"
              disabled={!texts.has(name)}
              onClick={() => {
                importText(withoutModeline(texts.get(name) ?? ""), name);
                close();
              }}
            >
              <strong>{name}</strong>
              <span class="muted">{inline(firstComment(texts.get(name) ?? ""))}</span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

const MODELINE = /^#( yaml-language-server: \$schema=|:schema ).*\n/u;

/** Removes the modeline: its relative schema path is only valid in the examples folder. */
function withoutModeline(text: string): string {
  return text.replace(MODELINE, "");
}

function firstComment(text: string): string {
  const lines = withoutModeline(text).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("# "));
  return lines.slice(0, Math.max(0, end)).map((line) => line.slice(2)).join(" ");
}

function Import({ close }: { close(): void }): VNode {
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  return (
    <Dialog title="Import" close={close}>
      <p class="muted">YAML, JSON or TOML. You can also drop a file anywhere on the page.</p>
      <textarea
        class="paste"
        aria-label="Text to import"
        placeholder="Paste here"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <div class="row">
        <label class="file">
          <span>Or choose a file</span>
          <input
            ref={input}
            type="file"
            aria-label="File to import"
            accept=".yaml,.yml,.json,.toml,text/*,application/json"
            onChange={(event) => {
              void importFile(event.currentTarget.files?.[0]).then((done) => done && close());
            }}
          />
        </label>
        <button
          type="button"
          class="primary"
          disabled={text.trim() === ""}
          onClick={() => {
            importText(text, "");
            close();
          }}
        >
          Open
        </button>
      </div>
    </Dialog>
  );
}
