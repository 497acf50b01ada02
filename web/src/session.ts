// The document of the editor's text. Small texts are resolved in the page, large texts in a worker.
import type { Core, Document, Facts } from "runai-spec";
import { failure, type Failure, type Query, type QueryResults, runQuery, updateDocument } from "./analysis";
import type { Request, Response } from "./worker";

/** Texts longer than this, in UTF-16 code units, are resolved in the worker. */
const MAX_INLINE = 24_000;

/** The inputs of the document. */
interface Input {
  text: string;
  facts: Facts;
}

interface PendingQuery {
  query: Query;
  onResult(result: QueryResults[keyof QueryResults]): void;
  onFailure(failure: Failure): void;
}

export class DocumentSession {
  readonly #core: Core;
  /** Returns the current input. */
  readonly #input: () => Input;
  #document: Document | null = null;
  #worker: Worker | null = null;
  /** The query that the worker is running. */
  #current: (PendingQuery & { input: Input }) | null = null;
  #queue: PendingQuery[] = [];

  constructor(core: Core, input: () => Input) {
    this.#core = core;
    this.#input = input;
  }

  /**
   * Runs a query on the current text: at once for a small text, in order for a large one.
   * If the text changes before the result, edits are computed again and other results are dropped.
   */
  query<T extends keyof QueryResults>(query: Query & { type: T }, onResult: (result: QueryResults[T]) => void, onFailure: (failure: Failure) => void): void {
    const pending: PendingQuery = { query, onResult: onResult as PendingQuery["onResult"], onFailure };
    // Only the newest analysis counts.
    if (query.type === "analysis") this.#queue = this.#queue.filter((other) => other.query.type !== "analysis");
    const input = this.#input();
    const isBusy = this.#current !== null || this.#queue.length > 0;
    // Edits stay in order, also after a large text became small.
    if (input.text.length <= MAX_INLINE && !(isBusy && query.type === "edits")) {
      this.#run(pending, input);
      return;
    }
    this.#queue.push(pending);
    this.#next();
  }

  #run({ query, onResult, onFailure }: PendingQuery, { text, facts }: Input): void {
    let result: QueryResults[keyof QueryResults];
    try {
      this.#document = updateDocument(this.#core, this.#document, text, facts);
      result = runQuery(this.#document, query);
    } catch (error) {
      onFailure(failure(error));
      return;
    }
    onResult(result);
  }

  #next(): void {
    while (this.#current === null) {
      const pending = this.#queue.shift();
      if (!pending) return;
      const input = this.#input();
      if (input.text.length <= MAX_INLINE) {
        this.#run(pending, input);
        continue;
      }
      this.#current = { ...pending, input };
      const request: Request = { ...input, query: pending.query };
      (this.#worker ??= this.#startWorker()).postMessage(request);
    }
  }

  #startWorker(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Response>) => {
      const current = this.#current;
      this.#current = null;
      if (current) this.#finish(current, data);
      this.#next();
    });
    worker.addEventListener("error", () => {
      const current = this.#current;
      [this.#current, this.#worker] = [null, null];
      current?.onFailure({ message: "the core stopped in its worker", help: "try a smaller text" });
      this.#next();
    });
    return worker;
  }

  #finish(current: PendingQuery & { input: Input }, response: Response): void {
    const { text, facts } = this.#input();
    if (text === current.input.text && facts === current.input.facts) {
      if ("failure" in response) current.onFailure(response.failure);
      else current.onResult(response.result);
    } else if (current.query.type === "edits") {
      this.#queue.unshift(current);
    }
  }
}
