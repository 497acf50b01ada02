// @ts-check
// Tests of the editor, the form, undo, problems and fixes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { open, repository, start } from "./support.js";

const { server, browser } = await start();
const page = () => open(browser, server.url);

const STEP = "image: python:3.12 # pinned\ncommand: [python, train.py]\nsettings:\n  gpu_portion_request: 0.5\n";

/** @param {string} before @param {string} after */
function changedLines(before, after) {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return { removed: old.filter((line) => !now.includes(line)), added: now.filter((line) => !old.includes(line)) };
}

describe("the text", () => {
  test("updates body and form", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await tab.getByText('"gpuPortionRequest": 0.5').waitFor();
    assert.equal((await editor.bodyJson()).spec.compute.gpuPortionRequest, 0.5);
    assert.equal(await editor.control("gpu_portion_request").inputValue(), "0.5");
    assert.equal(await editor.problems.count(), 0);
    await close();
  });

  test("keeps text typed key by key", async () => {
    const { page: tab, editor, close } = await page();
    const text = readFileSync(join(repository, "examples/half-gpu.runai.yaml"), "utf8");
    await editor.write("");
    await tab.keyboard.type(text);
    assert.equal(await editor.text(), text);
    // At human typing speed, completion lists open.
    await editor.write("");
    await tab.keyboard.type("name: train\nsettings:\n  preemptibility: preemptible\n", { delay: 130 });
    assert.equal(await editor.text(), "name: train\nsettings:\n  preemptibility: preemptible\n");
    await close();
  });

  test("indents new lines once", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write("");
    await tab.keyboard.type("settings:\nlabels:\na: b");
    assert.equal(await editor.text(), "settings:\n  labels:\n    a: b");
    await editor.write("");
    await tab.keyboard.type("settings:\n  labels:\n    a: b\n  gpu_portion_request: 1\nname: x");
    assert.equal(await editor.text(), "settings:\n  labels:\n    a: b\n  gpu_portion_request: 1\nname: x");
    await close();
  });

  test("renders the whole text and body", async () => {
    const { page: tab, editor, close } = await page();
    const text = `${STEP}  labels:\n${Array.from({ length: 300 }, (_, index) => `    key-${index}: v\n`).join("")}`;
    await editor.write(text);
    await tab.locator(".body").getByText('"key-299"').waitFor();
    assert.ok((await editor.yaml.innerText()).trimEnd() === text.trimEnd());
    assert.ok((await editor.body.innerText()) === (await editor.body.textContent()));
    assert.equal((await editor.bodyJson()).spec.labels.length, 300);
    await close();
  });

  test("links problems to their places", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP.replace("0.5", "5").replace("settings:", "settings:\n  cpu_memory_request: 8GB"));
    await editor.problems.nth(1).waitFor();
    assert.match((await editor.problems.nth(0).textContent()) ?? "", /cpu_memory_request.*8GB.*4:23.*invalid-quantity/su);
    assert.match((await editor.problems.nth(1).textContent()) ?? "", /gpu_portion_request.*5:24.*out-of-range/su);
    assert.deepEqual(await tab.locator(".cm-lintRange-error").allTextContents(), ["8GB", "5"]);
    await editor.problems.nth(1).getByRole("button").first().click();
    assert.equal(await tab.evaluate(() => getSelection()?.toString()), "5");
    await tab.locator('[data-field="/settings/gpu_portion_request"].linked').waitFor();
    assert.equal(await editor.control("gpu_portion_request").getAttribute("aria-invalid"), "true");
    await close();
  });

  test("applies a quick fix", async () => {
    const { editor, close } = await page();
    const text = STEP.replace("gpu_portion_request", "gpu_portion_requst");
    await editor.write(text);
    await editor.button("Rename gpu_portion_requst to gpu_portion_request").click();
    assert.equal(await editor.text(), STEP);
    assert.equal(await editor.problems.count(), 0);
    await close();
  });

  /** Texts with problems that the core can fix. */
  const FIXABLE = [
    STEP.replace("gpu_portion_request", "gpu_portion"),
    STEP.replace("settings:", "settings:\n  cpu_memory_request: 32GB\n  gpu_devices_request: \"1\""),
    STEP.replace("0.5", "5").replace("image:", "imag:"),
    STEP.replace("[python, train.py]", "python train.py"),
    STEP.replace("0.5", "0.5\n  gpu_memory_request: 20Gi\n  gpu_portion_limit: 0.2"),
    STEP.replace("0.5", "0.5\n  preemptibility: preemptable\n  large_shm_request: yes"),
    `${STEP}cpu_core_request: 2\n`,
    `${STEP}  nodes_pool: [a]\n  tolerations: [{key: a, operator: Exists, value: b}]\n`,
    `${STEP}environment:\n  API_TOKEN: hunter2hunter2\n  EMPTY: null\n`,
    `${STEP}  security_context: {run_as_uid: 1000}\n  host_path_mounts: [{path: data, mount_path: /data}]\n`,
    "gpu_request_type: memory\n",
    "image: größe # 🚀 \ncommand: [a]\nsettings: {gpu_portion: 0.5, cpu_memory_request: 8 GB}\n",
    "settings:\n  step_operator:\n    gpu_portion: 0.5\nsteps:\n  trainer: {}\n",
  ];

  test("applies and undoes every fix", async () => {
    const { page: tab, editor, close } = await page();
    const fixButtons = editor.problems.locator("button.fix");
    let pressed = 0;
    for (const text of FIXABLE) {
      await editor.write(text);
      await fixButtons.first().waitFor();
      /** Counts the problems of a rule. */
      const problems = (/** @type {string} */ code) => tab.getByRole("list", { name: "Problems" }).getByRole("button", { name: `Explain ${code}`, exact: true }).count();
      for (let index = 0, count = await fixButtons.count(); index < count; index += 1) {
        const button = fixButtons.nth(index);
        const title = (await button.textContent()) ?? "";
        const code = await button.evaluate((element) => element.parentElement?.querySelector(".quiet")?.textContent ?? "");
        const before = await problems(code);
        await button.click();
        const after = await editor.text();
        const shown = `${title} (${code}):\n${text}\n${after}`;
        assert.notEqual(after, text, shown);
        assertMatchesTitle(title, text, after, shown);
        await editor.toast.getByText(title).waitFor();
        assert.ok((await problems(code)) < before, `problem not fixed: ${shown}`);
        await editor.button("Undo").click();
        assert.equal(await editor.text(), text, `undo in one step: ${shown}`);
        pressed += 1;
      }
    }
    assert.ok(pressed > 30, String(pressed));
    await close();
  });

  /** Asserts that an edit does what the fix's title says. @param {string} title @param {string} before @param {string} after @param {string} shown */
  function assertMatchesTitle(title, before, after, shown) {
    const count = (/** @type {string} */ text, /** @type {string} */ word) => text.split(new RegExp(`(?<![\\w.])${word.replaceAll(/[^\w]/gu, "\\$&")}(?![\\w])`, "u")).length - 1;
    const [verb = "", ...rest] = title.split(" ");
    const words = rest.join(" ");
    const [, old = "", name = ""] = /^(\S+)(?: to (.+))?$/u.exec(words) ?? [];
    assert.match(verb, /^(Write|Rename|Replace|Use|Change|Add|Remove)$/u, shown);
    if (verb === "Rename") {
      assert.ok(count(after, old) < count(before, old) && count(after, name) > count(before, name), shown);
    } else if (verb === "Remove") {
      const key = old.replace(/\[\d+\]$/u, "");
      assert.ok(count(after, key) < count(before, key) || after.length < before.length, shown);
    } else if (verb === "Change") {
      assert.ok(after.includes(old.replace(/\[\d+\]$/u, "")), shown);
    } else if (verb === "Add" && !words.includes(" to ")) {
      const key = words.split(":")[0] ?? "";
      assert.ok(count(after, key) > count(before, key), shown);
    }
  }

  test("adds a required setting", async () => {
    const { editor, close } = await page();
    await editor.write("gpu_request_type: memory\n");
    await editor.button(/^Add gpu_memory_request/u).click();
    assert.match(await editor.text(), /^gpu_request_type: memory\ngpu_memory_request: 20Gi\n$/u);
    await close();
  });

  test("explains a rule", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP.replace("0.5", "5"));
    await editor.button("Explain out-of-range").click();
    const dialog = tab.getByRole("dialog", { name: "out-of-range" });
    await dialog.getByText("Incorrect").waitFor();
    await editor.accessible("a rule");
    await editor.picture("rule");
    await tab.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(await tab.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Explain out-of-range");
    await close();
  });

  test("completes and describes settings", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write("image: a\ncommand: [a]\nsettings:\n");
    await tab.keyboard.press("Control+End");
    await tab.keyboard.type("  gpu_port", { delay: 20 });
    const options = tab.locator(".cm-tooltip-autocomplete li");
    await options.first().waitFor();
    assert.match((await options.first().textContent()) ?? "", /^gpu_portion_request/u);
    await tab.waitForTimeout(120);
    await tab.keyboard.press("Enter");
    await tab.keyboard.type("0.25\n");
    await tab.keyboard.type("preem", { delay: 20 });
    await options.first().waitFor();
    await tab.waitForTimeout(120);
    await tab.keyboard.press("Enter");
    await options.filter({ hasText: "non-preemptible" }).waitFor();
    await tab.waitForTimeout(120);
    await tab.keyboard.press("Enter");
    assert.equal(await editor.text(), "image: a\ncommand: [a]\nsettings:\n  gpu_portion_request: 0.25\n  preemptibility: non-preemptible");
    await tab.locator(".cm-line").nth(3).getByText("gpu_portion_request").hover();
    await tab.locator(".described").getByText(/Fraction of each device/u).waitFor();
    await editor.picture("hover");
    await close();
  });

  test("folds maps and lists", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await tab.locator(".cm-foldGutter").getByText("▾").first().click();
    await tab.locator(".cm-foldPlaceholder").waitFor();
    assert.equal(await tab.locator(".cm-line").filter({ hasText: "gpu_portion_request" }).count(), 0);
    assert.equal(await editor.text(), STEP);
    await close();
  });

  test("pauses the form on syntax errors", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await editor.write(`${STEP}  node_pools: [a\n`);
    await tab.getByText("The form is paused").waitFor();
    assert.equal(await editor.control("gpu_portion_request").inputValue(), "0.5");
    assert.ok(await editor.control("gpu_portion_request").isDisabled());
    assert.equal((await editor.bodyJson()).spec.compute.gpuPortionRequest, 0.5);
    await editor.accessible("syntax error");
    await editor.picture("broken");
    await editor.write(STEP);
    await tab.getByText("The form is paused").waitFor({ state: "detached" });
    assert.ok(await editor.control("gpu_portion_request").isEnabled());
    await close();
  });
});

