// For Node: the module is read from beside this file.
import { readFile } from "node:fs/promises";
import { Core, CoreError } from "./core.js";

export { Core, CoreError };

let loaded;

export function load(source = new URL("./runai_wasm_bg.wasm", import.meta.url)) {
  loaded ??= compile(source)
    .then((module) => new Core(module))
    .catch((cause) => {
      loaded = undefined;
      const help = "is the package whole?";
      throw new CoreError({ code: "unavailable", message: `the core cannot be loaded: ${cause?.message ?? cause}`, help }, { cause });
    });
  return loaded;
}

async function compile(source) {
  const given = await source;
  if (given instanceof WebAssembly.Module) return given;
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) return WebAssembly.compile(given);
  return WebAssembly.compile(await readFile(given));
}
