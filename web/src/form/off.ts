// Which settings have no effect at present, and why. Each is tried out beside the other settings of its group: one that
// does not reach the request is off, and the core says why. No dependency is known here.
import type { Core, Json } from "runai-spec";
import { isMap } from "../pointer";
import * as pointers from "../pointer";
import { type Group, sample, type Schema } from "../schema";

const known = new Map<string, Map<string, string>>();
const MOST_KNOWN = 200;

/** The reasons by the key of the setting. */
export function reasons(core: Core, schema: Schema, group: Group, values: Json | undefined): Map<string, string> {
  const scalars = group.fields.filter(({ node }) => !node.items && !node.properties && !node.additionalProperties && node["x-api"]);
  const written: Record<string, Json> = {};
  for (const { key } of scalars) {
    const value = isMap(values) ? values[key] : undefined;
    if (value !== undefined && value !== null && typeof value !== "object") written[key] = value;
  }
  const question = `${group.id} ${JSON.stringify(written)}`;
  const before = known.get(question);
  if (before) return before;
  const samples = Object.fromEntries(scalars.map(({ key, node }) => [key, sample(schema, node)]));
  const found = new Map<string, string>();
  let together: Map<string, string> | undefined;
  for (const { key, node } of scalars) {
    const api = node["x-api"] ?? "";
    let tried = attempt(core, { ...written, [key]: written[key] ?? samples[key] ?? null }, [[key, api]]);
    // One that asks for others cannot be tried alone.
    if (!tried) {
      together ??= attempt(core, { ...samples, ...written }, scalars.map(({ key, node }) => [key, node["x-api"] ?? ""])) ?? new Map();
      tried = together;
    }
    const reason = tried.get(key);
    if (reason !== undefined) found.set(key, reason);
  }
  if (known.size > MOST_KNOWN) known.clear();
  known.set(question, found);
  return found;
}

/** Those of the settings that do not reach the request; nothing if there is no request. */
function attempt(core: Core, settings: Record<string, Json>, tried: [key: string, api: string][]): Map<string, string> | undefined {
  const rendered = core.render(JSON.stringify(settings), "json", { kind: "settings" });
  if ("diagnostics" in rendered) return undefined;
  const found = new Map<string, string>();
  for (const [key, api] of tried) {
    if (pointers.get(rendered.body, pointers.join("", ...api.split("."))) !== undefined) continue;
    const why = rendered.report.diagnostics.find(({ path }) => path === `/${key}`);
    if (why) found.set(key, why.message);
  }
  return found;
}
