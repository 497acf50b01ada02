// Entry point for Node: reads the module from this file's folder.
import { readFile } from "node:fs/promises";
import { Core, CoreError } from "./core.js";

export { Core, CoreError };

let loaded;

export function load(source = new URL("./runai_wasm_bg.wasm", import.meta.url)) {
  loaded ??= compile(source)
    .then((module) => new Core(module))
    .catch((cause) => {
      loaded = undefined;
      const help = "reinstall the package; a file may be missing";
      throw new CoreError({ code: "unavailable", message: `cannot load the core: ${cause?.message ?? cause}`, help }, { cause });
    });
  return loaded;
}

async function compile(source) {
  const input = await source;
  if (input instanceof WebAssembly.Module) return input;
  if (input instanceof ArrayBuffer || ArrayBuffer.isView(input)) return WebAssembly.compile(input);
  return WebAssembly.compile(await readFile(input));
}
