// Compares the results of WebAssembly with those of native code.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { documents, folder, part, random, runNatively } from "./support.js";

const CALLS = 6000;
const WORDS = ["yes", "0644", "8GB", "8Gi", "-1", "1e400", "0.5", "null", "é", "🚀", "'", "\"", "{", "}", "[", "]", ": ", "# ", "&a ", "*a", "\t", "\r\n", "\n"];

/** Returns a mutated source. */
function mutated(pick, sources) {
  const { text, format } = sources[pick(sources.length)];
  let changed = text;
  for (let left = pick(4); left > 0; left--) {
    const at = pick(changed.length + 1);
    const width = pick(3) === 0 ? pick(12) : 0;
    changed = changed.slice(0, at) + (pick(2) === 0 ? WORDS[pick(WORDS.length)] : "") + changed.slice(at + width);
  }
  return { text: changed.toWellFormed?.() ?? changed, format };
}

function calls() {
  const sources = documents();
  const pick = random(7);
  const context = { name: "train-1", project_id: "4500001", cluster_id: "71f69d83-ba66-4822-adf5-55ce55efd210" };
  const formats = ["json", "toml", "yaml"];
  const pointers = ["/settings/gpu_portion_request", "/settings/labels/team", "/gpu_portion_request", "/command/-", "/image", "/node_pools/0"];
  const values = [0.25, "x: y", ["a", "b"], { a: 1 }, null, true];
  const made = sources.flatMap(({ text, format }) => ["check", "render", "snippets", "permissions"].map((name) => [name, text, { format, context }]));
  while (made.length < CALLS) {
    const { text, format } = mutated(pick, sources);
    const name = ["check", "check", "render", "request", "snippets", "permissions", "convert", "edit"][pick(8)];
    const more = {
      convert: { to: formats[pick(3)] },
      edit: { pointer: pointers[pick(pointers.length)], value: values[pick(values.length)] },
    };
    made.push([name, text, { format, ...(more[name] ?? { context }) }]);
  }
  return made.map(([name, text, args]) => [name, text, JSON.stringify(args)]);
}

test("matches native results", async () => {
  // Below the wrapper, where results are still text.
  const glue = await part("runai_wasm_bg.js");
  const module = await WebAssembly.compile(readFileSync(join(folder, "runai_wasm_bg.wasm")));
  const { exports } = new WebAssembly.Instance(module, { "./runai_wasm_bg.js": glue });
  glue.__wbg_set_wasm(exports);
  exports.__wbindgen_start?.();

  const all = calls();
  const expected = runNatively(all);
  assert.equal(expected.length, all.length);
  const counts = {};
  all.forEach((call, index) => {
    const result = glue.call(...call);
    assert.equal(result, expected[index], JSON.stringify(call));
    const kind = result.startsWith('{"error"') ? "rejected" : result.includes('"ok":false') ? "errors" : "fine";
    counts[`${call[0]} ${kind}`] = (counts[`${call[0]} ${kind}`] ?? 0) + 1;
  });
  // The calls must cover each kind of result.
  for (const kind of ["check errors", "check fine", "convert fine", "convert rejected", "edit fine", "edit rejected", "render errors", "render fine", "snippets fine"]) {
    assert.ok(counts[kind] > 20, `${kind}: ${counts[kind]}`);
  }
});
