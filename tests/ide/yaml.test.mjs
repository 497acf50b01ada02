// What someone sees in an editor with the YAML language server.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { YamlServer } from "./yaml-server.mjs";

const EXAMPLES = path.join(import.meta.dirname, "../../examples");
const STEP = "# yaml-language-server: $schema=../../../schemas/step.schema.json\nimage: a\ncommand: [b]\n";
const SETTINGS = "# yaml-language-server: $schema=../../../schemas/settings.schema.json\n";

let server;
before(async () => (server = await YamlServer.start()));
after(() => server.stop());

/** What is underlined, and what is said about it. */
async function problems(text) {
  const { diagnostics } = await server.open(text);
  const lines = text.split("\n");
  return diagnostics.map(({ range: { start, end }, message }) => [
    start.line === end.line ? lines[start.line].slice(start.character, end.character) : lines[start.line].slice(start.character),
    message,
  ]);
}

test("a mistyped key, unit, value and path are underlined, each with what to write", async () => {
  const found = await problems(
    `${STEP}settings:\n  gpu_devises_request: 1\n  cpu_memory_request: 4 gigs\n  gpu_request_type: portions\n` +
      "  pvc_mounts:\n    - {claim_name: data, path: data}\n",
  );
  const said = new Map(found);
  assert.deepEqual([...said.keys()].sort(), ["4 gigs", "data", "gpu_devises_request", "portions"]);
  assert.match(said.get("gpu_devises_request"), /^Write a map with no other keys than these: .*\bgpu_devices_request\b/);
  assert.match(said.get("4 gigs"), /^Not an amount of memory: write a number followed by `K`/);
  assert.match(said.get("portions"), /Valid values: "memory", "portion"/);
  assert.match(said.get("data"), /^Not an absolute path: write a path that starts with `\/`/);
});

// The text below the modeline, what is underlined, and what is said.
const BROKEN = [
  ["gpu_portion_request: 1.5\n", "1.5", /maximum of 1/],
  ["cpu_core_request: 0\n", "0", /minimum of 0.1/],
  ["gpu_devices_request: one\n", "one", /Expected "?(integer|number)/],
  ["gpu_request_type: memory\n", "g", /With `gpu_request_type: memory` write `gpu_memory_request` as well/],
  ["gpu_request_type: memory\ngpu_memory_request:\n", "", /write `gpu_memory_request` as well/],
  ["tolerations:\n  - operator: Equal\n", "Equal", /A toleration without a key tolerates every taint/],
  ["tolerations:\n  - {key: a, operator: Exists, value: b}\n", "b", /`operator: Exists` has no value/],
  [
    "external_urls:\n  - {container: 1, authorized_users: [a], authorized_groups: [b]}\n",
    "[b]",
    /^A URL is for users or for groups/,
  ],
  ["pvc_mounts:\n  - claim_name: a\n", "c", /Write a map .* path \(required\)/],
  [
    "pvc_mounts:\n  - path: /a\n    existing_pvc: false\n    claim_info: {size: 1Gi, storage_class: a, storageClass: a}\n",
    "storageClass",
    /two spellings of one key/,
  ],
  ["ports:\n  - container: 70000\n", "70000", /maximum of 65535/],
  ["labels: {team: ml research}\n", "ml research", /^Not a Kubernetes label value/],
  ["config_map_mounts:\n  - {config_map: a, mount_path: /a, default_mode: 644}\n", "644", /Expected|four octal digits/],
];
for (const [text, underlined, said] of BROKEN) {
  test(`one problem, in the right place: ${text.split("\n").join(" ↵ ")}`, async () => {
    const found = await problems(SETTINGS + text);
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0][0], underlined, JSON.stringify(found));
    assert.match(found[0][1], said);
  });
}

