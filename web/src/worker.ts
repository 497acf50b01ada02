// Analyses large texts beside the page, so that typing goes on.
import { type Document, type Facts, load } from "runai-spec";
import { analyse, failure, type Failure, follow, type Result } from "./analysis";

export interface Question {
  id: number;
  text: string;
  facts: Facts;
}

export type Answer = { id: number } & ({ analysis: Result } | { failure: Failure });

let document: Document | null = null;

addEventListener("message", (event: MessageEvent<Question>) => {
  const { id, text, facts } = event.data;
  const answer = (answer: Answer) => postMessage(answer);
  load()
    .then((core) => {
      document = follow(core, document, text, facts);
      answer({ id, analysis: analyse(document) });
    })
    .catch((error: unknown) => answer({ id, failure: failure(error) }));
});
