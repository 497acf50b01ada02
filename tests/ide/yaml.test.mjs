// Tests the schemas with the YAML language server.

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

/** Returns the underlined texts and their messages. */
async function problems(text) {
  const { diagnostics } = await server.open(text);
  const lines = text.split("\n");
  return diagnostics.map(({ range: { start, end }, message }) => [
    start.line === end.line ? lines[start.line].slice(start.character, end.character) : lines[start.line].slice(start.character),
    message,
  ]);
}

test("underlines an invalid key, unit, value and path", async () => {
  const found = await problems(
    `${STEP}settings:\n  gpu_devises_request: 1\n  cpu_memory_request: 4 gigs\n  gpu_request_type: portions\n` +
      "  pvc_mounts:\n    - {claim_name: data, path: data}\n",
  );
  const messages = new Map(found);
  assert.deepEqual([...messages.keys()].sort(), ["4 gigs", "data", "gpu_devises_request", "portions"]);
  assert.match(messages.get("gpu_devises_request"), /^Write a map with these keys only: .*\bgpu_devices_request\b/);
  assert.match(messages.get("4 gigs"), /^Not an amount of memory: write a number followed by `K`/);
  assert.match(messages.get("portions"), /Valid values: "memory", "portion"/);
  assert.match(messages.get("data"), /^Not an absolute path: write a path that starts with `\/`/);
});

// The text below the modeline, the underlined text, and the message.
const INVALID = [
  ["gpu_portion_request: 1.5\n", "1.5", /maximum of 1/],
  ["cpu_core_request: 0\n", "0", /minimum of 0.1/],
  ["gpu_devices_request: one\n", "one", /^Write an integer/],
  ["gpu_devices_request: '1'\n", "'1'", /^Write an integer, without quotes/],
  ["workload_timeout: 5m\n", "5m", /^Write an integer, without quotes and without a unit/],
  ["large_shm_request: yes\n", "yes", /^Write `true` or `false`/],
  ["cpu_memory_request: 4\n", "4", /^Not an amount of memory: write a number followed by/],
  ["node_pools: a100\n", "a100", /^Write a list/],
  ["labels: {team: 1}\n", "1", /^Not a Kubernetes label value/],
  ["annotations: {scrape: true}\n", "true", /^Write a string/],
  ["gpu_request_type: memory\n", "memory", /`gpu_request_type: memory` requires `gpu_memory_request`/],
  ["gpu_request_type: memory\ngpu_memory_request:\n", "memory", /requires `gpu_memory_request`/],
  ["gpu_request_type: memory\ngpu_memory_request: 20\n", "20", /^Not an amount of memory/],
  ["tolerations:\n  - operator: Equal\n", "Equal", /A toleration without a key requires `operator: Exists`/],
  ["tolerations:\n  - {key: a, operator: Exists, value: b}\n", "b", /`operator: Exists` excludes `value`/],
  ["tolerations:\n  - {key: a, operator: exists}\n", "exists", /Valid values: "Equal", "Exists"/],
  ["tolerations:\n  - {key: a, tolerationSeconds: 5}\n", "tolerationSeconds: 5", /has no effect\. Write one of .*`effect`/],
  [
    "external_urls:\n  - {container: 1, authorized_users: [a], authorized_groups: [b]}\n",
    "[b]",
    /^Keep either `authorized_users` or `authorized_groups`/,
  ],
  ["pvc_mounts:\n  - claim_name: a\n", "c", /Write a map .* path \(required\)/],
  ["pvc_mounts:\n  - {path: /a, existing_pvc: null}\n", "null", /^Write `true` or `false`/],
  [
    "pvc_mounts:\n  - path: /a\n    existing_pvc: false\n    claim_info: {size: 1Gi, storage_class: a, storageClass: a}\n",
    "storageClass",
    /two spellings of the same key/,
  ],
  ["pvc_mounts:\n  - {path: /a, claim_info: {siez: 1Gi}}\n", "siez", /^Write a map .*\bsize\b/],
  ["pvc_mounts:\n  - {path: /a, claim_info: {size: 1GB}}\n", "1GB", /^Not a quantity: write a number/],
  ["pvc_mounts:\n  - {path: /a, claim_info: {volumeMode: block}}\n", "block", /Valid values: "Block", "Filesystem"/],
  ["pvc_mounts:\n  - {path: /a, claim_info: {accessModes: {readWriteMny: true}}}\n", "readWriteMny", /read_write_many/],
  ["ports:\n  - container: 70000\n", "70000", /maximum of 65535/],
  ["ports:\n  - container: '80'\n", "'80'", /^Write an integer/],
  ["ports:\n  - 8080\n", "8080", /^Write a map .* container \(required\)/],
  ["ports:\n  - {container: 80, service_type: clusterip}\n", "clusterip", /Valid values: "ClusterIP"/],
  ["labels: {team: ml research}\n", "ml research", /^Not a Kubernetes label value/],
  ["labels: {my team: ml}\n", "my team", /^Not a Kubernetes key/],
  ["config_map_mounts:\n  - {config_map: a, mount_path: /a, default_mode: 644}\n", "644", /four octal digits/],
  ["security_context: {capabilities: [CAP_KILL]}\n", "CAP_KILL", /Valid values: .*"KILL"/],
];
for (const [text, underlined, message] of INVALID) {
  test(`reports one problem: ${text.split("\n").join(" ↵ ")}`, async () => {
    const found = await problems(SETTINGS + text);
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0][0], underlined, JSON.stringify(found));
    assert.match(found[0][1], message);
  });
}

