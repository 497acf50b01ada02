// @ts-check
// Tests of the page: drafts, offline use, bad input, keyboard, sizes, themes and accessibility.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";
import { launch, open, repository, serve, start } from "./support.js";

const { server, browser } = await start();
const page = () => open(browser, server.url);
const STEP = "image: python:3.12\ncommand: [python, train.py]\nsettings:\n  gpu_portion_request: 0.5\n";
const ADVANCED = readFileSync(join(repository, "examples/advanced.runai.yaml"), "utf8");

test("sets a content security policy", async () => {
  const response = await fetch(server.url);
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/u.exec(await response.text()) ?? [];
  const written = policy?.replaceAll("&#39;", "'") ?? "";
  assert.match(written, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; .*; form-action 'none'$/u);
  assert.equal(response.headers.get("Content-Security-Policy"), `${written}; frame-ancestors 'none'`);
  assert.equal(response.headers.get("X-Content-Type-Options"), "nosniff");
  assert.equal(response.headers.get("Referrer-Policy"), "no-referrer");
  assert.equal((await fetch(`${server.url}assets/nothing.js`)).status, 404);
  // Reject foreign `Host` names (DNS rebinding).
  const [foreign] = await once(get(server.url, { headers: { Host: "example.com" } }), "response");
  assert.equal(foreign.resume().statusCode, 403);
});

describe("drafts", () => {
  test("saves and discards drafts", async () => {
    const { page: tab, editor, close } = await page();
    await editor.write(STEP);
    await tab.waitForFunction((text) => localStorage.getItem("runai-step:draft") === text, STEP);
    await tab.reload();
    await tab.getByText(/^runai-step \d/u).waitFor();
    assert.equal(await editor.text(), STEP);
    await editor.button("Discard draft").click();
    await tab.reload();
    await tab.getByText(/^runai-step \d/u).waitFor();
    assert.notEqual(await editor.text(), STEP);
    await close();
  });

  test("resets and undoes", async () => {
    const { editor, close } = await page();
    await editor.write(STEP);
    await editor.button("Reset").click();
    assert.notEqual(await editor.text(), STEP);
    assert.equal(await editor.problems.count(), 0);
    await editor.button("Undo").click();
    assert.equal(await editor.text(), STEP);
    await close();
  });

  for (const [name, reason] of /** @type {const} */ ([["SecurityError", "blocks storage"], ["QuotaExceededError", "storage is full"]])) {
    test(`reports ${name} of the storage`, async () => {
      const { page: tab, editor, close } = await open(browser, server.url, {
        init: name === "SecurityError" ? denied : full,
      });
      await editor.write(STEP);
      await tab.getByText(reason).waitFor();
      assert.equal(await editor.text(), STEP);
      await close();
    });
  }
});

function denied() {
  Object.defineProperty(window, "localStorage", {
    get() {
      throw new DOMException("denied", "SecurityError");
    },
  });
}

function full() {
  Storage.prototype.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
}

