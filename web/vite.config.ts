import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

/** The npm package of the core, as `cargo xtask wasm` makes it; `cargo xtask web` says where. */
const core = resolve(process.env["RUNAI_SPEC_PACKAGE"] ?? "../target/npm/runai-spec");
if (!existsSync(resolve(core, "index.js"))) {
  throw new Error("the core is not built: run `cargo xtask web`, which builds it first");
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
  plugins: [offline()],
  server: { fs: { allow: ["..", core] } },
});