describe("the form", () => {
  test("edits one line per control", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await editor.control("gpu_portion_request").fill("0.25");
    await editor.control("cpu_memory_request").fill("16Gi");
    await editor.control("large_shm_request").check();
    await editor.control("gpu_request_type").selectOption("memory");
    await editor.control("name").fill("train-me");
    await editor.searchFor("backoff");
    await editor.control("backoff_limit").fill("3");
    await editor.searchFor("");
    assert.deepEqual(changedLines(STEP, await editor.text()), {
      removed: ["  gpu_portion_request: 0.5"],
      added: ["  gpu_portion_request: 0.25", "  cpu_memory_request: 16Gi", "  large_shm_request: true", "  gpu_request_type: memory", "  backoff_limit: 3", "name: train-me"],
    });
    assert.match(await editor.text(), /# pinned/u);
    await tab.locator(".form").getByRole("button", { name: "Remove gpu_portion_request", exact: true }).click();
    assert.doesNotMatch(await editor.text(), /gpu_portion_request/u);
    await close();
  });

  test("has a named control per setting", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(readFileSync(join(repository, "examples/advanced.runai.yaml"), "utf8"));
    await editor.control("gpu_memory_request").waitFor();
    const form = tab.locator(".form");
    // Expand all groups and hidden settings.
    for (const folded of [".group h3 button[aria-expanded=false]", "fieldset > .more[aria-expanded=false]"]) {
      while ((await form.locator(folded).count()) > 0) await form.locator(folded).first().click();
    }
    const { properties } = JSON.parse(readFileSync(join(repository, "schemas/settings.schema.json"), "utf8"));
    const keys = Object.keys(properties).filter((key) => key !== "$schema" && !properties[key].doNotSuggest);
    assert.ok(keys.length >= 37, String(keys.length));
    for (const key of [...keys, "image", "command", "name", "environment"]) {
      assert.ok((await form.getByLabel(new RegExp(`^${key}( |$)`)).count()) > 0, key);
    }
    const names = await form.locator(".groups").locator("input, select, textarea").evaluateAll((controls) => controls.map((control) => control.getAttribute("aria-label") ?? ""));
    assert.ok(names.length > 60, String(names.length));
    for (const name of names) assert.ok([...keys, "image", "command", "name", "environment"].some((key) => name === key || name.startsWith(`${key} `)), name);
    await close();
  });

  test("edits a fraction with the slider", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    const slider = tab.getByRole("slider", { name: "gpu_portion_request slider" });
    await slider.focus();
    await tab.keyboard.press("ArrowRight");
    assert.match(await editor.text(), /gpu_portion_request: 0.55\n/u);
    assert.equal(await editor.control("gpu_portion_request").inputValue(), "0.55");
    await slider.fill("0.8");
    assert.match(await editor.text(), /gpu_portion_request: 0.8\n/u);
    await close();
  });

  test("keeps a number as typed", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    const control = editor.control("gpu_portion_request");
    await control.fill("");
    await control.pressSequentially("0.50");
    assert.equal(await control.inputValue(), "0.50");
    assert.match(await editor.text(), /gpu_portion_request: 0\.50?\n/u);
    await tab.keyboard.press("Tab");
    await close();
  });

  test("edits list items", async () => {
    const { editor, close } = await page();
    await editor.write(STEP);
    await editor.unfold(/^Storage/u);
    await editor.button("Add to pvc_mounts").click();
    await editor.button("Add to pvc_mounts").click();
    await editor.control("pvc_mounts 2 path").fill("/mnt/other");
    await editor.control("pvc_mounts 2 claim_name").fill("other");
    await editor.problems.first().waitFor({ state: "detached" });
    await editor.button("Move pvc_mounts 2 up").click();
    const paths = async () => (await editor.bodyJson()).spec.storage.pvc.map((/** @type {{ path: string }} */ { path }) => path);
    assert.equal((await paths())[0], "/mnt/other");
    await editor.button("Remove pvc_mounts 2").click();
    assert.deepEqual(await paths(), ["/mnt/other"]);
    await editor.button("Remove pvc_mounts 1").click();
    assert.equal(await editor.text(), STEP);
    await close();
  });

  test("edits map entries", async () => {
    const { editor, close } = await page();
    await editor.write(`${STEP}  labels:\n    team: a # ours\n`);
    await editor.unfold(/^Metadata/u);
    const metadata = editor.page.locator('[data-field="/settings/labels"]');
    await metadata.getByRole("textbox", { name: "labels team" }).fill("b");
    assert.match(await editor.text(), /team: b # ours/u);
    await metadata.getByLabel("labels key 1").fill("group");
    await editor.page.keyboard.press("Tab");
    assert.match(await editor.text(), /group: b/u);
    await editor.button("Remove labels group").click();
    assert.equal(await editor.text(), STEP);
    await close();
  });

  test("disables settings without effect", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write("image: a\ncommand: [a]\n");
    const row = tab.locator('[data-field="/settings/gpu_memory_request"]');
    await row.getByText(/has no effect .*gpu_request_type: portion/u).waitFor();
    assert.ok(await editor.control("gpu_memory_request").isDisabled());
    await editor.control("gpu_request_type").selectOption("memory");
    await row.getByText(/has no effect/u).waitFor({ state: "detached" });
    assert.ok(await editor.control("gpu_memory_request").isEnabled());
    await tab.locator('[data-field="/settings/gpu_portion_request"]').getByText(/has no effect/u).waitFor();
    await close();
  });

  test("searches settings", async () => {
    const { page: tab, editor, close } = await page();
    const keys = () => tab.locator(".form [data-field]").evaluateAll((rows) => rows.map((row) => /** @type {HTMLElement} */ (row).dataset.field?.split("/").at(-1)));
    await editor.searchFor("backoffLimit");
    assert.deepEqual(await keys(), ["backoff_limit"]);
    await editor.searchFor("no such setting");
    await tab.getByText("No matching setting").waitFor();
    await close();
  });

  test("inserts a snippet as one change", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write("image: a\ncommand: [a]\n");
    await editor.button("GPU memory with burst").click();
    assert.match(await editor.text(), /^image: a\ncommand: \[a\]\nsettings:\n(?=(?:.*\n)* {2}gpu_request_type: memory\n)/u);
    assert.equal((await editor.bodyJson()).spec.compute.gpuMemoryLimit, "40Gi");
    await editor.button("Undo").click();
    assert.equal(await editor.text(), "image: a\ncommand: [a]\n");
    await tab.keyboard.press("Escape");
    await close();
  });

  test("shares undo between text and form", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await tab.keyboard.press("Control+End");
    await tab.keyboard.insertText("# typed");
    await editor.control("large_shm_request").check();
    await editor.control("gpu_request_type").selectOption("memory");
    await tab.keyboard.press("Control+z");
    assert.doesNotMatch(await editor.text(), /gpu_request_type/u);
    await tab.keyboard.press("Control+z");
    assert.equal(await editor.text(), `${STEP}# typed`);
    await editor.yaml.press("Control+z");
    assert.equal(await editor.text(), STEP);
    await editor.control("large_shm_request").focus();
    await tab.keyboard.press("Control+y");
    await tab.keyboard.press("Control+Shift+z");
    assert.match(await editor.text(), /large_shm_request: true/u);
    await close();
  });

  test("shows values of other types", async () => {
    const { editor, close } = await page();
    await editor.write(STEP.replace("0.5", "half").replace("[python, train.py]", "python train.py"));
    assert.equal(await editor.control("gpu_portion_request").inputValue(), "half");
    await editor.control("gpu_portion_request").fill("0.25");
    assert.match(await editor.text(), /gpu_portion_request: 0.25\n/u);
    assert.equal(await editor.control("command").inputValue(), "python train.py");
    await close();
  });

  test("preserves unusual formatting", async () => {
    const { editor, close } = await page();
    /** A document, the line that an edit removes, and the line that it adds. */
    const corpus = [
      ["# head\nimage: 'a' # one\n\ncommand:\n- python\n- x.py\nsettings: # here\n    cpu_core_request:   2   # cores\n    gpu_portion_request: .5\n# tail\n", "    cpu_core_request:   2   # cores", "    cpu_core_request:   3   # cores"],
      ["image: a\ncommand: [a]\nsettings: {cpu_core_request: 2, gpu_portion_request: 0.5} # flow\n", "settings: {cpu_core_request: 2, gpu_portion_request: 0.5} # flow", "settings: {cpu_core_request: 3, gpu_portion_request: 0.5} # flow"],
      ["image: a\r\ncommand: [a]\r\nsettings:\r\n  cpu_core_request: 2\r\n", "  cpu_core_request: 2", "  cpu_core_request: 3"],
      ["image: &img a\ncommand: [*img]\nsettings:\n  labels: &l {a: b}\n  annotations: *l\n  cpu_core_request: 2\n  unknown_key: stays\n", "  cpu_core_request: 2", "  cpu_core_request: 3"],
      ["---\n\"image\": \"a\"\n'command': [\"a\"]\nsettings:\n  'cpu_core_request': 2.0\n  labels:\n    a: >-\n      folded\n      text\n", "  'cpu_core_request': 2.0", "  'cpu_core_request': 3.0"],
      ["image: a\ncommand: [a]\nsettings:\n  cpu_core_request: 2\n  node_pools:\n  # first choice\n  - a\n  - b # second\n", "  cpu_core_request: 2", "  cpu_core_request: 3"],
    ];
    for (const [text, removed, added] of corpus) {
      await editor.write(text ?? "");
      await editor.control("cpu_core_request").fill("3");
      const [before, after] = [(text ?? "").replaceAll("\r\n", "\n"), await editor.text()];
      const changes = changedLines(before, after);
      assert.deepEqual(changes.removed, [removed], text);
      assert.equal(changes.added.length, 1, text);
      assert.equal(Number(/cpu_core_request'?: *([\d.]+)/u.exec(changes.added[0] ?? "")?.[1]), 3);
      assert.equal(changes.added[0]?.replace("3.0", "3"), added?.replace("3.0", "3"), text);
    }
    await close();
  });

  test("rejects edits of aliased values", async () => {
    const { editor, close } = await page();
    const text = "image: a\ncommand: [a]\nsettings:\n  labels: &l {a: b}\n  annotations: *l\n";
    await editor.write(text);
    await editor.searchFor("annotations");
    await editor.page.locator('[data-field="/settings/annotations"]').getByRole("textbox", { name: "annotations a" }).fill("c");
    await editor.toast.getByText(/alias/u).waitFor();
    assert.equal(await editor.text(), text);
    await close();
  });
});

