// The file that `runai-step editor` has opened: read from that program, and saved by it. Only a page that it has marked
// asks for a file; on any other host there is no such request.
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
  /** What is on the disk, as far as the page knows. */
  disk: string;
  /** The editor's text when both said the same. */
  saved: string;
}

export const opened = signal<Opened | null>(null);
export const unsaved = computed(() => opened.value !== null && opened.value.saved !== store.text.value);
/** What stands on the disk in place of what the page knows. */
export const clash = signal<string | null>(null);

const ADDRESS = document.querySelector<HTMLMetaElement>("meta[name='runai-step-file']")?.content;
const KEPT = "runai-step:token";
const token = takeToken();
/** Whether `runai-step editor` serves the page: it is there for as long as the page is of use. */
export const served = ADDRESS !== undefined || token !== null;

/** The token leaves the address bar at once, so that it is in no copied link and in no bookmark. */
function takeToken(): string | null {
  const here = new URL(location.href);
  const given = here.searchParams.get("token");
  if (given !== null) {
    here.searchParams.delete("token");
    history.replaceState(null, "", here);
  }
  try {
    if (given !== null) sessionStorage.setItem(KEPT, given);
    return given ?? (ADDRESS === undefined ? null : sessionStorage.getItem(KEPT));
  } catch {
    // Without storage the page works until it is loaded again.
    return given;
  }
}

/** Read the file; its text as YAML, or nothing if there is none. */
export async function open(): Promise<string | null> {
  if (ADDRESS === undefined) return null;
  try {
    const response = await ask({});
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(refusal(response.status));
    const { name, text, format } = (await response.json()) as { name: string; text: string; format: Format };
    const shown = asYaml(format === "yaml" ? null : await load(), text, format);
    opened.value = { name, format, disk: text, saved: shown };
    return shown;
  } catch (error) {
    store.say(`The file cannot be opened: ${words(error)}.`, true);
    return null;
  }
}

/** Save the text into the file, unless the file has changed meanwhile. */
export async function save(): Promise<void> {
  const [file, shown] = [opened.peek(), store.text.peek()];
  if (!file) return;
  try {
    const text = written(file, shown);
    const response = await ask({ method: "PUT", body: JSON.stringify({ text, was: file.disk }), headers: { "Content-Type": "application/json" } });
    if (response.status === 409) {
      clash.value = ((await response.json()) as { text: string }).text;
      return;
    }
    if (!response.ok) throw new Error(refusal(response.status));
    opened.value = { ...file, disk: text, saved: shown };
    store.say(`Saved ${file.name}.`);
  } catch (error) {
    store.say(`${file.name} is not saved: ${words(error)}. What you typed is kept.`, true);
  }
}

/** Save over what someone else has written. */
export function overwrite(): void {
  if (opened.value && clash.value !== null) opened.value = { ...opened.value, disk: clash.value };
  clash.value = null;
  void save();
}

/** Go on with what someone else has written; undo brings back what was here. */
export function reread(): void {
  const [file, disk] = [opened.value, clash.value];
  clash.value = null;
  if (!file || disk === null) return;
  try {
    store.theEditor()?.replace(asYaml(store.core.value, disk, file.format));
    opened.value = { ...file, disk, saved: store.text.value };
  } catch (error) {
    store.say(`${file.name} cannot be read: ${words(error)}.`, true);
  }
}

/** Ctrl+S saves, and the page is not left by mistake. */
export function guard(): void {
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "s" || !opened.peek()) return;
    event.preventDefault();
    void save();
  });
  addEventListener("beforeunload", (event) => {
    if (unsaved.peek()) event.preventDefault();
  });
}

function ask({ headers, ...init }: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
  const request = { ...init, cache: "no-store", headers: { ...headers, ...(token === null ? {} : { "X-Runai-Step-Token": token }) } } as const;
  return fetch(new URL(ADDRESS ?? "", document.baseURI), request).catch(() => {
    throw new Error("`runai-step editor` does not answer; is it still running?");
  });
}

function refusal(status: number): string {
  return status === 401 || status === 403
    ? "`runai-step editor` does not know this page; open the address that it has printed"
    : `\`runai-step editor\` answered with ${status}`;
}

function words(error: unknown): string {
  return failure(error).message;
}

/** The editor counts line feeds alone. */
function asYaml(core: Core | null, text: string, format: Format): string {
  if (format !== "yaml" && core && text.trim() !== "") return core.convert(text, format, "yaml");
  return text.replace(/^\ufeff/u, "").replaceAll("\r\n", "\n");
}

/** The editor's text in the language and with the line ends of the file. */
function written({ format, disk }: Opened, shown: string): string {
  if (format === "yaml") {
    const mark = disk.startsWith("\ufeff") ? "\ufeff" : "";
    return mark + (/(?<!\r)\n/u.test(disk) || !disk.includes("\r\n") ? shown : shown.replaceAll("\n", "\r\n"));
  }
  const core = store.core.peek();
  if (!core) throw new Error(`a ${format.toUpperCase()} file is written by the core, which is not there`);
  const values = (text: string, format: Format) => JSON.parse(core.convert(text, format, "json")) as Json;
  const wanted = values(shown, "yaml");
  try {
    // Only what differs is changed, so that the file keeps its comments and its layout.
    const text = patch(core, disk, format, "", values(disk, format), wanted);
    if (equal(values(text, format), wanted)) return text;
  } catch {
    // Not everything can be changed in place.
  }
  return core.convert(shown, "yaml", format);
}

function patch(core: Core, text: string, format: Format, pointer: string, before: Json | undefined, after: Json | undefined): string {
  if (equal(before, after)) return text;
  if (!isMap(before) || !isMap(after)) return apply(text, core.edit(text, format, pointer, after ?? null));
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].reduce((text, key) => patch(core, text, format, pointers.join(pointer, key), before[key], after[key]), text);
}
