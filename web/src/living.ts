// The document that follows the text of the editor: here while the text is small, in the worker while it is large.
import type { Core, Document, Facts } from "runai-spec";
import { answer, type Answers, failure, type Failure, follow, type Question } from "./analysis";
import type { Request, Response } from "./worker";

/** From this length on a text is read in the worker. */
const LARGE = 24_000;

/** What the document is made of. */
interface Input {
  text: string;
  facts: Facts;
}

interface Asked {
  question: Question;
  use(answer: Answers[keyof Answers]): void;
  refuse(failure: Failure): void;
}

export class Living {
  readonly #core: Core;
  /** The input as it is now. */
  readonly #input: () => Input;
  #document: Document | null = null;
  #worker: Worker | null = null;
  /** What the worker answers at present. */
  #current: (Asked & { input: Input }) | null = null;
  #waiting: Asked[] = [];

  constructor(core: Core, input: () => Input) {
    this.#core = core;
    this.#input = input;
  }

  /**
   * Asks about the present text: at once while it is small, in the order of the questions while it is large.
   * If the text changes before the answer, edits are made anew, and other answers are left out.
   */
  ask<A extends keyof Answers>(question: Question & { ask: A }, use: (answer: Answers[A]) => void, refuse: (failure: Failure) => void): void {
    const asked: Asked = { question, use: use as Asked["use"], refuse };
    // Only the newest analysis counts.
    if (question.ask === "analysis") this.#waiting = this.#waiting.filter((other) => other.question.ask !== "analysis");
    const input = this.#input();
    const isBusy = this.#current !== null || this.#waiting.length > 0;
    // Edits keep their order, also those of a text that was large a moment ago.
    if (input.text.length <= LARGE && !(isBusy && question.ask === "edits")) {
      this.#answer(asked, input);
      return;
    }
    this.#waiting.push(asked);
    this.#next();
  }

  #answer({ question, use, refuse }: Asked, { text, facts }: Input): void {
    let found: Answers[keyof Answers];
    try {
      this.#document = follow(this.#core, this.#document, text, facts);
      found = answer(this.#document, question);
    } catch (error) {
      refuse(failure(error));
      return;
    }
    use(found);
  }

  #next(): void {
    while (this.#current === null) {
      const asked = this.#waiting.shift();
      if (!asked) return;
      const input = this.#input();
      if (input.text.length <= LARGE) {
        this.#answer(asked, input);
        continue;
      }
      this.#current = { ...asked, input };
      const request: Request = { ...input, question: asked.question };
      (this.#worker ??= this.#start()).postMessage(request);
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Response>) => {
      const current = this.#current;
      this.#current = null;
      if (current) this.#take(current, data);
      this.#next();
    });
    worker.addEventListener("error", () => {
      const current = this.#current;
      [this.#current, this.#worker] = [null, null];
      current?.refuse({ message: "the core stopped in its worker", help: "try a smaller text" });
      this.#next();
    });
    return worker;
  }

  #take(current: Asked & { input: Input }, response: Response): void {
    const { text, facts } = this.#input();
    if (text === current.input.text && facts === current.input.facts) {
      if ("failure" in response) current.refuse(response.failure);
      else current.use(response.answer);
    } else if (current.question.ask === "edits") {
      this.#waiting.unshift(current);
    }
  }
}
