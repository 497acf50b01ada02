// @ts-check
// Tests of body, snippets, permissions, copies, downloads, links and imports.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { open, repository, start } from "./support.js";

const { server, browser } = await start();
const page = () => open(browser, server.url);
const STEP = "image: python:3.12\ncommand: [python, train.py]\nsettings:\n  gpu_portion_request: 0.5\n";

describe("the body", () => {
  test("marks written values and defaults", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    const line = (/** @type {string} */ member) => tab.locator(".body .line").filter({ hasText: `"${member}"` });
    await tab.locator(".body .line.written").filter({ hasText: "gpuPortionRequest" }).waitFor();
    assert.match((await line("cpuMemoryRequest").getAttribute("class")) ?? "", /default/u);
    assert.match((await line("image").getAttribute("class")) ?? "", /written/u);
    assert.match((await line("projectId").getAttribute("class")) ?? "", /fixed/u);
    await close();
  });

  test("links fields and members", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await editor.control("cpu_memory_request").focus();
    assert.deepEqual((await tab.locator(".body .linked").allTextContents()).map((text) => text.trim()), ['"cpuMemoryRequest": "4G",']);
    await tab.locator(".body .line").filter({ hasText: "gpuPortionRequest" }).click();
    await tab.locator('.field.linked[data-field="/settings/gpu_portion_request"]').waitFor();
    await editor.body.focus();
    await tab.keyboard.press("ArrowDown");
    await tab.locator('.field.linked[data-field="/settings/gpu_request_type"]').waitFor();
    // The cursor in the text does the same.
    await tab.locator(".cm-line").filter({ hasText: "gpu_portion_request" }).click();
    await tab.locator(".body .linked").filter({ hasText: "gpuPortionRequest" }).waitFor();
    await close();
  });

  test("applies name and IDs", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await tab.getByText("Name and IDs for this preview").click();
    await tab.getByLabel("Project ID").fill("4711");
    await tab.getByText('"projectId": "4711"').waitFor();
    assert.equal(await editor.text(), STEP);
    await close();
  });

  test("marks an outdated body", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await editor.write(STEP.replace("0.5", "5"));
    await tab.getByText("Outdated: one error").waitFor();
    assert.equal((await editor.bodyJson()).spec.compute.gpuPortionRequest, 0.5);
    await editor.button("Copy as curl").click();
    await editor.toast.getByText(/No request: the settings have errors/u).waitFor();
    await close();
  });
});

describe("copies and downloads", () => {
  test("copies body and curl command", async () => {
    const { editor, close } = await page();
    await editor.write(STEP);
    await editor.button("Copy body").click();
    await editor.toast.getByText("Copied the request body").waitFor();
    assert.equal(await editor.clipboard(), await editor.body.textContent());
    await editor.button("Copy as curl").click();
    await editor.toast.getByText("as a curl command").waitFor();
    assert.match(await editor.clipboard(), /^curl [\s\S]*RUNAI_TOKEN[\s\S]*gpuPortionRequest/u);
    const yaml = await editor.download(editor.button("Download YAML"));
    assert.deepEqual(yaml, { name: "step.runai.yaml", text: STEP });
    const body = await editor.download(editor.button("Download body"));
    assert.equal(body.name, "request.json");
    assert.deepEqual(JSON.parse(body.text), await editor.bodyJson());
    await close();
  });

  test("copies and downloads every tab", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    const expected = {
      curl: /^curl /u,
      "runai-step": /^runai-step check/u,
      "runai CLI": /^runai training standard submit[\s\S]*--gpu-portion-request 0.5/u,
      "Python, ZenML": /RunAIStepOperatorSettings\(\s*gpu_portion_request=0.5/u,
      "Python, runapy": /TrainingCreationRequest/u,
      JSON: /"gpu_portion_request": 0.5/u,
      TOML: /gpu_portion_request = 0.5/u,
    };
    for (const [name, pattern] of Object.entries(expected)) {
      await tab.getByRole("tab", { name, exact: true }).click();
      const shown = await tab.getByRole("tabpanel").getByRole("textbox").textContent();
      assert.match(shown ?? "", pattern);
      await editor.button(`Copy ${name}`).click();
      await editor.toast.getByText("Copied").waitFor();
      assert.equal(await editor.clipboard(), shown);
      const { text } = await editor.download(editor.button(`Download ${name}`));
      assert.equal(text.trimEnd(), shown?.trimEnd());
      await editor.accessible(`the tab ${name}`);
    }
    await editor.picture("snippet");
    await close();
  });

  test("shows permissions", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(`${STEP}  workload_template_id: 550e8400-e29b-41d4-a716-446655440000\n`);
    await tab.getByRole("tab", { name: "Needs" }).click();
    await tab.getByRole("row", { name: /Templates view .*workload_template_id/u }).waitFor();
    await tab.getByText("AI practitioner").waitFor();
    const { text } = await editor.download(editor.button("Download role"));
    assert.ok(Object.keys(JSON.parse(text)).includes("name"));
    await editor.accessible("needs");
    await editor.picture("needs");
    await close();
  });
});