test("accepts the examples", async () => {
  const files = readdirSync(EXAMPLES).filter((name) => name.endsWith(".yaml"));
  assert.ok(files.length >= 4);
  for (const name of files) {
    const text = readFileSync(path.join(EXAMPLES, name), "utf8");
    assert.match(text, /^# yaml-language-server: \$schema=\.\.\/schemas\//, name);
    assert.deepEqual(await problems(text.replace("$schema=../", "$schema=../../../")), [], name);
  }
});

// Mutations of the examples, the underlined text, and the message.
const MISTYPED = [
  ["a key", /cpu_core_request/, "cpu_core_reqest", /^Write a map with these keys only: .*\bcpu_core_request\b/],
  ["a unit", /(?<=cpu_memory_request: )\w+/, "8GiB", /^Not an amount of memory: write a number followed by/],
  ["a value", /(?<=gpu_request_type: )memory/, "memry", /Valid values: "memory", "portion"/],
  ["a mount path", /(?<= path: )\/mnt\/datasets/, "mnt/datasets", /^Not an absolute path: write a path that starts with/],
];
for (const [what, right, wrong, message] of MISTYPED) {
  test(`underlines ${what} mistyped in an example`, async () => {
    const texts = readdirSync(EXAMPLES)
      .filter((name) => name.endsWith(".runai.yaml"))
      .map((name) => readFileSync(path.join(EXAMPLES, name), "utf8").replace("$schema=../", "$schema=../../../"))
      .filter((text) => right.test(text));
    assert.ok(texts.length > 0);
    for (const text of texts) {
      const found = await problems(text.replace(right, wrong));
      assert.equal(found.length, 1, JSON.stringify(found));
      assert.equal(found[0][0], wrong);
      assert.match(found[0][1], message);
    }
  });
}

test("reports one error per mistake with `$schema`", async () => {
  const head = `${STEP}$schema: http://json-schema.org/draft-04/schema#\n`;
  assert.deepEqual(await problems(`${head}settings: {gpu_portion_request: 0.5}\n`), []);
  const found = await problems(`${head}settings:\n  gpu_portion: 0.5\n  node_pool: a\n`);
  assert.deepEqual(found.map(([underlined]) => underlined).sort(), ["gpu_portion", "node_pool"]);
});

test("checks blocks of ZenML run configurations", async () => {
  const modeline = "# yaml-language-server: $schema=../../../schemas/zenml-run.schema.json\n";
  const places = [
    (key, setting) => `${modeline}settings:\n  ${key}:\n    ${setting}\n`,
    (key, setting) => `${modeline}steps:\n  a:\n    parameters: {b: 1}\n    settings:\n      ${key}:\n        ${setting}\n`,
  ];
  for (const place of places) {
    for (const key of ["docker", "step_operator.kubernetes"]) {
      assert.deepEqual(await problems(place(key, "anything: 1")), []);
    }
    // ZenML rejects a key that is not a stack component.
    const rejected = await problems(place("step_operators", "anything: 1"));
    assert.deepEqual(rejected.map(([underlined]) => underlined), ["step_operators"]);
    for (const key of ["step_operator", "step_operator.runai", "step_operator:mine"]) {
      assert.deepEqual(await problems(place(key, "gpu_devices_request: 1")), []);
      for (const [setting, underlined, message] of [
        ["gpu_device_request: 1", "gpu_device_request", /^Write a map .*\bgpu_devices_request\b/],
        ["cpu_memory_request: 8GB", "8GB", /^Not an amount of memory/],
        ["gpu_request_type: portions", "portions", /Valid values: "memory", "portion"/],
        ["pvc_mounts: [{path: data}]", "data", /^Not an absolute path/],
      ]) {
        // With a valid key, because a block of unknown keys may belong to another flavor.
        const indent = place("", "X").match(/( *)X/)[1];
        const found = await problems(place(key, `node_type: dgx\n${indent}${setting}`));
        assert.equal(found.length, 1, JSON.stringify(found));
        assert.equal(found[0][0], underlined);
        assert.match(found[0][1], message);
      }
    }
  }
});

async function completions(text, line, character) {
  const { uri } = await server.open(text);
  const { items } = await server.complete(uri, { line, character });
  return new Map(items.map((item) => [item.label, item]));
}

test("completes keys with documentation", async () => {
  const found = await completions(`${SETTINGS}gpu_`, 1, 4);
  for (const key of ["gpu_devices_request", "gpu_portion_request", "gpu_memory_limit"]) {
    assert.ok(found.has(key), [...found.keys()].join(", "));
  }
  const { documentation } = found.get("gpu_portion_request");
  assert.equal(documentation.kind, "markdown");
  assert.match(documentation.value, /Fraction of each device/);
});

test("completes values of an enum", async () => {
  const found = await completions(`${SETTINGS}gpu_request_type: `, 1, 18);
  assert.ok(found.has("memory") && found.has("portion"), [...found.keys()].join(", "));
});

test("offers snippets", async () => {
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

test("shows hover texts", async () => {
  const { uri } = await server.open(`${SETTINGS}cpu_memory_limit: 8Gi\n`);
  const { contents } = await server.hover(uri, { line: 1, character: 4 });
  assert.equal(contents.kind, "markdown");
  assert.match(contents.value, /Maximum memory, above which the step is killed/);
  assert.match(contents.value, /spec\.compute\.cpuMemoryLimit/);
  assert.match(contents.value, /docs\/settings\.md#cpu_memory_limit/);
});
