// @ts-check
// Tests of the file that `runai-step editor` serves: open, save and conflicts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { launch, open, repository, serve } from "./support.js";

const TOKEN = "not-a-real-token";
const STEP = "image: python:3.12 # pinned\ncommand: [python, train.py]\nsettings:\n  gpu_portion_request: 0.5\n";
const browser = await launch();
after(() => browser.close());

/** Simulates the server of `runai-step editor`. @param {{ name: string, text: string, format: string } | null} file */
async function serveFile(file) {
  const page = readFileSync(join(repository, "web/dist/index.html"), "utf8");
  /** @type {string[]} */
  const requests = [];
  /** @type {number | null} */
  let failure = null;
  const server = await serve({
    first: (request, response, path) => {
      if (path === "index.html") {
        response.writeHead(200, { "Content-Type": "text/html" }).end(page.replace("</head>", '<meta name="runai-step-file" content="api/file"></head>'));
        return true;
      }
      if (path !== "api/file") return false;
      const reply = (/** @type {number} */ status, /** @type {unknown} */ body) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => {
        requests.push(request.method ?? "");
        if (request.headers["x-runai-step-token"] !== TOKEN) reply(403, {});
        else if (failure !== null) reply(failure, {});
        else if (!file) reply(404, {});
        else if (request.method === "GET") reply(200, file);
        else {
          const { text, was } = JSON.parse(body);
          if (was !== file.text) reply(409, { text: file.text });
          else {
            file.text = text;
            response.writeHead(204).end();
          }
        }
      });
      return true;
    },
  });
  return { server, requests, file, failWith: (/** @type {number | null} */ status) => (failure = status) };
}

/** @param {Parameters<typeof serveFile>[0]} file @param {RegExp} [expects] */
async function opened(file, expects) {
  const host = await serveFile(file);
  const page = await open(browser, `${host.server.url}?token=${TOKEN}`, { ...(expects ? { expects } : {}) });
  const close = async () => {
    await page.close();
    await host.server.stop();
  };
  return { ...host, ...page, close };
}

