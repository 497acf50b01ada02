// What a page would use without the core: a YAML parser and the compiled schema. Bundled by `bench.js`.
import { parse } from "yaml";
import validate from "./validate.js";

/** How many problems a text has; none of them with its place in the text. */
export function check(text) {
  return validate(parse(text)) ? 0 : validate.errors.length;
}
