// @ts-check
// The file that `runai-step editor` serves: opened, saved, and never written over by mistake.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { launch, open, repository, serve } from "./support.js";

const TOKEN = "not-a-real-token";
const STEP = "image: python:3.12 # pinned\ncommand: [python, train.py]\nsettings:\n  gpu_portion_request: 0.5\n";
const browser = await launch();
after(() => browser.close());

/** A server that has a file, as the program's does. @param {{ name: string, text: string, format: string } | null} file */
async function program(file) {
  const page = readFileSync(join(repository, "web/dist/index.html"), "utf8");
  /** @type {string[]} */
  const asked = [];
  /** @type {number | null} */
  let refuses = null;
  const server = await serve({
    first: (request, response, path) => {
      if (path === "index.html") {
        response.writeHead(200, { "Content-Type": "text/html" }).end(page.replace("</head>", '<meta name="runai-step-file" content="api/file"></head>'));
        return true;
      }
      if (path !== "api/file") return false;
      const says = (/** @type {number} */ status, /** @type {unknown} */ body) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => {
        asked.push(request.method ?? "");
        if (request.headers["x-runai-step-token"] !== TOKEN) says(403, {});
        else if (refuses !== null) says(refuses, {});
        else if (!file) says(404, {});
        else if (request.method === "GET") says(200, file);
        else {
          const { text, was } = JSON.parse(body);
          if (was !== file.text) says(409, { text: file.text });
          else {
            file.text = text;
            response.writeHead(204).end();
          }
        }
      });
      return true;
    },
  });
  return { server, asked, file, refuse: (/** @type {number | null} */ status) => (refuses = status) };
}

/** @param {Parameters<typeof program>[0]} file @param {RegExp} [expects] */
async function opened(file, expects) {
  const host = await program(file);
  const page = await open(browser, `${host.server.url}?token=${TOKEN}`, { ...(expects ? { expects } : {}) });
  const close = async () => {
    await page.close();
    await host.server.stop();
  };
  return { ...host, ...page, close };
}

describe("a file", () => {
  test("is opened, changed in its own lines, and saved", async () => {
    const { page: tab, editor, file, close, asked } = await opened({ name: "train.runai.yaml", text: STEP, format: "yaml" });
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
    assert.deepEqual(asked, ["GET", "PUT", "PUT"]);
    // The browser keeps neither its text nor a copy of the page.
    assert.equal(await tab.evaluate(() => localStorage.getItem("runai-step:draft")), null);
    assert.equal(await tab.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
    await close();
  });

  test("is there again after a reload, with the token of the session", async () => {
    const { page: tab, editor, close } = await opened({ name: "a.yaml", text: STEP, format: "yaml" });
    await tab.reload();
    await tab.getByText(/^runai-step \d/u).waitFor();
    assert.equal(await editor.text(), STEP);
    await close();
  });

  test("keeps its line ends", async () => {
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
    test(`in ${format} is edited as YAML, and keeps its layout`, async () => {
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

  test("that another program has changed is not written over unasked", async () => {
    const { page: tab, editor, file, close } = await opened({ name: "a.yaml", text: STEP, format: "yaml" }, /409/u);
    assert.ok(file);
    const dialog = tab.getByRole("dialog", { name: "a.yaml has changed" });
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
    await dialog.getByRole("button", { name: "Take the file's text" }).click();
    assert.equal(await editor.text(), file.text);
    await tab.locator(".file-state").getByText("saved", { exact: true }).waitFor();
    await editor.button("Undo").click();
    assert.equal(await editor.text(), "image: mine\ncommand: [a]\n");
    file.text = "image: theirs again\ncommand: [a]\n";
    await editor.button("Save").click();
    await dialog.getByRole("button", { name: "Save over it" }).click();
    await editor.toast.getByText("Saved").waitFor();
    assert.equal(file.text, "image: mine\ncommand: [a]\n");
    await close();
  });

  test("that cannot be saved is kept in the page, which says why", async () => {
    const { page: tab, editor, refuse, server, close } = await opened({ name: "a.yaml", text: STEP, format: "yaml" }, /403|500|Failed|ERR_/u);
    await editor.write("image: mine\n");
    for (const [status, says] of /** @type {const} */ ([[403, /open the address that it has printed/u], [500, /answered with 500/u]])) {
      refuse(status);
      await editor.button("Save").click();
      await editor.toast.getByText(says).waitFor();
    }
    await server.stop();
    await editor.button("Save").click();
    await editor.toast.getByText(/is it still running/u).waitFor();
    assert.equal(await editor.text(), "image: mine\n");
    await tab.locator(".file-state").getByText("unsaved", { exact: true }).waitFor();
    await close();
  });

  test("with changes is not left by mistake", async () => {
    const { page: tab, editor, close } = await opened({ name: "a.yaml", text: STEP, format: "yaml" });
    /** @type {string[]} */
    const asked = [];
    tab.on("dialog", (dialog) => {
      asked.push(dialog.type());
      void dialog.accept();
    });
    await tab.reload();
    await tab.getByText(/^runai-step \d/u).waitFor();
    assert.deepEqual(asked, []);
    await editor.yaml.press("Control+End");
    await tab.keyboard.type("# end");
    await tab.reload();
    assert.deepEqual(asked, ["beforeunload"]);
    await close();
  });
});

test("without a file there is the page as ever", async () => {
  const { page: tab, editor, asked, close } = await opened(null, /404/u);
  assert.deepEqual(asked, ["GET"]);
  assert.equal(await editor.button("Save").count(), 0);
  await editor.write(STEP);
  await tab.waitForFunction((text) => localStorage.getItem("runai-step:draft") === text, STEP);
  await close();
});

test("a plain host is asked for no file", async () => {
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
