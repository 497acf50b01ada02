// Resolves large texts in a worker, so that typing is not blocked.
import { type Document, type Facts, load } from "runai-spec";
import { failure, type Failure, type Query, type QueryResults, runQuery, updateDocument } from "./analysis";

export interface Request {
  text: string;
  facts: Facts;
  query: Query;
}

export type Response = { result: QueryResults[keyof QueryResults] } | { failure: Failure };

let document: Document | null = null;

addEventListener("message", (event: MessageEvent<Request>) => {
  const { text, facts, query } = event.data;
  const respond = (response: Response) => postMessage(response);
  load()
    .then((core) => {
      document = updateDocument(core, document, text, facts);
      respond({ result: runQuery(document, query) });
    })
    .catch((error: unknown) => respond({ failure: failure(error) }));
});
