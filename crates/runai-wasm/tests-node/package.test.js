// Tests of the package's public API.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { folder, part } from "./support.js";

const STEP = "image: python:3.12 # 🚀\ncommand: [python, train.py]\nsettings:\n  gpu_portion_request: 0.5\n";

const { load, Core, CoreError } = await part("node.js");
const core = await load();

const errorOf = (call) => {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof CoreError, String(error));
    return error;
  }
  assert.fail("no error");
};

const apply = (text, edits) => edits.toReversed().reduce((now, { from, to, insert }) => now.slice(0, from) + insert + now.slice(to), text);

/** Asserts that a document and the functions return the same. */
function assertSameResults(document, text, context = {}) {
  const found = document.analysis();
  const report = core.check(text, "yaml", context);
  assert.deepEqual([found.ok, found.diagnostics, found.operator], [report.ok, report.diagnostics, report.operator], text);
  assert.equal(found.kind, report.kind ?? null);
  const rendered = core.render(text, "yaml", context);
  assert.equal(found.body, rendered.text ?? null);
  assert.deepEqual(found.permissions, core.permissions(text, "yaml", context));
  assert.equal(found.sourceMap === null, found.body === null);
  const snippets = core.snippets(text, "yaml", context);
  assert.deepEqual(document.snippets(), Array.isArray(snippets) ? snippets : null);
  for (const to of ["json", "toml", "yaml"]) assert.equal(document.convert(to), core.convert(text, "yaml", to));
  return found;
}

test("updates a document", () => {
  const document = new core.Document({ text: STEP, format: "yaml" });
  const found = assertSameResults(document, STEP);
  assert.equal(found.values.settings.gpu_portion_request, 0.5);
  const member = found.sourceMap.find(({ member }) => member === "/spec/compute/gpuPortionRequest");
  assert.deepEqual([member.setting, member.source, STEP.slice(member.place.from, member.place.to)], ["/gpu_portion_request", "document", "0.5"]);
  assert.ok(found.inactive.some(({ path, because }) => path === "/gpu_memory_request" && because.includes("portion")));
  const broken = STEP.replace("gpu_portion_request", "gpu_portion");
  document.setText(broken);
  assert.equal(assertSameResults(document, broken).body, null);
  const fix = document.fix("unknown-key", "/settings/gpu_portion");
  assert.deepEqual(fix, found && core.check(broken, "yaml").diagnostics[0].fixes[0]);
  document.apply(fix.edits);
  assertSameResults(document, STEP);
  const edits = document.edit("/settings/labels/team", "ml");
  assert.deepEqual(edits, core.edit(STEP, "yaml", "/settings/labels/team", "ml"));
  document.apply(edits);
  assertSameResults(document, apply(STEP, edits));
  const place = document.locate("/settings/labels/team");
  assert.equal(apply(STEP, edits).slice(place.from, place.to), "ml");
  assert.equal(document.locate("/settings/annotations/x").written, false);
  document.free();
  document.free();
  assert.equal(errorOf(() => document.analysis()).code, "invalid-argument");
});

test("applies operator file, kind and facts", () => {
  const operator = { text: "cpu_core_request: 4\n", format: "yaml" };
  const facts = { name: "train-1", project_id: "p", environment: { SEED: 7 }, base_url: "https://runai.example.com" };
  const document = new core.Document({ text: STEP, format: "yaml", kind: "step", operator, context: facts });
  assert.equal(assertSameResults(document, STEP, { kind: "step", operator, ...facts }).sourceMap.find(({ member }) => member === "/spec/compute/cpuCoreRequest").source, "operator");
  document.setOperator({ text: "cpu_core_request: x\n", format: "yaml" });
  assert.equal(document.analysis().operator.diagnostics[0].path, "/cpu_core_request");
  document.setOperator(null);
  document.setFacts({});
  assertSameResults(document, STEP, { kind: "step" });
  const run = "steps:\n  a: {settings: {step_operator.runai: {gpu_devices_request: 0}}}\n  b: {settings: {step_operator.runai: {gpu_devices_request: 2}}}\n";
  const zenml = new core.Document({ text: run, format: "yaml", context: { step: "b" } });
  assert.deepEqual(assertSameResults(zenml, run, { step: "b" }).steps, ["a", "b"]);
  assert.equal(zenml.analysis().inactive[0].step, "a");
});

