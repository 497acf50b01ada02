// Shared by the tests: the package that `cargo xtask wasm` built, and test documents.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const folder = process.env.RUNAI_SPEC_PACKAGE ?? fileURLToPath(new URL("../../../target/npm/runai-spec", import.meta.url));

/** Imports a file of the package as a module. */
export const part = (name) => import(pathToFileURL(join(folder, name)).href);

const fixtures = fileURLToPath(new URL("../../runai-spec/tests/fixtures", import.meta.url));
const edited = fileURLToPath(new URL("../../runai-syntax/tests/fixtures/edit", import.meta.url));
const examples = fileURLToPath(new URL("../../../examples", import.meta.url));

/** Returns valid and invalid documents of every kind, with their format. */
export function documents() {
  const folders = [examples, join(fixtures, "valid"), join(fixtures, "invalid"), edited];
  const files = folders.flatMap((of) => readdirSync(of).sort().map((name) => join(of, name)));
  return files
    .filter((file) => /\.(json|toml|yaml)$/.test(file))
    .map((file) => ({ name: file, text: readFileSync(file, "utf8"), format: file.slice(file.lastIndexOf(".") + 1) }));
}

/** Returns a deterministic random generator (mulberry32). */
export function random(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Returns the native results, one per call. */
export function runNatively(calls) {
  const program = process.env.RUNAI_SPEC_ANSWERS;
  if (program === undefined) throw new Error("RUNAI_SPEC_ANSWERS is not set: run `cargo xtask test wasm`");
  const input = calls.map((call) => `${JSON.stringify(call)}\n`).join("");
  const { stdout, status, error } = spawnSync(program, { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (error || status !== 0) throw new Error(`the native program failed: ${error ?? status}`);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}
