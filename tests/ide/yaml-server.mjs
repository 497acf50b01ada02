// A client of the YAML language server, which VS Code's YAML extension uses.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node.js";

const require = createRequire(import.meta.url);
const SERVER = path.join(path.dirname(require.resolve("yaml-language-server/package.json")), "bin/yaml-language-server");

/** Files that are opened lie here, so that the modeline's relative path leads to `schemas/`. */
export const FOLDER = path.join(import.meta.dirname, "files");
const SETTINGS = {
  yaml: { validate: true, hover: true, completion: true, schemaStore: { enable: false }, disableAdditionalProperties: false },
};

export class YamlServer {
  #process = spawn(process.execPath, [SERVER, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  #connection = createMessageConnection(
    new StreamMessageReader(this.#process.stdout),
    new StreamMessageWriter(this.#process.stdin),
  );
  #waiting = new Map();
  #files = 0;

  static async start() {
    const server = new YamlServer();
    await server.#initialize();
    return server;
  }

  async #initialize() {
    const connection = this.#connection;
    connection.onRequest("workspace/configuration", ({ items }) => items.map(({ section }) => SETTINGS[section] ?? {}));
    connection.onRequest("client/registerCapability", () => null);
    connection.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }) => {
      this.#waiting.get(uri)?.(diagnostics);
    });
    connection.listen();
    const documentation = ["markdown"];
    await connection.sendRequest("initialize", {
      processId: process.pid,
      rootUri: pathToFileURL(FOLDER).href,
      capabilities: {
        workspace: { configuration: true },
        textDocument: {
          completion: { completionItem: { snippetSupport: true, documentationFormat: documentation } },
          hover: { contentFormat: documentation },
        },
      },
    });
    await connection.sendNotification("initialized", {});
  }

  /** Opens a text as a file of its own, and waits for what the server has to say about it. */
  async open(text) {
    const uri = pathToFileURL(path.join(FOLDER, `opened-${(this.#files += 1)}.runai.yaml`)).href;
    const diagnostics = new Promise((resolve) => this.#waiting.set(uri, resolve));
    await this.#connection.sendNotification("textDocument/didOpen", {
      textDocument: { uri, languageId: "yaml", version: 1, text },
    });
    return { uri, diagnostics: await diagnostics };
  }

  complete(uri, position) {
    return this.#connection.sendRequest("textDocument/completion", { textDocument: { uri }, position });
  }

  hover(uri, position) {
    return this.#connection.sendRequest("textDocument/hover", { textDocument: { uri }, position });
  }

  async stop() {
    await this.#connection.sendRequest("shutdown");
    this.#connection.dispose();
    this.#process.kill();
  }
}