test("opens every example", async () => {
  const { page: tab, editor, close } = await page();
  for (const name of ["advanced.runai.yaml", "half-gpu.runai.yaml", "preprocess.runai.yaml", "train.runai.yaml", "zenml-run.yaml", "runai-step.toml"]) {
    await editor.button("Examples").click();
    await tab.getByRole("dialog").getByRole("button", { name: new RegExp(`^${name}`, "u") }).click();
    await editor.toast.getByText(`Opened ${name}`).waitFor();
    assert.equal(await tab.locator("li.error").count(), 0, name);
    assert.ok((await tab.locator(".field").count()) > 3, name);
  }
  const source = readFileSync(join(repository, "examples/advanced.runai.yaml"), "utf8").replace(/^# yaml-language-server.*\n/u, "");
  await editor.button("Examples").click();
  await tab.getByRole("dialog").getByRole("button", { name: /^advanced/u }).click();
  assert.equal(await editor.text(), source);
  await close();
});

test("edits blocks of a ZenML file", async () => {
  const { page: tab, editor, close } = await page();
  await editor.write("settings:\n  step_operator:\n    cpu_core_request: 2\nsteps:\n  trainer:\n    settings:\n      step_operator.runai:\n        gpu_portion_request: 0.5 # half\n");
  await tab.getByLabel("Settings of").selectOption("/steps/trainer/settings/step_operator.runai");
  await editor.control("gpu_portion_request").fill("0.25");
  assert.match(await editor.text(), /gpu_portion_request: 0.25 # half/u);
  assert.match(await editor.text(), /cpu_core_request: 2\n/u);
  await close();
});