test("returns parts of an analysis", () => {
  const document = new core.Document({ text: STEP, format: "yaml" });
  assert.deepEqual(Object.keys(document.analysis(["kind", "steps"])), ["kind", "steps"]);
  assert.equal(errorOf(() => document.analysis(["all"])).code, "invalid-argument");
  assert.equal(errorOf(() => new core.Document({ text: "", format: "xml" })).code, "invalid-argument");
  assert.equal(errorOf(() => document.edit("x", 1)).code, "invalid-pointer");
  assert.equal(errorOf(() => document.convert("xml")).code, "invalid-argument");
  assert.equal(errorOf(() => new core.Document({ text: "a: [", format: "yaml" }).convert("json")).code, "unreadable");
  assert.equal(errorOf(() => document.apply([{ from: 0, to: 999, insert: "" }])).code, "invalid-argument");
  assertSameResults(document, STEP);
});

test("applies every fix", () => {
  let applied = 0;
  for (const { code } of core.rules()) {
    const { invalid } = core.explain(code);
    const document = new core.Document({ text: invalid, format: "yaml" });
    const { diagnostics } = document.analysis(["diagnostics"]);
    for (const { code, path, fixes } of diagnostics) {
      for (const { title, edits, applicability } of fixes) {
        assert.match(title, /^(Write|Rename|Replace|Use|Change|Add|Remove) /);
        document.setText(invalid);
        document.apply(edits);
        const count = (found) => found.filter((other) => other.code === code).length;
        const after = document.analysis(["diagnostics"]).diagnostics;
        const moved = after.some((other) => ["duplicate-key", "syntax"].includes(other.code));
        assert.ok(count(after) < count(diagnostics) || moved, `${code} ${path} ${title} (${applicability}): ${invalid}\n${apply(invalid, edits)}`);
        applied += 1;
      }
    }
  }
  assert.ok(applied > 60, String(applied));
});

test("loads one core", async () => {
  assert.equal(await load(), core);
  assert.ok(core instanceof Core);
  assert.equal(core.version(), JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version);
});

test("reports UTF-16 offsets", () => {
  const text = STEP.replace("gpu_portion_request", "gpu_portion");
  const { ok, kind, diagnostics } = core.check(text, "yaml");
  assert.deepEqual([ok, kind, diagnostics.length], [false, "step", 1]);
  const [found] = diagnostics;
  assert.equal(text.slice(found.utf16_offset, found.utf16_end_offset), "gpu_portion");
  assert.equal(found.offset, found.utf16_offset + 2);
  assert.equal(found.help, "did you mean `gpu_portion_request`?");
});

test("renders a step, request and snippets", () => {
  const context = { name: "train-1", project_id: "p", environment: { SEED: 7 }, base_url: "https://runai.example.com" };
  const { body, text, report } = core.render(STEP, "yaml", context);
  assert.equal(body.spec.compute.gpuPortionRequest, 0.5);
  assert.deepEqual(body.spec.environmentVariables, [{ name: "SEED", value: "7" }]);
  assert.deepEqual(JSON.parse(text), body);
  assert.ok(report.ok);
  const { request, curl } = core.request(STEP, "yaml", context);
  assert.deepEqual([request.method, request.path, request.body], ["POST", "/api/v1/workloads/trainings", body]);
  assert.ok(curl.includes("https://runai.example.com/api/v1/workloads/trainings") && curl.includes("$RUNAI_TOKEN"));
  assert.deepEqual(core.snippets(STEP, "yaml", context).map(({ id }) => id), ["curl", "runai-step", "runai", "zenml", "runapy"]);
});

test("returns the report of an invalid document", () => {
  for (const name of ["render", "request", "snippets"]) {
    const report = core[name]("bad: 1", "yaml");
    assert.equal(report.diagnostics[0].code, "unknown-key");
  }
});

test("reports the operator file separately", () => {
  const operator = { text: "cpu_core_request: 4\nimage_pull_secret_name: s\n", format: "yaml" };
  assert.equal(core.render(STEP, "yaml", { operator }).body.spec.compute.cpuCoreRequest, 4);
  const report = core.render(STEP, "yaml", { operator: { text: "cpu_core_request: x\n", format: "yaml" } });
  assert.equal(report.operator.diagnostics[0].path, "/cpu_core_request");
});

test("edits in UTF-16 offsets", () => {
  const edits = core.edit(STEP, "yaml", "/settings/gpu_portion_request", 0.25);
  assert.equal(apply(STEP, edits), STEP.replace("0.5", "0.25"));
  const added = apply(STEP, core.edit(STEP, "yaml", "/settings/labels/team", "ml"));
  assert.equal(added, `${STEP}  labels:\n    team: ml\n`);
  assert.equal(apply(added, core.edit(added, "yaml", "/settings/labels", null)), STEP);
  assert.deepEqual(core.edit(STEP, "yaml", "/image", "python:3.12"), []);
});

