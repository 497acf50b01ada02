import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

/** Path of the core's npm package, which `cargo xtask wasm` builds and `cargo xtask web` sets. */
const core = resolve(process.env["RUNAI_SPEC_PACKAGE"] ?? "../target/npm/runai-spec");
if (!existsSync(resolve(core, "index.js"))) {
  throw new Error("the core is not built: run `cargo xtask web`");
}

/** The page's Content Security Policy. */
const POLICY = {
  "default-src": "'none'",
  "script-src": "'self' 'wasm-unsafe-eval'",
  // CodeMirror creates style elements.
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

/** Adds the policy to the page, for hosts that send no headers. */
function withPolicy(): Plugin {
  return {
    name: "policy",
    apply: "build",
    transformIndexHtml: () => [{ tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: policy }, injectTo: "head-prepend" }],
  };
}

/** Defines the service worker's file list, and a version that changes with any file. */
function offline(): Plugin {
  return {
    name: "offline",
    generateBundle(_, bundle) {
      const worker = bundle["service-worker.js"];
      if (worker?.type !== "chunk") throw new Error("missing chunk `service-worker.js`");
      const hash = createHash("sha256");
      const files = Object.values(bundle).filter((file) => file !== worker);
      for (const file of files) hash.update(file.fileName).update(file.type === "chunk" ? file.code : file.source);
      // `index.html` is requested as `./`; files in `public/` are not part of the bundle.
      const names = files.map((file) => file.fileName).filter((name) => name !== "index.html");
      names.push("./", "icon.svg", "manifest.webmanifest");
      worker.code = worker.code
        .replaceAll("__FILES__", JSON.stringify(names.sort()))
        .replaceAll("__VERSION__", JSON.stringify(hash.digest("hex").slice(0, 16)));
    },
  };
}

export default defineConfig({
  // Works on any host and path.
  base: "./",
  resolve: { alias: { "runai-spec": resolve(core, "index.js") } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The core's wasm module exceeds the default limit.
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
  // A missing file is a 404, not the page.
  appType: "mpa",
  server: { fs: { allow: ["..", core] } },
  preview: {
    host: "127.0.0.1",
    strictPort: true,
    cors: false,
    headers: {
      // `frame-ancestors` works only in a header.
      "Content-Security-Policy": `${policy}; frame-ancestors 'none'`,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "no-cache",
    },
  },
});
