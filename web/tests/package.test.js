// @ts-check
// Tests of the packed and installed npm package in Node, with a bundler, and in a page without one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { launch, open, repository, serve } from "./support.js";

const core = process.env.RUNAI_SPEC_PACKAGE ?? join(repository, "target/npm/runai-spec");
const project = mkdtempSync(join(tmpdir(), "runai-spec-"));
after(() => rmSync(project, { recursive: true }));

const npm = (/** @type {string[]} */ ...args) => execFileSync("npm", args, { cwd: project, encoding: "utf8", shell: process.platform === "win32" });
const write = (/** @type {string} */ name, /** @type {string} */ text) => writeFileSync(join(project, name), text);

const CODE = "missing-key";
const use = (/** @type {string} */ entry) => `import { load } from "${entry}";
const core = await load();
const step = new core.Document({ text: "image: a\\n", format: "yaml" });
const [found] = step.analysis(["diagnostics"]).diagnostics;
step.free();
`;
const page = (/** @type {string} */ entry) => {
  write("index.html", '<!doctype html><title>test</title><link rel="icon" href="data:," /><script type="module" src="./page.js"></script><output></output>');
  write("page.js", `${use(entry)}document.querySelector("output").textContent = found.code;\n`);
};

/** @param {string} folder @param {import("playwright-core").Browser} browser */
async function assertRuns(folder, browser) {
  const server = await serve({ folder });
  const { page: tab, close } = await open(browser, server.url, { ready: false });
  await tab.getByText(CODE, { exact: true }).waitFor();
  await close();
  await server.stop();
}

describe("the installed package", () => {
  before(() => {
    write("package.json", '{"name": "user", "private": true, "type": "module"}\n');
    npm("pack", "--silent", core);
    const [tarball] = readdirSync(project).filter((name) => name.endsWith(".tgz"));
    assert.ok(tarball);
    npm("install", "--offline", "--no-audit", "--no-fund", `./${tarball}`);
  });

  test("contains wasm-pack's files", () => {
    const installed = join(project, "node_modules/runai-spec");
    const { files, main, types } = JSON.parse(readFileSync(join(core, "package.json"), "utf8"));
    assert.deepEqual([main, types], ["runai_wasm.js", "runai_wasm.d.ts"]);
    assert.deepEqual(readdirSync(installed).sort(), ["package.json", ...files].sort());
    assert.match(readFileSync(join(installed, main), "utf8"), /runai_wasm_bg\.wasm/u);
  });

  test("runs in Node", () => {
    write("node.js", `${use("runai-spec")}process.stdout.write(found.code);\n`);
    assert.equal(execFileSync(process.execPath, ["node.js"], { cwd: project, encoding: "utf8" }), CODE);
  });

  test("type-checks in Node and bundlers", () => {
    const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
    write("types.ts", `${use("runai-spec")}const code: string | undefined = found?.code;\n// @ts-expect-error Unknown format.\ncore.check("", "xml");\nexport { code };\n`);
    for (const [module, resolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
      const flags = ["--noEmit", "--strict", "--skipDefaultLibCheck", "--target", "es2022", "--module", module ?? "", "--moduleResolution", resolution ?? ""];
      execFileSync(process.execPath, [tsc, ...flags, "types.ts"], { cwd: project, encoding: "utf8" });
    }
  });

  describe("in a browser", () => {
    /** @type {import("playwright-core").Browser} */
    let browser;
    before(async () => {
      browser = await launch();
    });
    after(() => browser.close());

    test("runs with a bundler", async () => {
      page("runai-spec");
      await build({ root: project, configFile: false, base: "./", logLevel: "error", build: { target: "es2022" } });
      await assertRuns(join(project, "dist"), browser);
    });

    test("runs without a bundler", async () => {
      page("./node_modules/runai-spec/index.js");
      await assertRuns(project, browser);
    });
  });
});
