// Settings as the core's schemas describe them: the page has no copy of a setting.
import type { Core, Json, Kind } from "runai-spec";
import * as pointers from "./pointer";

/** A node of a JSON Schema, with the keywords that the core emits. */
export interface Node {
  $ref?: string;
  then?: Node;
  additionalProperties?: boolean | null | Node;
  allOf?: Node[];
  anyOf?: Node[];
  default?: Json;
  defaultSnippets?: { label: string; description?: string; body: Json }[];
  definitions?: Record<string, Node>;
  description?: string;
  doNotSuggest?: boolean;
  enum?: Json[];
  examples?: Json[];
  exclusiveMinimum?: number;
  items?: Node;
  markdownEnumDescriptions?: string[];
  maximum?: number;
  minimum?: number;
  patternProperties?: Record<string, Node>;
  properties?: Record<string, Node>;
  propertyNames?: Node;
  required?: string[];
  type?: string | string[];
  "x-api"?: string;
  "x-group"?: string;
  "x-secret"?: boolean;
  "x-unit"?: string;
}

const NAMES = { operator: "operator", settings: "settings", step: "step", zenml: "zenml-run" } as const;

/** A block of settings in a document. */
export interface Block {
  pointer: string;
  node: Node;
}

/** The schema of one kind of document. */
export class Schema {
  readonly root: Node;
  readonly #values = new Map<Node, Node>();

  constructor(core: Core, kind: Kind) {
    this.root = core.schema(NAMES[kind]) as unknown as Node;
  }

  /** Resolves references, conditions and placeholder alternatives of a node. */
  resolve(node: Node): Node {
    const name = node.$ref?.split("/").at(-1);
    const found = (name !== undefined && this.root.definitions?.[name]) || node;
    const same = found.then ?? (found.allOf?.length === 1 ? found.allOf[0] : undefined);
    if (found.properties === undefined && same?.$ref !== undefined) return this.resolve(same);
    const value = found.anyOf?.[0];
    if (value === undefined) return found;
    // ZenML files allow a placeholder for any value; the form edits the value.
    const whole = this.#values.get(found) ?? { ...found, ...value };
    this.#values.set(found, whole);
    return whole;
  }

  child(node: Node, key: string): Node | undefined {
    const found = this.resolve(node);
    const named = found.properties?.[key] ?? this.#byPattern(found, key);
    const other = found.items ?? found.additionalProperties;
    const next = named ?? (typeof other === "object" && other !== null ? other : undefined);
    return next && this.resolve(next);
  }

  #byPattern(node: Node, key: string): Node | undefined {
    const patterns = Object.entries(node.patternProperties ?? {});
    return patterns.find(([pattern]) => new RegExp(pattern, "u").test(key))?.[1];
  }

  at(pointer: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const key of pointers.parse(pointer)) node = node && this.child(node, key);
    return node;
  }

  /** Returns the settings blocks of a document. */
  blocks(value: Json | undefined): Block[] {
    const found: Block[] = [];
    const visit = (node: Node, pointer: string, value: Json | undefined): void => {
      if (isBlock(node)) {
        if (!this.#isOfAnotherFlavor(node, value)) found.push({ pointer, node });
        return;
      }
      for (const [key, inner] of Object.entries(node.properties ?? {})) {
        const child = this.resolve(inner);
        if (isBlock(child)) found.push({ pointer: pointers.join(pointer, key), node: child });
      }
      if (!pointers.isMap(value)) return;
      for (const [key, inner] of Object.entries(value)) {
        const child = this.child(node, key);
        const seen = node.properties?.[key];
        if (child && !(seen && isBlock(this.resolve(seen)))) visit(child, pointers.join(pointer, key), inner);
      }
    };
    visit(this.root, "", value);
    return found;
  }

  /** Returns whether a block under ZenML's short key has only keys of another flavor. */
  #isOfAnotherFlavor(block: Node, value: Json | undefined): boolean {
    if (this.root.definitions?.block_of_any_flavor === undefined || !pointers.isMap(value)) return false;
    const keys = Object.keys(value);
    return keys.length > 0 && !keys.some((key) => key in (block.properties ?? {}));
  }
}

