import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

/** The npm package of the core, as `cargo xtask wasm` makes it; `cargo xtask web` says where. */
const core = resolve(process.env["RUNAI_SPEC_PACKAGE"] ?? "../target/npm/runai-spec");
if (!existsSync(resolve(core, "index.js"))) {
  throw new Error("the core is not built: run `cargo xtask web`, which builds it first");
}

/** What the page may do. */
const POLICY = {
  "default-src": "'none'",
  "script-src": "'self' 'wasm-unsafe-eval'",
  // CodeMirror writes style elements.
  "style-src": "'self' 'unsafe-inline'",
  "img-src": "'self' data:",
  "connect-src": "'self'",
  "worker-src": "'self'",
  "manifest-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
};
const policy = Object.entries(POLICY)
  .map((directive) => directive.join(" "))
  .join("; ");

/** Writes the policy into the page, for hosts that send no headers. */
function withPolicy(): Plugin {
  return {
    name: "policy",
    apply: "build",
    transformIndexHtml: () => [{ tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: policy }, injectTo: "head-prepend" }],
  };
}

/** Tells the service worker which files make the page, and a version that changes with any of them. */
function offline(): Plugin {
  return {
    name: "offline",
    generateBundle(_, bundle) {
      const worker = bundle["service-worker.js"];
      if (worker?.type !== "chunk") throw new Error("there is no service worker");
      const hash = createHash("sha256");
      const files = Object.values(bundle).filter((file) => file !== worker);
      for (const file of files) hash.update(file.fileName).update(file.type === "chunk" ? file.code : file.source);
      // `index.html` is asked for as the folder; what lies in `public/` is not part of the bundle.
      const names = files.map((file) => file.fileName).filter((name) => name !== "index.html");
      names.push("./", "icon.svg", "manifest.webmanifest");
      worker.code = worker.code
        .replaceAll("__FILES__", JSON.stringify(names.sort()))
        .replaceAll("__VERSION__", JSON.stringify(hash.digest("hex").slice(0, 16)));
    },
  };
}

export default defineConfig({
  // Any host, any folder.
  base: "./",
  resolve: { alias: { "runai-spec": resolve(core, "index.js") } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The module of the core is as large as it is.
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      input: { index: "index.html", "service-worker": "src/service-worker.ts" },
      output: {
        entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
  plugins: [offline(), withPolicy()],
  // A file that is missing is an error, and not the page.
  appType: "mpa",
  server: { fs: { allow: ["..", core] } },
  preview: {
    host: "127.0.0.1",
    strictPort: true,
    cors: false,
    headers: {
      // Only a header can say who may frame the page.
      "Content-Security-Policy": `${policy}; frame-ancestors 'none'`,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "no-cache",
    },
  },
});