describe("links", () => {
  test("opens a link in another browser", async () => {
    const { editor, close } = await page();
    const text = `# Größe 🚀\n${STEP}`;
    await editor.write(text);
    await editor.button("Copy link").click();
    await editor.toast.getByText("Copied a link").waitFor();
    const link = await editor.clipboard();
    assert.ok(link.startsWith(`${server.url}#v1.`));
    await close();
    const other = await open(browser, link);
    await other.editor.toast.getByText("Opened the settings from the link").waitFor();
    assert.equal(await other.editor.text(), text);
    assert.ok(!other.page.url().includes("#"));
    await other.close();
  });

  test("removes secrets from links", async () => {
    const { editor, close } = await page();
    await editor.write(`${STEP}environment:\n  API_TOKEN: hunter2hunter2\n  SEED: 7\n`);
    await editor.button("Copy link").click();
    await editor.toast.getByText(/API_TOKEN looks like a secret/u).waitFor();
    const link = await editor.clipboard();
    await close();
    const other = await open(browser, link);
    await other.editor.toast.getByText("Opened the settings from the link").waitFor();
    const text = await other.editor.text();
    assert.doesNotMatch(text, /hunter2/u);
    assert.match(text, /SEED: 7/u);
    await other.close();
  });

  test("rejects damaged, oversized and newer links", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await editor.button("Copy link").click();
    await editor.toast.getByText("Copied a link").waitFor();
    const link = await editor.clipboard();
    const bomb = await tab.evaluate(async () => {
      const stream = new Blob([new Uint8Array(30_000_000)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
      const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
      let text = "";
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    });
    for (const [hash, message] of [
      [new URL(link).hash.slice(0, -9), /damaged/u],
      ["#v1.%00<script>", /damaged/u],
      ["#v1.", /damaged/u],
      ["#v9.abc", /newer version/u],
      [`#v1.${bomb}`, /exceeds 1 MiB/u],
    ]) {
      await tab.evaluate((hash) => (location.hash = hash), String(hash));
      await editor.toast.getByText(message ?? "").waitFor();
      assert.equal(await editor.text(), STEP);
      await editor.button("Dismiss").click();
    }
    await close();
  });
});

describe("imports", () => {
  for (const name of ["half-gpu.runai.yaml", "half-gpu.runai.json", "half-gpu.runai.toml"]) {
    test(`imports, pastes and drops ${name}`, async () => {
      const { page: tab, editor, close } = await page();
      const path = join(repository, "examples", name);
      const text = readFileSync(path, "utf8");
      const check = async () => {
        await editor.toast.getByText("Opened").waitFor();
        assert.equal(await tab.locator("li.error").count(), 0);
        assert.equal((await editor.bodyJson()).spec.compute.gpuPortionRequest, 0.5);
        await editor.write("image: nothing\ncommand: [a]\n");
      };
      await editor.button("Import").click();
      await tab.getByLabel("File to import").setInputFiles(path);
      await check();
      await editor.button("Import").click();
      await tab.getByLabel("Text to import").fill(text);
      await editor.accessible("the import");
      if (name.endsWith("toml")) await editor.picture("import");
      await editor.button("Open").click();
      await check();
      await tab.evaluate(
        ([name, text]) => {
          const data = new DataTransfer();
          data.items.add(new File([text ?? ""], name ?? ""));
          document.querySelector(".cm-content")?.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        },
        [name, text],
      );
      await check();
      await close();
    });
  }

  test("undoes an import", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await editor.button("Import").click();
    await tab.getByLabel("Text to import").fill("image: other\n");
    await editor.button("Open").click();
    await editor.button("Undo").click();
    assert.equal(await editor.text(), STEP);
    await close();
  });

  test("rejects binary and oversized files", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await editor.button("Import").click();
    await tab.getByLabel("File to import").setInputFiles({ name: "a.yaml", mimeType: "text/yaml", buffer: Buffer.from([0xff, 0xfe, 0, 1]) });
    await editor.toast.getByText(/is not UTF-8 text/u).waitFor();
    await tab.getByLabel("File to import").setInputFiles({ name: "b.yaml", mimeType: "text/yaml", buffer: Buffer.alloc(17 * 1024 * 1024, 97) });
    await editor.toast.getByText(/17 MiB/u).waitFor();
    assert.equal(await editor.text(), STEP);
    await close();
  });
});
