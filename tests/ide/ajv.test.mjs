// Tests the schemas with Ajv in strict mode.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import Ajv from "ajv";

const SCHEMAS = path.join(import.meta.dirname, "../../schemas");
/** Words for people, which no validator reads. */
const ANNOTATIONS = [
  "defaultSnippets",
  "deprecationMessage",
  "doNotSuggest",
  "errorMessage",
  "markdownDescription",
  "markdownEnumDescriptions",
  "patternErrorMessage",
  "x-api",
  "x-group",
  "x-secret",
  "x-unit",
];
const names = readdirSync(SCHEMAS).filter((name) => name.endsWith(".schema.json"));

function compiled(name) {
  // Environment variables are strings, numbers or booleans, so union types are allowed.
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  ajv.addVocabulary(ANNOTATIONS);
  return ajv.compile(JSON.parse(readFileSync(path.join(SCHEMAS, name), "utf8")));
}

test("compiles every schema in strict mode", () => {
  assert.equal(names.length, 5);
  for (const name of names) compiled(name);
});

// `cargo xtask test ide` makes the core write thousands of documents with its verdicts, one per line.
const cases = process.env.RUNAI_STEP_CASES;
test("agrees with the core", { skip: cases && existsSync(cases) ? false : "run by `cargo xtask test ide`" }, () => {
  const validators = new Map(["step", "settings", "operator", "zenml-run"].map((name) => [name, compiled(`${name}.schema.json`)]));
  const seen = { accepted: 0, refused: 0 };
  for (const line of readFileSync(cases, "utf8").trim().split("\n")) {
    const { schema, document, accepted } = JSON.parse(line);
    const validate = validators.get(schema);
    assert.equal(validate(document), accepted, `${schema}: ${line}\n${JSON.stringify(validate.errors)}`);
    seen[accepted ? "accepted" : "refused"] += 1;
  }
  assert.ok(seen.accepted > 500 && seen.refused > 500, JSON.stringify(seen));
});
