// @ts-check
// Serves the built page and opens it in Chromium.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { after } from "node:test";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { preview } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
export const repository = fileURLToPath(new URL("../..", import.meta.url));
const dist = join(root, "dist");
/** Folder of the screenshots, for manual review. */
const pictures = process.env.RUNAI_STEP_SCREENSHOTS ?? join(repository, "target", "screenshots");

/** The URL path of the page. */
const BASE = "/some/folder/";

/**
 * Serves the built page, or another folder, under a sub-path with Vite's preview server.
 * @param {object} [options]
 * @param {string} [options.folder] The folder to serve.
 * @param {RegExp} [options.without] Paths that return 404.
 * @param {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse, path: string) => boolean} [options.first]
 *   Handles requests before the files; returns true if it responded.
 */
export async function serve({ folder = dist, without, first } = {}) {
  assert.ok(existsSync(join(folder, "index.html")), "the page is not built: run `cargo xtask web`");
  const server = await preview({
    root,
    base: BASE,
    logLevel: "error",
    build: { outDir: folder },
    preview: { port: 0 },
    plugins: [
      {
        name: "tests",
        configurePreviewServer: ({ middlewares }) => {
          middlewares.use(BASE, (request, response, next) => {
            const path = new URL(request.url ?? "/", "http://localhost").pathname.slice(1) || "index.html";
            if (without?.test(path)) response.writeHead(404).end("not found");
            else if (!first?.(request, response, path)) next();
          });
        },
      },
    ],
  });
  const [url] = server.resolvedUrls?.local ?? [];
  assert.ok(url);
  return { url, stop: () => server.close() };
}

/** Returns the path of Chromium: `CHROMIUM`, else the first match on `PATH`. */
function executable() {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = process.env.CHROMIUM ?? names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  assert.ok(found, "Chromium not found: install it or set CHROMIUM");
  return found;
}

export async function launch() {
  return chromium.launch({
    executablePath: executable(),
    // The sandbox does not work as root; containers often have little shared memory.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
  });
}

/**
 * Opens a page. Closing it fails the test after console errors, policy violations or requests to other origins.
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {import("playwright-core").BrowserContextOptions & { expects?: RegExp, init?: () => void, ready?: boolean }} [options]
 */
export async function open(browser, url, { expects, init, ready = true, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, permissions: ["clipboard-read", "clipboard-write"], ...options });
  /** @type {string[]} */
  const errors = [];
  const record = (/** @type {string} */ message) => expects?.test(message) || errors.push(message);
  context.on("request", (request) => {
    const to = new URL(request.url());
    if (!["blob:", "data:"].includes(to.protocol) && to.origin !== new URL(url).origin) errors.push(`request to ${to.href}`);
  });
  if (init) await context.addInitScript(init);
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  // Test machines are slow; timeouts are rarely reached.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && record(`console: ${message.text()}`));
  page.on("pageerror", (error) => record(`error: ${error.stack ?? error.message}`));
  await page.goto(url);
  if (ready) await page.getByText(/^runai-step \d/).waitFor();
  const editor = new Editor(page);
  const close = async () => {
    await context.close();
    assert.deepEqual(errors, [], "errors in the page");
  };
  return { context, page, editor, close, errors };
}

/** The page's controls by accessible name. */
export class Editor {
  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
    this.yaml = page.getByRole("textbox", { name: "Settings YAML", exact: true });
    this.body = page.getByRole("textbox", { name: "Request body", exact: true });
    this.problems = page.getByRole("list", { name: "Problems", exact: true }).getByRole("listitem");
    this.toast = page.locator(".toast");
  }

  /** Returns the control of a setting; its accessible name begins with the key. */
  control(/** @type {string} */ key) {
    return this.page.locator(".form").getByLabel(new RegExp(`^${key.replaceAll(/[.[\]]/g, "\\$&")}(?! slider)( \\(|$)`));
  }

  button(/** @type {string | RegExp} */ name) {
    return this.page.getByRole("button", typeof name === "string" ? { name, exact: true } : { name });
  }

  /** Replaces the text. */
  async write(/** @type {string} */ text) {
    await this.yaml.fill(text);
  }

  /** Replaces the text by pasting. */
  async paste(/** @type {string} */ text) {
    await this.page.evaluate((text) => navigator.clipboard.writeText(text), text);
    await this.yaml.press("Control+a");
    await this.page.keyboard.press("Control+v");
  }

  /** Returns the whole text from the editor's state: the DOM contains only the visible part. */
  async text() {
    return this.page.evaluate(() => {
      const content = document.querySelector(".cm-content");
      // @ts-expect-error CodeMirror's own handle on its view.
      return /** @type {string} */ (content.cmTile?.view?.state.doc.toString() ?? content.cmView?.view.state.doc.toString());
    });
  }

  async bodyJson() {
    return JSON.parse((await this.body.textContent()) ?? "");
  }

  /** Expands a group of settings. */
  async unfold(/** @type {RegExp} */ name) {
    const button = this.page.locator(".group h3").getByRole("button", { name });
    if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
  }

  async searchFor(/** @type {string} */ key) {
    await this.page.getByRole("searchbox", { name: "Search settings" }).fill(key);
  }

  async clipboard() {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  /** Clicks a button and returns the download. */
  async download(/** @type {import("playwright-core").Locator} */ button) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), button.click()]);
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
  }

  /** Asserts that axe finds no violation in either theme. */
  async accessible(/** @type {string} */ state) {
    await this.page.evaluate(axe.source);
    for (const theme of ["dark", "light"]) {
      const found = await this.page.evaluate(async (theme) => {
        const { dataset } = document.documentElement;
        const before = dataset.theme;
        dataset.theme = theme;
        // @ts-expect-error The script above defines it.
        const { violations } = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
        dataset.theme = before;
        return violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => `${node.target} ${node.failureSummary}`).slice(0, 4).join(" | ")}`);
      }, theme);
      assert.deepEqual(found, [], `axe violations in: ${state}, ${theme}`);
    }
  }

  async picture(/** @type {string} */ name) {
    mkdirSync(pictures, { recursive: true });
    await this.page.screenshot({ path: join(pictures, `${name}.png`) });
  }
}

/**
 * Starts a server and a browser for one test file.
 * @param {Parameters<typeof serve>[0]} [options]
 */
export async function start(options) {
  const [server, browser] = [await serve(options), await launch()];
  after(async () => {
    await browser.close();
    await server.stop();
  });
  return { server, browser };
}
