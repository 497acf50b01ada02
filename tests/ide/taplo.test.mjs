// Tests the schemas with taplo, which most editors use for TOML.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const manifest = require.resolve("@taplo/cli/package.json");
const PROGRAM = path.join(path.dirname(manifest), require(manifest).bin.taplo);
const ROOT = path.join(import.meta.dirname, "../..");

function check(...files) {
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, "check", ...files], { cwd: ROOT, encoding: "utf8" });
  return { status, stderr };
}

test("accepts the examples", () => {
  const files = readdirSync(path.join(ROOT, "examples")).filter((name) => name.endsWith(".toml"));
  assert.ok(files.length >= 2);
  const { status, stderr } = check(...files.map((name) => `examples/${name}`));
  assert.equal(status, 0, stderr);
  assert.ok(!/no schema/i.test(stderr), stderr);
});

for (const [settings, message] of [
  ["gpu_portion_request = 1.5", /5:23[\s\S]*1\.5 is greater than the maximum of 1/],
  ["gpu_devises_request = 1", /'gpu_devises_request' was unexpected/],
  ['cpu_memory_request = "4 gigs"', /5:22[\s\S]*4 gigs/],
]) {
  test(`rejects invalid settings: ${settings}`, (context) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "runai-step-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, "a.runai.toml");
    const schema = pathToFileURL(path.join(ROOT, "schemas/step.schema.json"));
    writeFileSync(file, `#:schema ${schema}\nimage = "a"\ncommand = ["b"]\n[settings]\n${settings}\n`);
    const { status, stderr } = check(file);
    assert.notEqual(status, 0);
    assert.match(stderr, message);
  });
}