test("throws errors with code, path and help", () => {
  const aliased = errorOf(() => core.edit("a: &a {b: 1}\nc: *a\n", "yaml", "/c/b", 2));
  assert.deepEqual([aliased.code, aliased.path], ["aliased", "/c/b"]);
  assert.ok(aliased.help && aliased.message.includes("/c/b"));
  const unreadable = errorOf(() => core.convert("a: [", "yaml", "json"));
  assert.equal(unreadable.code, "unreadable");
  assert.equal(unreadable.report.diagnostics[0].code, "syntax");
  assert.equal(errorOf(() => core.convert("a: null", "yaml", "toml")).code, "not-in-format");
  assert.equal(errorOf(() => core.explain("unknown-keys")).help, "did you mean `unknown-key`?");
  assert.equal(errorOf(() => core.check("", "yaml", { wrong: 1 })).code, "invalid-argument");
});

test("returns defaults, explanations and schemas", () => {
  assert.equal(core.defaults().settings.gpu_devices_request, 1);
  assert.equal(core.explain("gpu_portion_request").api, "spec.compute.gpuPortionRequest");
  assert.equal(core.explain("unknown-key").type, "rule");
  for (const name of ["operator", "settings", "step", "training-request", "zenml-run"]) {
    assert.equal(core.schema(name).$schema, "http://json-schema.org/draft-07/schema#");
  }
  assert.equal(errorOf(() => core.schema("steps")).code, "unknown-name");
  assert.ok(core.rules().length > 40 && core.settings().length > 80);
  const { permissions, sets, role } = core.permissions("node_pools: [a]\n", "yaml");
  assert.ok(permissions.needed.some(({ setting }) => setting === "node_pools"));
  assert.equal(role.permissionSets.length, sets.length);
});

test("survives hostile texts", () => {
  const bomb = `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join("\n")}\n`;
  const texts = [bomb, "[".repeat(200_000), '{"a":'.repeat(100_000), "x".repeat(5_000_000), "\ud800", "\0\x01", "- ".repeat(10_000)];
  for (const text of texts) {
    for (const format of ["json", "toml", "yaml"]) {
      assert.equal(core.check(text, format).ok, false);
      errorOf(() => core.edit(text, format, "/a/b", 1));
    }
  }
});

test("recovers from a crash of the core", async () => {
  // Another copy of the wrapper.
  const module = await WebAssembly.compile(readFileSync(join(folder, "runai_wasm_bg.wasm")));
  const fresh = new Core(module);
  assert.equal(fresh.check(STEP, "yaml").ok, true);
  const parse = JSON.parse;
  const glue = await part("runai_wasm_bg.js");
  for (const [cause, code] of [[new WebAssembly.RuntimeError("unreachable"), "panic"], [new RangeError("memory"), "out-of-memory"]]) {
    // Simulate a trap.
    JSON.parse = () => {
      throw cause;
    };
    const error = errorOf(() => fresh.check(STEP, "yaml"));
    JSON.parse = parse;
    assert.deepEqual([error.code, error.cause], [code, cause]);
    assert.ok(error.help);
    assert.equal(fresh.check(STEP, "yaml").ok, true);
  }
  assert.ok(glue);
});

test("recovers from a trap", async () => {
  const { makeTrap } = await import("./trap.js");
  const fresh = new Core(await makeTrap(readFileSync(join(folder, "runai_wasm_bg.wasm"))));
  assert.equal(errorOf(() => fresh.check(STEP, "yaml")).code, "panic");
  assert.equal(errorOf(() => fresh.check(STEP, "yaml")).code, "panic");
  assert.equal(errorOf(() => new fresh.Document({ text: STEP, format: "yaml" })).code, "panic");
  // Other instances are not affected.
  assert.equal(new Core(await WebAssembly.compile(readFileSync(join(folder, "runai_wasm_bg.wasm")))).check(STEP, "yaml").ok, true);
});

test("recovers from memory exhaustion", async () => {
  const { makeNarrow } = await import("./trap.js");
  const fresh = new Core(await makeNarrow(readFileSync(join(folder, "runai_wasm_bg.wasm")), 64));
  assert.equal(fresh.check(STEP, "yaml").ok, true);
  const document = new fresh.Document({ text: STEP, format: "yaml" });
  assert.equal(errorOf(() => fresh.check("- x\n".repeat(900_000), "yaml")).code, "out-of-memory");
  assert.equal(fresh.check(STEP, "yaml").ok, true);
  // A document continues in the new instance with its text.
  document.apply(document.edit("/settings/gpu_portion_request", 0.25));
  assert.equal(document.analysis().values.settings.gpu_portion_request, 0.25);
  assert.equal(errorOf(() => document.setText("- x\n".repeat(900_000))).code, "out-of-memory");
  assert.equal(document.analysis().values.settings.gpu_portion_request, 0.25);
  document.free();
});

