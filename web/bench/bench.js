// @ts-check
// Benchmarks the page in Chromium and prints a section of docs/benchmarks.md. `cargo xtask bench` runs it.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import Ajv from "ajv";
import standalone from "ajv/dist/standalone/index.js";
import { build } from "vite";
import { launch, repository, serve } from "../tests/support.js";

const EXAMPLE = "examples/advanced.runai.yaml";
const KEYS = 200;
const LOADS = 15;
const ROUNDS = 40;

const here = fileURLToPath(new URL(".", import.meta.url));
const probe = readFileSync(join(here, "probe.js"), "utf8");
const example = readFileSync(join(repository, EXAMPLE), "utf8");
const long = longText(5_000);

const folder = process.env.RUNAI_STEP_BENCH ?? join(repository, "target/web-bench");
const core = process.env.RUNAI_SPEC_PACKAGE ?? join(repository, "target/npm/runai-spec");
const site = compressed({ "": join(repository, "web/dist"), "also/core": core, "also/reference": await bundledReference() });
/** Bytes sent so far, without headers. */
let sent = 0;
const server = await serve({ folder: site, first: sendCompressed });
const browser = await launch();
const version = browser.version();
const loads = [];
for (let load = 0; load < LOADS; load += 1) loads.push(await firstLoad());
const short = await typing(example);
const slow = await typing(long);
const bare = await typing(example, bareText);
const comparisons = [await compareWithReference(example), await compareWithReference(long)];
await browser.close();
await server.stop();

const line = (/** @type {(string | number)[]} */ ...cells) => `| ${cells.join(" | ")} |\n`;
process.stdout.write(`
## The page

The built page in headless Chromium ${version}, from a server on this machine. Times are measured from the browser's timestamp of a key
press until the page contains the problems and the request of the new text, for ${KEYS} keys, some of which add or fix an error. The longest pause is
the time during which the page cannot accept another key. The last row is the baseline of this browser and machine: the example as plain
editable text, with a mirrored copy.

| typing in | lines | median | p95 | painted, p95 | character in the editor, p95 | longest pause, p95 |
|---|--:|--:|--:|--:|--:|--:|
${line(`[\`${EXAMPLE}\`](../${EXAMPLE})`, lines(example), ...short)}${line("a step with many mounts and labels", lines(long), ...slow)}${line("no editor and no core", lines(example), ...bare)}
A first visit in ${LOADS} fresh profiles: the time until the core has checked the first text, and the bytes transferred, compressed with brotli.

| | median | p95 |
|---|--:|--:|
${line("ready", ms(median(loads.map(({ ready }) => ready))), ms(p95(loads.map(({ ready }) => ready))))}${line("transferred until ready", kb(median(loads.map(({ first }) => first))), "")}${line("transferred including the offline cache", kb(median(loads.map(({ all }) => all))), "")}
Checks in the same page, alternating: the core (all rules, places, help), and \`yaml\` with \`ajv\`'s compiled validator (only the schema, no
places).

| text | core | \`yaml\` and \`ajv\` | speedup |
|---|--:|--:|--:|
${["the example", `${lines(long)} lines`].map((name, index) => line(name, ...(comparisons[index] ?? []))).join("")}`);

/** Returns a step with the given number of lines. @param {number} count */
function longText(count) {
  let text = "image: python:3.12\ncommand: [python, train.py]\nsettings:\n  cpu_memory_request: 32G\n  labels:\n";
  for (let index = 0; index < count / 10; index += 1) text += `    team-${index}: research-${index}\n`;
  text += "  pvc_mounts:\n";
  for (let index = 0; index < (count * 9) / 40 - 2; index += 1) {
    text += `    - claim_name: data-${index}\n      path: /mnt/data-${index}\n      read_only: true\n      existing_pvc: true # kept\n`;
  }
  return text;
}

/** Copies folders into one, with a brotli version of each file. @param {Record<string, string>} folders Paths by target name. */
function compressed(folders) {
  const site = join(folder, "site");
  rmSync(site, { recursive: true, force: true });
  for (const [name, from] of Object.entries(folders)) {
    for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const to = join(site, name, relative(from, path));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, readFileSync(path));
      writeFileSync(`${to}.br`, brotliCompressSync(readFileSync(path)));
    }
  }
  return site;
}

/** @type {NonNullable<NonNullable<Parameters<typeof serve>[0]>["first"]>} */
function sendCompressed(request, _, path) {
  const file = join(site, `${path}.br`);
  if (existsSync(file)) {
    sent += statSync(file).size;
    // Vite's server derives the encoding from the file's extension.
    request.url = `/${path}.br`;
  }
  return false;
}

/** Bundles the reference validator and returns its folder. */
async function bundledReference() {
  mkdirSync(folder, { recursive: true });
  const schema = JSON.parse(readFileSync(join(repository, "schemas/step.schema.json"), "utf8"));
  const ajv = new Ajv({ allErrors: true, strict: false, code: { source: true, esm: true, optimize: 2 } });
  // @ts-expect-error The types are those of a CommonJS module.
  writeFileSync(join(folder, "validate.js"), (standalone.default ?? standalone)(ajv, ajv.compile(schema)));
  writeFileSync(join(folder, "reference.js"), readFileSync(join(here, "reference.js")));
  await build({
    root: folder,
    configFile: false,
    logLevel: "error",
    resolve: { alias: { yaml: join(here, "../node_modules/yaml"), ajv: join(here, "../node_modules/ajv") } },
    build: { lib: { entry: join(folder, "reference.js"), formats: ["es"], fileName: () => "reference.js" }, outDir: join(folder, "dist"), target: "es2022" },
  });
  return join(folder, "dist");
}

