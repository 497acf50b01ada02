// Entry point for browsers and bundlers: fetches the module from this file's folder.
import { Core, CoreError } from "./core.js";

export { Core, CoreError };

let loaded;

export function load(source = new URL("./runai_wasm_bg.wasm", import.meta.url)) {
  loaded ??= compile(source)
    .then((module) => new Core(module))
    .catch((cause) => {
      loaded = undefined;
      const help = "reload the page; the browser must support WebAssembly, and the page's policy must allow it";
      throw new CoreError({ code: "unavailable", message: `cannot load the core: ${cause?.message ?? cause}`, help }, { cause });
    });
  return loaded;
}

async function compile(source) {
  const input = await source;
  if (input instanceof WebAssembly.Module) return input;
  if (input instanceof ArrayBuffer || ArrayBuffer.isView(input)) return WebAssembly.compile(input);
  const response = input instanceof Response ? input : await fetch(input);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  // Streaming compilation requires a content type that not every host sends.
  if (response.headers.get("Content-Type")?.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}
