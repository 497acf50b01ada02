// Share links: the text is in the fragment, which browsers never send to a server.
import type { Core } from "runai-spec";
import { apply } from "./edits";
import * as pointers from "./pointer";

/** Version of the link format. Newer versions are rejected. */
const VERSION = 1;
/** Maximum size of a decompressed link, in bytes. */
const MAX_BYTES = 1024 * 1024;
/** Replaces secrets. */
const REMOVED = "<removed>";

export interface Shared {
  link: string;
  /** Names of removed values that look like secrets. */
  secrets: string[];
}

export async function share(core: Core, text: string, here: string): Promise<Shared> {
  const { text: open, secrets } = withoutSecrets(core, text);
  const bytes = await pipe(new TextEncoder().encode(open), new CompressionStream("deflate-raw"));
  const url = new URL(here);
  url.hash = `v${VERSION}.${base64(bytes)}`;
  return { link: url.href, secrets };
}

/** Returns the text of a fragment, or `null` if the fragment is not a share link's. */
export async function open(fragment: string): Promise<string | null> {
  const match = /^#?v(\d+)\.(.*)$/su.exec(fragment);
  if (!match) return null;
  if (Number(match[1]) > VERSION) throw new Error("the link was created by a newer version of this page; reload the page");
  let text: string;
  try {
    const bytes = await pipe(unbase64(match[2] ?? ""), new DecompressionStream("deflate-raw"), MAX_BYTES);
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    throw new Error("the link is damaged or truncated", { cause });
  }
  return text;
}

/** Removes values that the core reports as secrets. */
function withoutSecrets(core: Core, text: string): { text: string; secrets: string[] } {
  const secrets: string[] = [];
  const document = new core.Document({ text, format: "yaml" });
  // Each round removes one secret. The bound guards against values that cannot be removed.
  for (let round = 0; round < 200; round += 1) {
    const { diagnostics } = document.analysis(["diagnostics"]);
    const found = diagnostics.find(({ tags, path }) => tags.includes("secret") && !secrets.includes(path));
    if (!found) break;
    secrets.push(found.path);
    const edits = document.edit(found.path, REMOVED);
    document.apply(edits);
    text = apply(text, edits);
  }
  document.free();
  return { text, secrets: secrets.map((path) => pointers.parse(path).at(-1) ?? path) };
}

async function pipe(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw new RangeError("the text of the link exceeds 1 MiB");
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
