// For browsers and bundlers: the module is fetched from beside this file.
import { Core, CoreError } from "./core.js";

export { Core, CoreError };

let loaded;

export function load(source = new URL("./runai_wasm_bg.wasm", import.meta.url)) {
  loaded ??= compile(source)
    .then((module) => new Core(module))
    .catch((cause) => {
      loaded = undefined;
      const help = "load the page again; a browser needs WebAssembly, and a page that may use it";
      throw new CoreError({ code: "unavailable", message: `the core cannot be loaded: ${cause?.message ?? cause}`, help }, { cause });
    });
  return loaded;
}

async function compile(source) {
  const given = await source;
  if (given instanceof WebAssembly.Module) return given;
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) return WebAssembly.compile(given);
  const response = given instanceof Response ? given : await fetch(given);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  // Compiling as it arrives asks for a content type that not every host sends.
  if (response.headers.get("Content-Type")?.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}