describe("bad input", () => {
  /** Sets a text that the clipboard would change. */
  const force = (/** @type {import("playwright-core").Page} */ tab, /** @type {string} */ text) =>
    tab.evaluate((text) => {
      const { view } = /** @type {any} */ (document.querySelector(".cm-content")).cmTile;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    }, text);
  const assertWorks = async (/** @type {import("playwright-core").Page} */ tab, /** @type {import("./support.js").Editor} */ editor) => {
    await editor.write(STEP);
    await tab.locator(".body").getByText('"gpuPortionRequest": 0.5').waitFor();
    assert.equal(await editor.control("gpu_portion_request").inputValue(), "0.5");
  };

  test("ten megabytes, pasted", async () => {
    const { page: tab, editor, close } = await page();
    const text = "a: 0123456789\n".repeat(750_000);
    await editor.paste(text);
    await editor.problems.filter({ hasText: "too-large" }).waitFor();
    assert.ok((await editor.text()) === text, "text unchanged");
    // The text exceeds every browser's storage quota.
    await tab.getByText("storage is full").waitFor();
    await editor.accessible("ten megabytes");
    await editor.button("Undo").click();
    await editor.problems.first().waitFor({ state: "detached" });
    await assertWorks(tab, editor);
    await close();
  });

  test("ten megabytes in one line, pasted", async () => {
    const { page: tab, editor, close } = await page();
    const text = `a: ${"0123456789".repeat(1_000_000)}`;
    await editor.paste(text);
    await editor.problems.filter({ hasText: "too-large" }).waitFor();
    assert.ok((await editor.text()) === text, "text unchanged");
    await assertWorks(tab, editor);
    await close();
  });

  test("ten megabytes, imported", async () => {
    const { page: tab, editor, close } = await page();
    await editor.button("Import").click();
    await tab.getByLabel("File to import").setInputFiles({ name: "a.yaml", mimeType: "text/yaml", buffer: Buffer.from("a: 0123456789\n".repeat(750_000)) });
    await editor.problems.filter({ hasText: "too-large" }).waitFor();
    await assertWorks(tab, editor);
    await close();
  });

  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]", ..."bcdefghij".split("").map((name, index) => `${name}: &${name} [${`*${"abcdefghij"[index]},`.repeat(9).slice(0, -1)}]`)].join("\n");
  for (const [name, text, code] of /** @type {const} */ ([
    ["an alias bomb", bomb, "too-many-aliases"],
    ["a deep nest", "[".repeat(5_000), "too-deep"],
    ["a picture", "\ufffdPNG\n\u001a\n\u0001\u0002\ufffd\ufffd", ""],
  ])) {
    test(`${name}, pasted`, async () => {
      const { page: tab, editor, close } = await page();
      await editor.paste(text);
      await editor.problems.filter({ hasText: code }).first().waitFor();
      assert.equal(await editor.text(), text);
      await assertWorks(tab, editor);
      await close();
    });
  }

  for (const [name, text] of /** @type {const} */ ([
    ["half a surrogate pair", "image: \ud83d x\ncommand: [a]\n"],
    ["half a surrogate pair, escaped", 'image: "\\ud83d"\ncommand: [a]\n'],
    ["control characters", "image: \u0001\u0002\ncommand: [a]\n"],
    ["a zero", "\u0000\u0001PNG"],
  ])) {
    test(name, async () => {
      const { page: tab, editor, close } = await page();
      await force(tab, text);
      assert.ok((await editor.text()) === text, "text unchanged");
      await editor.button("Copy link").click();
      await editor.toast.waitFor();
      await assertWorks(tab, editor);
      await close();
    });
  }

  test("works as an editor without WebAssembly", async () => {
    const { page: tab, editor, close } = await open(browser, server.url, {
      ready: false,
      init: () => {
        // @ts-expect-error Simulate a browser without WebAssembly.
        delete globalThis.WebAssembly;
      },
    });
    await tab.getByRole("alert").getByText(/cannot load the core/u).waitFor();
    await editor.write(STEP);
    assert.equal(await editor.text(), STEP);
    assert.equal((await editor.download(editor.button("Download YAML"))).text, STEP);
    await editor.accessible("no core");
    await close();
  });

  test("reports a missing core", async () => {
    const without = await serve({ without: /\.wasm$/u });
    const { page: tab, editor, close } = await open(browser, without.url, { ready: false, expects: /404|Failed to load/u });
    await tab.getByRole("alert").getByText(/cannot load the core: 404/u).waitFor();
    await editor.write(STEP);
    assert.equal(await editor.text(), STEP);
    await close();
    await without.stop();
  });
});

test("reports an invalid core", async () => {
  const broken = await serve({
    first: (_, response, path) => {
      if (!path.endsWith(".wasm")) return false;
      response.writeHead(200, { "Content-Type": "application/wasm" }).end("not WebAssembly");
      return true;
    },
  });
  const { page: tab, editor, close } = await open(browser, broken.url, { ready: false });
  await tab.getByRole("alert").getByText(/cannot load the core/u).waitFor();
  await editor.write(STEP);
  assert.equal(await editor.text(), STEP);
  await close();
  await broken.stop();
});

test("resolves 5,000 lines in the worker", async () => {
  const { page: tab, editor, close } = await page();
  let text = "image: a\ncommand: [a]\nsettings:\n  gpu_portion_request: 5\n  labels:\n";
  for (let index = 0; index < 5000; index += 1) text += `    key${index}: "v${index}"\n`;
  await editor.paste(text);
  await editor.problems.filter({ hasText: "out-of-range" }).waitFor();
  await editor.control("gpu_portion_request").fill("0.5");
  await editor.problems.first().waitFor({ state: "detached" });
  await tab.locator(".body").getByText('"gpuPortionRequest": 0.5').waitFor();
  assert.match(await editor.text(), /gpu_portion_request: 0.5\n/u);
  assert.equal((await editor.bodyJson()).spec.labels.length, 5_000);
  assert.ok((await editor.body.innerText()) === (await editor.body.textContent()), "renders the whole body");
  await close();
});

test("works offline after the first visit", async () => {
  const alone = await serve();
  const other = await launch();
  const { context, page: tab, editor, close } = await open(other, alone.url);
  await tab.evaluate(() => navigator.serviceWorker.ready);
  await tab.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await alone.stop();
  await context.setOffline(true);
  await tab.reload();
  await tab.getByText(/^runai-step \d/u).waitFor();
  await editor.write(STEP);
  await tab.getByText('"gpuPortionRequest": 0.5').waitFor();
  await editor.button("Examples").click();
  await tab.getByRole("dialog").getByRole("button", { name: /^train/u }).click();
  assert.match(await editor.text(), /train/u);
  await close();
  await other.close();
});

