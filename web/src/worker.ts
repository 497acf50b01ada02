// Reads large texts beside the page, so that typing goes on.
import { type Context, load } from "runai-spec";
import { analyse, type Analysis, failure, type Failure, read, type Values } from "./analysis";

export interface Question {
  id: number;
  text: string;
  context: Context;
}

export type Answer = { id: number } & ({ analysis: Analysis } | { values: Values } | { failure: Failure });

addEventListener("message", (event: MessageEvent<Question>) => {
  const { id, text, context } = event.data;
  const answer = (answer: Answer) => postMessage(answer);
  load()
    .then((core) => {
      answer({ id, analysis: analyse(core, text, context) });
      answer({ id, values: read(core, text) });
    })
    .catch((error: unknown) => answer({ id, failure: failure(error) }));
});