function isBlock(node: Node): boolean {
  return Object.values(node.properties ?? {}).some((property) => property["x-group"] !== undefined);
}

/** The type of a value, without `null`. */
export function typeOf(node: Node): string {
  const types = Array.isArray(node.type) ? node.type : [node.type ?? ""];
  return types.find((type) => type !== "null") ?? "";
}

/** The values to choose from, without `null`. */
export function choices(node: Node): string[] {
  return (node.enum ?? []).filter((value): value is string => typeof value === "string");
}

/** Returns a sample value: the schema's example or default, else a minimal value of the type. */
export function sample(schema: Schema, node: Node): Json {
  const example = node.examples?.[0] ?? node.default;
  if (example !== undefined && example !== null) return example;
  const choice = choices(node)[0];
  if (choice !== undefined) return choice;
  switch (typeOf(node)) {
    case "array":
      return [];
    case "boolean":
      return true;
    case "integer":
    case "number":
      return node.minimum ?? 0;
    case "object":
      return Object.fromEntries(
        (node.required ?? []).map((key) => [key, sample(schema, schema.resolve(node.properties?.[key] ?? {}))]),
      );
    default:
      return "";
  }
}

/** Returns a schema snippet with its placeholders expanded. */
export function expandSnippet(body: Json): Json {
  if (typeof body === "string") {
    const text = body.replace(/\$\{\d+:([^}]*)\}/gu, "$1");
    return text.startsWith("^") ? (JSON.parse(text.slice(1)) as Json) : text;
  }
  if (Array.isArray(body)) return body.map(expandSnippet);
  if (pointers.isMap(body)) return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, expandSnippet(value)]));
  return body;
}

/** Order and titles of the groups. Other groups follow under their own names. */
const GROUPS = new Map([
  ["connection", "Connection"],
  ["gpu", "GPU"],
  ["cpu", "CPU and memory"],
  ["scheduling", "Scheduling"],
  ["storage", "Storage"],
  ["security", "Security"],
  ["network", "Network"],
  ["lifecycle", "Lifecycle"],
  ["metadata", "Metadata"],
]);

export interface Field {
  key: string;
  /** JSON pointer of the value in the document. */
  pointer: string;
  /** Path for `explain`, such as `pvc_mounts.path`. */
  path: string;
  node: Node;
  required: boolean;
}

export interface Group {
  id: string;
  title: string;
  fields: Field[];
}

export function fields(schema: Schema, node: Node, pointer: string, path: string): Field[] {
  const found: Field[] = [];
  for (const [key, inner] of Object.entries(node.properties ?? {})) {
    const child = schema.resolve(inner);
    if (child.doNotSuggest || isBlock(child)) continue;
    const required = node.required?.includes(key) ?? false;
    found.push({ key, pointer: pointers.join(pointer, key), path: path ? `${path}.${key}` : key, node: child, required });
  }
  return found.sort((one, other) => rank(one) - rank(other));
}

/** Sort key: required settings, then settings with a default; scalars before lists and maps. */
function rank({ node, required }: Field): number {
  const structure = ["array", "object"].includes(typeOf(node)) ? 1 : 0;
  return structure + (required ? 0 : node.default !== undefined ? 2 : 4);
}

/** Returns the settings of a block by group. */
export function groups(schema: Schema, block: Block): Group[] {
  const found = new Map<string, Group>([...GROUPS].map(([id, title]) => [id, { id, title, fields: [] }]));
  for (const field of fields(schema, block.node, block.pointer, "")) {
    const id = field.node["x-group"] ?? "other";
    let group = found.get(id);
    if (!group) found.set(id, (group = { id, title: id[0]?.toUpperCase() + id.slice(1), fields: [] }));
    group.fields.push(field);
  }
  return [...found.values()].filter((group) => group.fields.length > 0);
}

/** Returns whether a setting is shown first: it is required, has a default or is in a snippet. */
export function isPrimary(block: Node, field: Field): boolean {
  const inSnippet = (block.defaultSnippets ?? []).some(({ body }) => pointers.isMap(body) && field.key in body);
  return field.required || field.node.default !== undefined || inSnippet;
}
