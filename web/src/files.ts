// Clipboard, downloads and imports of YAML, JSON and TOML files.
import type { Core, Format } from "runai-spec";
import { notify } from "./store";

/** Maximum size of an imported file, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

export async function copy(text: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyBySelection(text)) {
      notify(`The browser blocked copying ${what}.`, true);
      return false;
    }
  }
  notify(`Copied ${what}.`);
  return true;
}

/** Fallback for pages without the Clipboard API, such as those served over plain HTTP. */
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
  notify(`Downloaded ${name}.`);
}

/** Reads a file as UTF-8 text. */
export async function textOf(file: File): Promise<string> {
  if (file.size > MAX_BYTES) throw new Error(`\`${file.name}\` has ${mebibytes(file.size)}; the limit is ${mebibytes(MAX_BYTES)}`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    if (text.includes("\0")) throw new TypeError();
    return text;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new Error(`\`${file.name}\` is not UTF-8 text`, { cause });
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(bytes % (1024 * 1024) === 0 ? 0 : 1)} MiB`;
}

/** Converts a text to YAML and returns its detected format. A text that parses in no format is returned unchanged. */
export function asYaml(core: Core, text: string, name = ""): { text: string; from: Format } {
  const named = /\.(json|toml|ya?ml)$/iu.exec(name)?.[1]?.toLowerCase();
  const tries: Format[] = named === "json" || named === "toml" ? [named] : named ? [] : guesses(text);
  for (const from of tries) {
    try {
      return { text: core.convert(text, from, "yaml"), from };
    } catch {
      // Try the next format.
    }
  }
  return { text, from: "yaml" };
}

/** Tries JSON first because it is also YAML, and TOML only where YAML would not parse a map. */
function guesses(text: string): Format[] {
  const start = text.trimStart();
  if (start.startsWith("{")) return ["json"];
  return /^\s*(\[+[\w."'-]+\]+|[\w."'-]+\s*=)/mu.test(text) && !/^[\w"'-]+:(\s|$)/mu.test(text) ? ["toml"] : [];
}