describe("keyboard", () => {
  test("indents on Tab, leaves on Escape", async () => {
    const { page: tab, editor, close } = await page();
    await editor.yaml.focus();
    await tab.keyboard.press("Control+End");
    await tab.keyboard.press("Tab");
    assert.match(await editor.text(), /\n {2}$/u);
    await tab.keyboard.press("Escape");
    assert.equal(await tab.evaluate(() => document.activeElement?.id), "problems-title");
    await close();
  });

  test("copies a body without a mouse", async () => {
    const { page: tab, editor, close } = await page();
    await tab.keyboard.press("Tab");
    assert.equal(await tab.evaluate(() => document.activeElement?.textContent), "Form");
    await tab.keyboard.press("Enter");
    /** Presses Tab until a control has the focus. */
    const reach = async (/** @type {string} */ name) => {
      for (let presses = 0; presses < 120; presses += 1) {
        await tab.keyboard.press("Tab");
        const found = await tab.evaluate(() => {
          const element = document.activeElement;
          return element?.getAttribute("aria-label") ?? element?.textContent;
        });
        if (found?.startsWith(name)) return;
      }
      assert.fail(`cannot reach ${name}`);
    };
    await reach("gpu_portion_request (");
    await tab.keyboard.press("Control+a");
    await tab.keyboard.type("0.25");
    await tab.locator(".body").getByText('"gpuPortionRequest": 0.25').waitFor();
    await reach("Storage");
    await tab.keyboard.press("Enter");
    await reach("Add to pvc_mounts");
    await tab.keyboard.press("Enter");
    await tab.waitForFunction(() => document.activeElement?.getAttribute("aria-label")?.startsWith("pvc_mounts 1"));
    await reach("Settings YAML");
    await tab.keyboard.press("Escape");
    await reach("Request");
    await tab.keyboard.press("ArrowRight");
    assert.equal(await tab.evaluate(() => document.activeElement?.textContent), "curl");
    await tab.keyboard.press("Home");
    await reach("Copy body");
    await tab.keyboard.press("Enter");
    await editor.toast.getByText("Copied the request body").waitFor();
    assert.equal(JSON.parse(await editor.clipboard()).spec.compute.gpuPortionRequest, 0.25);
    await close();
  });
});

describe("appearance", () => {
  for (const [name, width, height] of /** @type {const} */ ([["phone", 360, 740], ["tablet", 820, 1100], ["laptop", 1440, 900], ["4k", 3840, 2160]])) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      test(`${name}, ${colorScheme}`, async () => {
        const { page: tab, editor, close } = await open(browser, server.url, { viewport: { width, height }, colorScheme });
        const overflow = () => tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(await tab.getByRole("switch", { name: "Theme" }).getAttribute("aria-checked"), String(colorScheme === "dark"));
        await editor.accessible("the start");
        await editor.picture(`${name}-${colorScheme}-start`);
        assert.equal(await overflow(), 0);
        await editor.write(ADVANCED);
        await tab.locator(".body").getByText("gpuMemoryRequest").waitFor();
        for (const group of [/^Scheduling/u, /^Storage/u, /^Security/u, /^Network/u, /^Lifecycle/u, /^Metadata/u]) await editor.unfold(group);
        await editor.control("gpu_memory_request").focus();
        await editor.accessible("the advanced example, unfolded");
        await editor.picture(`${name}-${colorScheme}-advanced`);
        assert.equal(await overflow(), 0);
        await editor.write(ADVANCED.replace("32G", "32GB").replace("node_pools:", "node_pool:").replace("preemptibility: non", "preemptibility: nn"));
        await editor.button("Change cpu_memory_request to 32G").waitFor();
        await editor.accessible("problems");
        await editor.picture(`${name}-${colorScheme}-problems`);
        assert.equal(await overflow(), 0);
        await close();
      });
    }
  }

  test("remembers the theme", async () => {
    const { page: tab, close } = await open(browser, server.url, { colorScheme: "light" });
    const theme = tab.getByRole("switch", { name: "Theme" });
    await theme.click();
    assert.equal(await theme.getAttribute("aria-checked"), "true");
    assert.equal(await tab.evaluate(() => document.documentElement.dataset.theme), "dark");
    await tab.reload();
    assert.equal(await theme.getAttribute("aria-checked"), "true");
    await close();
  });

  test("does not shift the layout", async () => {
    const { page: tab, editor, close } = await open(browser, server.url, {
      init: () => {
        // @ts-expect-error Defined by this test.
        globalThis.shift = 0;
        new PerformanceObserver((list) => {
          // @ts-expect-error TypeScript's library has no `LayoutShift`.
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value;
        }).observe({ type: "layout-shift", buffered: true });
      },
    });
    await editor.write(STEP.replace("0.5", "5"));
    await editor.problems.first().waitFor();
    await tab.waitForTimeout(300);
    // @ts-expect-error Defined by this test.
    const shift = await tab.evaluate(() => globalThis.shift);
    assert.ok(shift < 0.05, `moved by ${shift}`);
    await close();
  });

  test("opens and closes dialogs", async () => {
    const { page: tab, editor, close } = await page();
    await editor.button("Examples").click();
    await tab.getByRole("dialog").getByRole("button", { name: /^train/u }).waitFor();
    await editor.accessible("the examples");
    await editor.picture("examples");
    await tab.keyboard.press("Escape");
    assert.equal(await tab.evaluate(() => document.activeElement?.textContent), "Examples");
    await close();
  });
});