test("the examples have no problem", async () => {
  const files = readdirSync(EXAMPLES).filter((name) => name.endsWith(".yaml"));
  assert.ok(files.length >= 4);
  for (const name of files) {
    const text = readFileSync(path.join(EXAMPLES, name), "utf8");
    assert.match(text, /^# yaml-language-server: \$schema=\.\.\/schemas\//, name);
    assert.deepEqual(await problems(text.replace("$schema=../", "$schema=../../../")), [], name);
  }
});

test("a file that names its schema by a key as well has one error a mistake", async () => {
  const head = `${STEP}$schema: http://json-schema.org/draft-04/schema#\n`;
  assert.deepEqual(await problems(`${head}settings: {gpu_portion_request: 0.5}\n`), []);
  const found = await problems(`${head}settings:\n  gpu_portion: 0.5\n  node_pool: a\n`);
  assert.deepEqual(found.map(([underlined]) => underlined).sort(), ["gpu_portion", "node_pool"]);
});

test("other blocks of a ZenML run configuration stay open", async () => {
  const modeline = "# yaml-language-server: $schema=../../../schemas/zenml-run.schema.json\n";
  const block = (key, setting) => `${modeline}steps:\n  a:\n    settings:\n      ${key}:\n        ${setting}: 1\n`;
  assert.deepEqual(await problems(block("docker", "anything")), []);
  assert.deepEqual(await problems(block("step_operator.runai", "gpu_devices_request")), []);
  for (const key of ["step_operator", "step_operator.runai", "step_operator:mine"]) {
    const found = await problems(block(key, "gpu_device_request"));
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0][0], "gpu_device_request");
  }
});

async function completions(text, line, character) {
  const { uri } = await server.open(text);
  const { items } = await server.complete(uri, { line, character });
  return new Map(items.map((item) => [item.label, item]));
}

test("keys are completed, and explained in Markdown", async () => {
  const found = await completions(`${SETTINGS}gpu_`, 1, 4);
  for (const key of ["gpu_devices_request", "gpu_portion_request", "gpu_memory_limit"]) {
    assert.ok(found.has(key), [...found.keys()].join(", "));
  }
  const { documentation } = found.get("gpu_portion_request");
  assert.equal(documentation.kind, "markdown");
  assert.match(documentation.value, /Fraction of each device/);
});

test("values of an enum are completed", async () => {
  const found = await completions(`${SETTINGS}gpu_request_type: `, 1, 18);
  assert.ok(found.has("memory") && found.has("portion"), [...found.keys()].join(", "));
});

test("the usual beginnings are offered", async () => {
  const settings = await completions(`${STEP}settings:\n  `, 4, 2);
  const offered = [...settings.keys()];
  for (const label of [
    "half a GPU",
    "GPU memory with burst",
    "CPU only",
    "existing PVC",
    "new PVC",
    "NFS mount",
    "Secret as files",
    "debug port with URL",
  ]) {
    assert.ok(offered.includes(label), `${label}: ${offered.join(", ")}`);
  }
  const burst = settings.get("GPU memory with burst").insertText ?? settings.get("GPU memory with burst").textEdit.newText;
  assert.deepEqual(burst.trim().split(/\n\s*/).sort(), [
    "gpu_memory_limit: ${2:40Gi}",
    "gpu_memory_request: ${1:20Gi}",
    "gpu_request_type: memory",
  ]);
  assert.match(settings.get("half a GPU").textEdit?.newText ?? settings.get("half a GPU").insertText, /^gpu_portion_request: \$\{1:0\.5\}/);
});

test("a key is explained where the pointer rests", async () => {
  const { uri } = await server.open(`${SETTINGS}cpu_memory_limit: 8Gi\n`);
  const { contents } = await server.hover(uri, { line: 1, character: 4 });
  assert.equal(contents.kind, "markdown");
  assert.match(contents.value, /Memory that the step may use at most before it is killed/);
  assert.match(contents.value, /spec\.compute\.cpuMemoryLimit/);
  assert.match(contents.value, /docs\/settings\.md#cpu_memory_limit/);
});