describe("a file", () => {
  test("opens, edits and saves", async () => {
    const { page: tab, editor, file, close, requests } = await opened({ name: "train.runai.yaml", text: STEP, format: "yaml" });
    assert.equal(await editor.text(), STEP);
    assert.ok(!tab.url().includes("token"), tab.url());
    assert.match(await tab.title(), /^train.runai.yaml/u);
    await tab.locator(".file-state").getByText("saved", { exact: true }).waitFor();
    await editor.control("gpu_portion_request").fill("0.25");
    await tab.locator(".file-state").getByText("unsaved", { exact: true }).waitFor();
    assert.match(await tab.title(), /^● train/u);
    await editor.accessible("a file with changes");
    await editor.picture("file");
    await editor.button("Save").click();
    await editor.toast.getByText("Saved train.runai.yaml").waitFor();
    await tab.locator(".file-state").getByText("saved", { exact: true }).waitFor();
    assert.equal(file?.text, STEP.replace("0.5", "0.25"));
    await editor.yaml.press("Control+End");
    await tab.keyboard.type("# end");
    await tab.keyboard.press("Control+s");
    await tab.locator(".file-state").getByText("saved", { exact: true }).waitFor();
    assert.equal(file?.text, `${STEP.replace("0.5", "0.25")}# end`);
    assert.deepEqual(requests, ["GET", "PUT", "PUT"]);
    // The browser stores neither the text nor the page.
    assert.equal(await tab.evaluate(() => localStorage.getItem("runai-step:draft")), null);
    assert.equal(await tab.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
    await close();
  });

  test("reopens after a reload", async () => {
    const { page: tab, editor, close } = await opened({ name: "a.yaml", text: STEP, format: "yaml" });
    await tab.reload();
    await tab.getByText(/^runai-step \d/u).waitFor();
    assert.equal(await editor.text(), STEP);
    await close();
  });

  test("preserves line ends", async () => {
    const text = STEP.replaceAll("\n", "\r\n");
    const { editor, file, close } = await opened({ name: "a.yaml", text, format: "yaml" });
    await editor.control("gpu_portion_request").fill("0.25");
    await editor.button("Save").click();
    await editor.toast.getByText("Saved").waitFor();
    assert.equal(file?.text, text.replace("0.5", "0.25"));
    await close();
  });

  for (const [format, text, after] of /** @type {const} */ ([
    ["toml", "# head\nimage = 'a' # one\ncommand = ['a']\n\n[settings]\n# half\ngpu_portion_request = 0.5\n", ["0.5", "0.25"]],
    ["json", '{\n    "image": "a", "command": ["a"],\n    "settings": {"gpu_portion_request": 0.5}\n}\n', ["0.5", "0.25"]],
  ])) {
    test(`preserves the layout of ${format}`, async () => {
      const { editor, file, close } = await opened({ name: `a.${format}`, text, format });
      assert.match(await editor.text(), /^image: a\n/u);
      await editor.control("gpu_portion_request").fill("0.25");
      await editor.button("Save").click();
      await editor.toast.getByText("Saved").waitFor();
      assert.equal(file?.text, text.replace(after[0], after[1]));
      assert.equal((await editor.download(editor.button("Download YAML"))).name, "a.yaml");
      await close();
    });
  }

  test("detects conflicting changes", async () => {
    const { page: tab, editor, file, close } = await opened({ name: "a.yaml", text: STEP, format: "yaml" }, /409/u);
    assert.ok(file);
    const dialog = tab.getByRole("dialog", { name: "a.yaml changed on disk" });
    file.text = "image: theirs\ncommand: [a]\n";
    await editor.write("image: mine\ncommand: [a]\n");
    await editor.button("Save").click();
    await dialog.waitFor();
    await editor.accessible("a file that has changed");
    await editor.picture("file-changed");
    await tab.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(file.text, "image: theirs\ncommand: [a]\n");
    assert.equal(await editor.text(), "image: mine\ncommand: [a]\n");
    await editor.button("Save").click();
    await dialog.getByRole("button", { name: "Reload file" }).click();
    assert.equal(await editor.text(), file.text);
    await tab.locator(".file-state").getByText("saved", { exact: true }).waitFor();
    await editor.button("Undo").click();
    assert.equal(await editor.text(), "image: mine\ncommand: [a]\n");
    file.text = "image: theirs again\ncommand: [a]\n";
    await editor.button("Save").click();
    await dialog.getByRole("button", { name: "Overwrite file" }).click();
    await editor.toast.getByText("Saved").waitFor();
    assert.equal(file.text, "image: mine\ncommand: [a]\n");
    await close();
  });

  test("reports failed saves", async () => {
    const { page: tab, editor, failWith, server, close } = await opened({ name: "a.yaml", text: STEP, format: "yaml" }, /403|500|Failed|ERR_/u);
    await editor.write("image: mine\n");
    for (const [status, message] of /** @type {const} */ ([[403, /open the address that it printed/u], [500, /returned status 500/u]])) {
      failWith(status);
      await editor.button("Save").click();
      await editor.toast.getByText(message).waitFor();
    }
    await server.stop();
    await editor.button("Save").click();
    await editor.toast.getByText(/is it still running/u).waitFor();
    assert.equal(await editor.text(), "image: mine\n");
    await tab.locator(".file-state").getByText("unsaved", { exact: true }).waitFor();
    await close();
  });

  test("confirms leaving unsaved changes", async () => {
    const { page: tab, editor, close } = await opened({ name: "a.yaml", text: STEP, format: "yaml" });
    /** @type {string[]} */
    const dialogs = [];
    tab.on("dialog", (dialog) => {
      dialogs.push(dialog.type());
      void dialog.accept();
    });
    await tab.reload();
    await tab.getByText(/^runai-step \d/u).waitFor();
    assert.deepEqual(dialogs, []);
    await editor.yaml.press("Control+End");
    await tab.keyboard.type("# end");
    await tab.reload();
    assert.deepEqual(dialogs, ["beforeunload"]);
    await close();
  });
});

test("works without a file", async () => {
  const { page: tab, editor, requests, close } = await opened(null, /404/u);
  assert.deepEqual(requests, ["GET"]);
  assert.equal(await editor.button("Save").count(), 0);
  await editor.write(STEP);
  await tab.waitForFunction((text) => localStorage.getItem("runai-step:draft") === text, STEP);
  await close();
});

test("requests no file from plain hosts", async () => {
  const plain = await serve();
  const { context, page: tab, editor, close } = await open(browser, `${plain.url}?token=${TOKEN}&other=1`);
  assert.equal(new URL(tab.url()).search, "?other=1");
  /** @type {string[]} */
  const requests = [];
  context.on("request", (request) => requests.push(request.url()));
  await tab.reload();
  await tab.getByText(/^runai-step \d/u).waitFor();
  await tab.keyboard.press("Control+s");
  assert.deepEqual(requests.filter((url) => /api|token/u.test(url)), []);
  assert.equal(await editor.button("Save").count(), 0);
  await close();
  await plain.stop();
});