test("declares every member, without `any`", () => {
  const own = readFileSync(join(folder, "index.d.ts"), "utf8");
  const types = readFileSync(join(folder, "types.d.ts"), "utf8");
  const generated = readFileSync(join(folder, "runai_wasm.d.ts"), "utf8");
  for (const file of [own, types, generated]) assert.doesNotMatch(file, /\bany\b(?! )/);
  // wasm-bindgen indents differently.
  const plain = (text) => text.replaceAll(/\s+/g, " ").trim();
  assert.ok(plain(generated).includes(plain(types)), "wasm-bindgen's types contain the value types");
  const declared = (name) => {
    const [, body] = types.match(new RegExp(`interface ${name}(?: extends \\w+)? \\{([\\s\\S]*?)\\n\\}`));
    return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, key]) => key);
  };
  const check = (name, value) => {
    for (const key of Object.keys(value)) assert.ok(declared(name).includes(key), `${name}.${key} is not declared`);
  };
  const report = core.check("bad: 1", "yaml");
  check("Report", report);
  check("Diagnostic", report.diagnostics[0]);
  check("Rendered", core.render(STEP, "yaml"));
  check("Request", core.request(STEP, "yaml"));
  check("Edit", core.edit(STEP, "yaml", "/image", "x")[0]);
  check("Needs", core.permissions(STEP, "yaml"));
  check("Permission", core.permissions(STEP, "yaml").permissions.needed[0]);
  check("PermissionSet", core.permissions(STEP, "yaml").sets[0]);
  check("Snippet", core.snippets(STEP, "yaml")[0]);
  check("Rule", core.rules()[0]);
  for (const setting of core.settings()) check("SettingExplanation", setting);
  const document = new core.Document({ text: STEP, format: "yaml" });
  const analysis = document.analysis();
  check("Analysis", analysis);
  check("Analysis", new core.Document({ text: "a: [", format: "yaml" }).analysis());
  for (const member of analysis.sourceMap) check("MemberSource", member);
  for (const setting of analysis.inactive) check("Inactive", setting);
  check("Place", document.locate("/image"));
  const methodsOf = (text, name) => {
    const [, body] = text.match(new RegExp(`(?:class|interface) ${name} \\{([\\s\\S]*?)\n\\}`));
    const names = [...body.matchAll(/^ {2,4}(?:readonly )?(\w+)(?:<[^>]*>)?(?=\(|: new)/gm)].map(([, name]) => name);
    return [...new Set(names)].filter((name) => name !== "constructor").sort();
  };
  const own_names = (prototype) => Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor").sort();
  assert.deepEqual(methodsOf(own, "Core"), own_names(Core.prototype));
  assert.deepEqual(methodsOf(own, "Document"), own_names(Object.getPrototypeOf(core.Document.prototype)));
  // wasm-bindgen's class has the same methods.
  assert.deepEqual(methodsOf(generated, "Document"), methodsOf(own, "Document"));
});

test("loads the module from any source", async () => {
  const bytes = readFileSync(join(folder, "runai_wasm_bg.wasm"));
  const response = (type, status = 200) => new Response(bytes, { status, headers: { "Content-Type": type } });
  const sources = [bytes, Promise.resolve(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), await WebAssembly.compile(bytes)];
  sources.push(response("application/wasm"), response("application/octet-stream"));
  for (const [index, source] of sources.entries()) {
    const browser = await import(`${pathToFileURL(join(folder, "index.js")).href}?${index}`);
    assert.equal((await browser.load(source)).check(STEP, "yaml").ok, true);
  }
  const browser = await import(`${pathToFileURL(join(folder, "index.js")).href}?missing`);
  await assert.rejects(browser.load(response("text/html", 404)), (error) => error.code === "unavailable" && error.help !== null);
  // A failed load can be retried.
  assert.equal((await browser.load(bytes)).check(STEP, "yaml").ok, true);
});

test("contains every file", () => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  for (const file of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "index.d.ts"]) assert.ok(readFileSync(join(folder, file)).length > 0);
  for (const target of Object.values(manifest.exports["."])) assert.ok(readFileSync(join(folder, target)).length > 0);
});