async function newPage() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.addInitScript(probe);
  const page = await context.newPage();
  return { context, page };
}

async function firstLoad() {
  const { context, page } = await newPage();
  const before = sent;
  await page.goto(server.url);
  // @ts-expect-error The probe defines it.
  await page.waitForFunction(() => globalThis.probe.ready > 0);
  // @ts-expect-error As above.
  const ready = /** @type {number} */ (await page.evaluate(() => globalThis.probe.ready));
  const first = sent - before;
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForTimeout(300);
  const all = sent - before;
  await context.close();
  return { ready, first, all };
}

/**
 * Types after a value of a text and waits after each key until the page is idle.
 * @param {string} text
 * @param {(given: { text: string, at: number }) => void} show Runs in the page: shows the text with the cursor at `at`.
 */
async function typing(text, show = inEditor) {
  const place = "cpu_memory_request: 32G";
  const { context, page } = await newPage();
  await page.goto(server.url);
  await page.getByText(/^runai-step \d/u).waitFor();
  await page.evaluate(show, { text, at: text.indexOf(place) + place.length });
  await page.waitForTimeout(3_000);
  /** @type {Record<"done" | "painted" | "seen" | "blocked", number[]>} */
  const found = { done: [], painted: [], seen: [], blocked: [] };
  // 32Gi, 32Gi1 (an error), 32Gi, 32G
  for (let key = 0; key < KEYS; key += 1) {
    await page.keyboard.press(["i", "1", "Backspace", "Backspace"][key % 4] ?? "");
    // @ts-expect-error The probe defines it.
    await page.waitForFunction(() => globalThis.probe.painted > 0, undefined, { polling: 20 });
    await page.waitForTimeout(120);
    // @ts-expect-error As above.
    const times = await page.evaluate(() => globalThis.probe);
    found.done.push(times.done - times.key);
    found.painted.push(times.painted - times.key);
    found.seen.push(times.seen - times.key);
    found.blocked.push(times.blocked);
  }
  await context.close();
  return [median(found.done), p95(found.done), p95(found.painted), p95(found.seen), p95(found.blocked)].map(ms);
}

/** @param {{ text: string, at: number }} given */
function inEditor({ text, at }) {
  // @ts-expect-error CodeMirror's own handle on its view.
  const { view } = document.querySelector(".cm-content").cmTile;
  view.focus();
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: at }, scrollIntoView: true });
}

/** @param {{ text: string, at: number }} given */
function bareText({ text, at }) {
  document.body.innerHTML = '<pre class="cm-content" contenteditable spellcheck="false"></pre><pre id="request-body"></pre>';
  const [editable, copy] = document.querySelectorAll("pre");
  if (!editable || !copy) return;
  editable.textContent = text;
  editable.focus();
  getSelection()?.collapse(editable.firstChild, at);
  new MutationObserver(() => (copy.textContent = editable.textContent)).observe(editable, { subtree: true, childList: true, characterData: true });
}

/** Runs the core and the reference validator alternately on a text. @param {string} text */
async function compareWithReference(text) {
  const { context, page } = await newPage();
  await page.goto(server.url);
  await page.getByText(/^runai-step \d/u).waitFor();
  const times = await page.evaluate(
    async ({ text, rounds }) => {
      const from = (/** @type {string} */ path) => import(new URL(path, location.href).href);
      const [{ load }, { check }] = await Promise.all([from("also/core/index.js"), from("also/reference/reference.js")]);
      const core = await load();
      if (core.check(text, "yaml").diagnostics.some((/** @type {any} */ { severity }) => severity === "error")) throw new Error("the core reports errors");
      if (check(text) !== 0) throw new Error("the reference validator reports errors");
      const repeats = Math.max(1, Math.round(20_000 / text.length));
      const time = (/** @type {() => void} */ action) => {
        const start = performance.now();
        for (let turn = 0; turn < repeats; turn += 1) action();
        return (performance.now() - start) / repeats;
      };
      const times = [];
      for (let round = 0; round < rounds; round += 1) times.push([time(() => core.check(text, "yaml")), time(() => check(text))]);
      return times.slice(5);
    },
    { text, rounds: ROUNDS },
  );
  await context.close();
  const column = (/** @type {number} */ index) => times.map((time) => time[index] ?? Number.NaN);
  return [ms(median(column(0))), ms(median(column(1))), median(times.map(([core, reference]) => (reference ?? 0) / (core ?? 1))).toFixed(1)];
}

function lines(/** @type {string} */ text) {
  return text.trimEnd().split("\n").length.toLocaleString("en");
}

function median(/** @type {number[]} */ values) {
  return quantile(values, 0.5);
}

function p95(/** @type {number[]} */ values) {
  return quantile(values, 0.95);
}

function quantile(/** @type {number[]} */ values, /** @type {number} */ share) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function ms(/** @type {number} */ value) {
  return value < 1 ? `${Math.round(value * 1_000)} µs` : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function kb(/** @type {number} */ bytes) {
  return `${Math.round(bytes / 1_000)} kB`;
}
