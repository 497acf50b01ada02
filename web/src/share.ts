// Links that hold the text in their fragment, which browsers send to nobody.
import type { Core } from "runai-spec";
import { apply } from "./edits";
import * as pointers from "./pointer";

/** Of the form of links. A newer one is refused with words that say so. */
const VERSION = 1;
/** Most that a link may unpack to. */
const MOST = 1024 * 1024;
/** Stands where a secret was. */
const LEFT_OUT = "<left out>";

export interface Shared {
  link: string;
  /** Names of values that were left out because they look like secrets. */
  secrets: string[];
}

export async function share(core: Core, text: string, here: string): Promise<Shared> {
  const { text: open, secrets } = withoutSecrets(core, text);
  const bytes = await through(new TextEncoder().encode(open), new CompressionStream("deflate-raw"));
  const url = new URL(here);
  url.hash = `v${VERSION}.${base64(bytes)}`;
  return { link: url.href, secrets };
}

/** The text of a fragment; nothing if it is no shared text at all. */
export async function open(fragment: string): Promise<string | null> {
  const match = /^#?v(\d+)\.(.*)$/su.exec(fragment);
  if (!match) return null;
  if (Number(match[1]) > VERSION) throw new Error("the link was made by a newer version of this page; load the page again");
  let text: string;
  try {
    const bytes = await through(unbase64(match[2] ?? ""), new DecompressionStream("deflate-raw"), MOST);
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    throw new Error("the link is damaged; perhaps its end was cut off", { cause });
  }
  return text;
}

/** What is a secret to the core is left out, until nothing is. */
function withoutSecrets(core: Core, text: string): { text: string; secrets: string[] } {
  const secrets: string[] = [];
  const document = new core.Document({ text, format: "yaml" });
  // Each round takes out one; the bound is for what cannot be taken out.
  for (let round = 0; round < 200; round += 1) {
    const { diagnostics } = document.analysis(["diagnostics"]);
    const found = diagnostics.find(({ tags, path }) => tags.includes("secret") && !secrets.includes(path));
    if (!found) break;
    secrets.push(found.path);
    const edits = document.edit(found.path, LEFT_OUT);
    document.apply(edits);
    text = apply(text, edits);
  }
  document.free();
  return { text, secrets: secrets.map((path) => pointers.parse(path).at(-1) ?? path) };
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
  most = Number.POSITIVE_INFINITY,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError("the link holds more than a link may hold");
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function unbase64(text: string): Uint8Array<ArrayBuffer> {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
}
