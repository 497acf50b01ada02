// Texts in and out: clipboard, downloads, and files of any of the three languages.
import type { Core, Format } from "runai-spec";
import { say } from "./store";

/** More is not read from a file: no settings are that long, and an editor that holds them is of no use. */
const MOST = 16 * 1024 * 1024;

export async function copy(text: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyBySelection(text)) {
      say(`This browser did not let the page copy ${what}.`, true);
      return false;
    }
  }
  say(`Copied ${what}.`);
  return true;
}

/** For pages without the clipboard interface: those that are not served over TLS. */
function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  const before = document.activeElement;
  area.value = text;
  area.className = "offscreen";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}

export function download(text: string, name: string, type = "text/plain"): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  say(`Downloaded ${name}.`);
}

/** What is in a file, or why it cannot be read. */
export async function textOf(file: File): Promise<string> {
  if (file.size > MOST) throw new Error(`${file.name} has ${megabytes(file.size)}; files up to ${megabytes(MOST)} are read`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    if (text.includes("\0")) throw new TypeError();
    return text;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new Error(`${file.name} is not a text in UTF-8`, { cause });
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(bytes % (1024 * 1024) === 0 ? 0 : 1)} MB`;
}

/** A text as YAML, with the language that it was found to be in. What is no valid text of any stays as it is. */
export function asYaml(core: Core, text: string, name = ""): { text: string; from: Format } {
  const named = /\.(json|toml|ya?ml)$/iu.exec(name)?.[1]?.toLowerCase();
  const tries: Format[] = named === "json" || named === "toml" ? [named] : named ? [] : guesses(text);
  for (const from of tries) {
    try {
      return { text: core.convert(text, from, "yaml"), from };
    } catch {
      // The next one.
    }
  }
  return { text, from: "yaml" };
}

/** JSON is YAML as well, so it is looked at first; TOML only where YAML would not read it as a map. */
function guesses(text: string): Format[] {
  const start = text.trimStart();
  if (start.startsWith("{")) return ["json"];
  return /^\s*(\[+[\w."'-]+\]+|[\w."'-]+\s*=)/mu.test(text) && !/^[\w"'-]+:(\s|$)/mu.test(text) ? ["toml"] : [];
}
