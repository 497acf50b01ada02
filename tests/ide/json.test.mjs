// Tests the schemas with VS Code's JSON language service.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { getLanguageService } from "vscode-json-languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";

const SCHEMAS = path.join(import.meta.dirname, "../../schemas");
const service = getLanguageService({
  schemaRequestService: async (uri) => readFileSync(path.join(SCHEMAS, path.basename(uri)), "utf8"),
  clientCapabilities: { textDocument: { completion: { completionItem: { documentationFormat: ["markdown"], snippetSupport: true } } } },
});
service.configure({ allowComments: false, schemas: [], validate: true });

function opened(settings, schema = "step") {
  const text = JSON.stringify({ $schema: `schemas/${schema}.schema.json`, image: "a", command: ["b"], settings }, null, 1);
  const document = TextDocument.create("file:///a.runai.json", "json", 1, text);
  return { document, json: service.parseJSONDocument(document), text };
}

async function problems(settings) {
  const { document, json } = opened(settings);
  const found = await service.doValidation(document, json);
  return found.map(({ range, message }) => [document.getText(range), message]);
}

for (const [settings, underlined, message] of [
  [{ gpu_devises_request: 1 }, '"gpu_devises_request"', /Write a map with these keys only: .*gpu_devices_request/],
  [{ cpu_memory_request: "4 gigs" }, '"4 gigs"', /^Not an amount of memory: write a number followed by/],
  [{ gpu_request_type: "portions" }, '"portions"', /Valid values: "memory", "portion"/],
  [{ pvc_mounts: [{ path: "data" }] }, '"data"', /^Not an absolute path: write a path that starts/],
  [{ gpu_portion_request: 2 }, "2", /maximum of 1/],
  [{ gpu_devices_request: "1" }, '"1"', /^Write an integer, without quotes/],
  [{ gpu_request_type: "memory" }, '"memory"', /requires `gpu_memory_request`/],
  [{ pvc_mounts: [{ path: "/a", claim_info: { size: "1GB" } }] }, '"1GB"', /^Not a quantity/],
  [{ tolerations: [{ key: "a", tolerationSeconds: 5 }] }, '"tolerationSeconds": 5', /has no effect\. Write one of/],
  [{ tolerations: [{ key: "a", operator: "Exists", value: "b" }] }, '"b"', /`operator: Exists` excludes `value`/],
  [
    { external_urls: [{ container: 1, authorized_users: ["a"], authorized_groups: ["b"] }] },
    /^\[\s*"b"\s*\]$/,
    /^Keep either `authorized_users` or `authorized_groups`/,
  ],
]) {
  test(`reports one problem: ${JSON.stringify(settings)}`, async () => {
    const found = await problems(settings);
    assert.equal(found.length, 1, JSON.stringify(found));
    if (underlined instanceof RegExp) assert.match(found[0][0], underlined);
    else assert.equal(found[0][0], underlined);
    assert.match(found[0][1], message);
  });
}

test("accepts a valid file and shows hover texts", async () => {
  const text = readFileSync(path.join(SCHEMAS, "../examples/half-gpu.runai.json"), "utf8");
  const document = TextDocument.create("file:///examples/half-gpu.runai.json", "json", 1, text);
  const json = service.parseJSONDocument(document);
  assert.deepEqual(await service.doValidation(document, json), []);
  const at = document.positionAt(text.indexOf("gpu_portion_request") + 3);
  const { contents } = await service.doHover(document, at, json);
  assert.match(JSON.stringify(contents), /Fraction of each device/);
  assert.match(JSON.stringify(contents), /docs\/settings\.md#gpu_portion_request/);
});

test("completes keys and values", async () => {
  const { document, json, text } = opened({ gpu_request_type: "" });
  const value = await service.doComplete(document, document.positionAt(text.indexOf('""') + 1), json);
  assert.ok(value.items.some(({ label }) => label === '"memory"'), JSON.stringify(value.items.map(({ label }) => label)));
  const key = await service.doComplete(document, document.positionAt(text.indexOf('"gpu_request_type"')), json);
  assert.ok(key.items.some(({ label }) => label === "cpu_memory_request"));
  assert.ok(!key.items.some(({ label }) => label === "$schema"), "only at the top");
});
