// Has the document of a large text, so that typing goes on while it is resolved.
import { type Document, type Facts, load } from "runai-spec";
import { answer, type Answers, failure, type Failure, follow, type Question } from "./analysis";

export interface Request {
  text: string;
  facts: Facts;
  question: Question;
}

export type Response = { answer: Answers[keyof Answers] } | { failure: Failure };

let document: Document | null = null;

addEventListener("message", (event: MessageEvent<Request>) => {
  const { text, facts, question } = event.data;
  const respond = (response: Response) => postMessage(response);
  load()
    .then((core) => {
      document = follow(core, document, text, facts);
      respond({ answer: answer(document, question) });
    })
    .catch((error: unknown) => respond({ failure: failure(error) }));
});
