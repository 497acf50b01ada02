// The file that `runai-step editor` opened; that program reads and writes it. Only pages that the program serves request
// a file.
import { computed, signal } from "@preact/signals";
import { type Core, type Format, type Json, load } from "runai-spec";
import { failure } from "./analysis";
import { apply } from "./edits";
import { equal, isMap } from "./pointer";
import * as pointers from "./pointer";
import * as store from "./store";

interface Opened {
  name: string;
  format: Format;
  /** The file's last known content on disk. */
  disk: string;
  /** The editor's text at the last load or save. */
  saved: string;
}

export const opened = signal<Opened | null>(null);
export const unsaved = computed(() => opened.value !== null && opened.value.saved !== store.text.value);
/** The content on disk if another program changed it. */
export const conflict = signal<string | null>(null);

const ADDRESS = document.querySelector<HTMLMetaElement>("meta[name='runai-step-file']")?.content;
const TOKEN_KEY = "runai-step:token";
const token = readToken();
/** Whether `runai-step editor` serves the page. */
export const served = ADDRESS !== undefined || token !== null;

/** Removes the token from the address bar, so that copied links and bookmarks do not contain it. */
function readToken(): string | null {
  const here = new URL(location.href);
  const given = here.searchParams.get("token");
  if (given !== null) {
    here.searchParams.delete("token");
    history.replaceState(null, "", here);
  }
  try {
    if (given !== null) sessionStorage.setItem(TOKEN_KEY, given);
    return given ?? (ADDRESS === undefined ? null : sessionStorage.getItem(TOKEN_KEY));
  } catch {
    // Without storage, the page works until it is reloaded.
    return given;
  }
}

/** Reads the file and returns its text as YAML, or `null` if no file is open. */
export async function open(): Promise<string | null> {
  if (ADDRESS === undefined) return null;
  try {
    const response = await send({});
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(statusMessage(response.status));
    const { name, text, format } = (await response.json()) as { name: string; text: string; format: Format };
    const shown = asYaml(format === "yaml" ? null : await load(), text, format);
    opened.value = { name, format, disk: text, saved: shown };
    return shown;
  } catch (error) {
    store.notify(`Cannot open the file: ${messageOf(error)}.`, true);
    return null;
  }
}

/** Saves the text to the file unless another program changed it. */
export async function save(): Promise<void> {
  const [file, shown] = [opened.peek(), store.text.peek()];
  if (!file) return;
  try {
    const text = serialize(file, shown);
    const response = await send({ method: "PUT", body: JSON.stringify({ text, was: file.disk }), headers: { "Content-Type": "application/json" } });
    if (response.status === 409) {
      conflict.value = ((await response.json()) as { text: string }).text;
      return;
    }
    if (!response.ok) throw new Error(statusMessage(response.status));
    opened.value = { ...file, disk: text, saved: shown };
    store.notify(`Saved ${file.name}.`);
  } catch (error) {
    store.notify(`Cannot save ${file.name}: ${messageOf(error)}. Your text is unchanged.`, true);
  }
}

/** Overwrites another program's changes. */
export function overwrite(): void {
  if (opened.value && conflict.value !== null) opened.value = { ...opened.value, disk: conflict.value };
  conflict.value = null;
  void save();
}

/** Loads another program's changes; undo restores the previous text. */
export function reload(): void {
  const [file, disk] = [opened.value, conflict.value];
  conflict.value = null;
  if (!file || disk === null) return;
  try {
    store.theEditor()?.replace(asYaml(store.core.value, disk, file.format));
    opened.value = { ...file, disk, saved: store.text.value };
  } catch (error) {
    store.notify(`Cannot read ${file.name}: ${messageOf(error)}.`, true);
  }
}

/** Saves on Ctrl+S and asks before leaving with unsaved changes. */
export function installSaveHandlers(): void {
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "s" || !opened.peek()) return;
    event.preventDefault();
    void save();
  });
  addEventListener("beforeunload", (event) => {
    if (unsaved.peek()) event.preventDefault();
  });
}

function send({ headers, ...init }: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
  const request = { ...init, cache: "no-store", headers: { ...headers, ...(token === null ? {} : { "X-Runai-Step-Token": token }) } } as const;
  return fetch(new URL(ADDRESS ?? "", document.baseURI), request).catch(() => {
    throw new Error("`runai-step editor` does not respond; is it still running?");
  });
}

function statusMessage(status: number): string {
  return status === 401 || status === 403
    ? "`runai-step editor` rejected this page; open the address that it printed"
    : `\`runai-step editor\` returned status ${status}`;
}

function messageOf(error: unknown): string {
  return failure(error).message;
}

/** Converts a text to YAML with LF line ends, which the editor's offsets assume. */
function asYaml(core: Core | null, text: string, format: Format): string {
  if (format !== "yaml" && core && text.trim() !== "") return core.convert(text, format, "yaml");
  return text.replace(/^\ufeff/u, "").replaceAll("\r\n", "\n");
}

/** Returns the editor's text in the file's format and with its line ends. */
function serialize({ format, disk }: Opened, shown: string): string {
  if (format === "yaml") {
    const mark = disk.startsWith("\ufeff") ? "\ufeff" : "";
    return mark + (/(?<!\r)\n/u.test(disk) || !disk.includes("\r\n") ? shown : shown.replaceAll("\n", "\r\n"));
  }
  const core = store.core.peek();
  if (!core) throw new Error(`the core, which writes ${format.toUpperCase()}, has not loaded`);
  const values = (text: string, format: Format) => JSON.parse(core.convert(text, format, "json")) as Json;
  const expected = values(shown, "yaml");
  try {
    // Edit only what differs, to keep the file's comments and layout.
    const text = patch(core, disk, format, "", values(disk, format), expected);
    if (equal(values(text, format), expected)) return text;
  } catch {
    // Some values cannot be edited in place.
  }
  return core.convert(shown, "yaml", format);
}

function patch(core: Core, text: string, format: Format, pointer: string, before: Json | undefined, after: Json | undefined): string {
  if (equal(before, after)) return text;
  if (!isMap(before) || !isMap(after)) return apply(text, core.edit(text, format, pointer, after ?? null));
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].reduce((text, key) => patch(core, text, format, pointers.join(pointer, key), before[key], after[key]), text);
}
