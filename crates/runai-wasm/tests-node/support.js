// What the tests share: the package that `cargo xtask wasm` has made, and texts to ask it about.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const folder = process.env.RUNAI_SPEC_PACKAGE ?? fileURLToPath(new URL("../../../target/npm/runai-spec", import.meta.url));

/** A file of the package as a module. */
export const part = (name) => import(pathToFileURL(join(folder, name)).href);

const fixtures = fileURLToPath(new URL("../../runai-spec/tests/fixtures", import.meta.url));
const edited = fileURLToPath(new URL("../../runai-syntax/tests/fixtures/edit", import.meta.url));
const examples = fileURLToPath(new URL("../../../examples", import.meta.url));

/** Texts of every kind, right and wrong, with their format. */
export function documents() {
  const folders = [examples, join(fixtures, "valid"), join(fixtures, "invalid"), edited];
  const files = folders.flatMap((of) => readdirSync(of).sort().map((name) => join(of, name)));
  return files
    .filter((file) => /\.(json|toml|yaml)$/.test(file))
    .map((file) => ({ name: file, text: readFileSync(file, "utf8"), format: file.slice(file.lastIndexOf(".") + 1) }));
}

/** Choices from a number (mulberry32): the same ones every time. */
export function random(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The answers of the core compiled natively, one a call. */
export function natively(calls) {
  const program = process.env.RUNAI_SPEC_ANSWERS;
  if (program === undefined) throw new Error("RUNAI_SPEC_ANSWERS does not name the program: run `cargo xtask test wasm`");
  const input = calls.map((call) => `${JSON.stringify(call)}\n`).join("");
  const { stdout, status, error } = spawnSync(program, { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (error || status !== 0) throw new Error(`the native program failed: ${error ?? status}`);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}
