/** Language of a text. */
export type Format = "json" | "toml" | "yaml";

/** What a document describes. */
export type Kind = "operator" | "settings" | "step" | "zenml";

/** What JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** An operator file. */
export interface OperatorFile {
  text: string;
  format: Format;
}

/** What is known beside the text of a document. What is missing shows as `<name>`, `<image>`, … in what is rendered. */
export interface Facts {
  /** Name of the workload, exactly as it is sent. */
  name?: string;
  /** Image, in place of the step's. */
  image?: string;
  /** Command, in place of the step's, one item a token. */
  command?: string[];
  /** Environment variables beside the step's; they win. */
  environment?: Record<string, string | number | boolean>;
  /** Id of the project. */
  project_id?: string;
  /** Id of the cluster, a UUID. */
  cluster_id?: string;
  /** Name of a step of a ZenML run configuration; the first one without it. */
  step?: string;
  /** URL of the control plane; the operator file's without it, else the shell's `$RUNAI_BASE_URL`. */
  base_url?: string;
}

/** What a function gets beside the text of a document. */
export interface Context extends Facts {
  /** Kind of the document; without one it is told by its keys. */
  kind?: Kind;
  /** The operator file under the document. */
  operator?: OperatorFile;
}

/** What a document begins with. */
export interface DocumentInit {
  text: string;
  format: Format;
  /** Without one it is told by the keys. */
  kind?: Kind;
  /** The operator file under the document. */
  operator?: OperatorFile | null;
  /** What is known beside the text. */
  context?: Facts;
}

/** What was found in a text, and where. Lines and columns count from 1, columns in characters; ends are exclusive. */
export interface Diagnostic {
  code: string;
  severity: "error" | "note" | "warning";
  /** One headline that stands alone. */
  message: string;
  /** What to do. */
  help: string | null;
  /** JSON pointer of the value. */
  path: string;
  line: number;
  column: number;
  end_line: number;
  end_column: number;
  /** In UTF-8 bytes from 0. */
  offset: number;
  /** In UTF-8 bytes from 0. */
  end_offset: number;
  /** In UTF-16 code units from 0, as strings and editors count. */
  utf16_offset: number;
  /** In UTF-16 code units from 0, as strings and editors count. */
  utf16_end_offset: number;
  /** Other places that the problem is about. */
  related: Related[];
  /** What the problem means for an editor. */
  tags: ("deprecated" | "secret" | "unnecessary")[];
  /** Edits that solve the problem, the most likely first. */
  fixes: Fix[];
}

/** Another place that a problem is about, in UTF-16 code units. */
export interface Related {
  /** `document` or `operator`. */
  path: string;
  from: number;
  to: number;
  /** What is there. */
  message: string;
}

/** An edit of one or more places that solves a problem. */
export interface Fix {
  /** In the imperative, such as ``Rename `gpu_portion` to `gpu_portion_request` ``. */
  title: string;
  /** `safe` keeps the meaning, `unsafe` may change it, `display-only` has a placeholder or takes something away. */
  applicability: "safe" | "unsafe" | "display-only";
  /** In order, and apart from each other. */
  edits: FixEdit[];
}

/** An edit of the text that `path` names: `document` or `operator`. */
export interface FixEdit extends Edit {
  path: string;
}

/** All that was found in a text, in the order of its places. */
export interface Report {
  /** Whether there is no error; warnings do not count. */
  ok: boolean;
  /** Kind of the document; missing if it does not parse. */
  kind?: Kind;
  diagnostics: Diagnostic[];
  /** What was found in the operator file; missing if nothing was. */
  operator?: Report;
}

/** The body of the request that creates the workload. */
export interface Rendered {
  /** Made of the text when it is first asked for. */
  readonly body: { [member: string]: Json };
  /** The same body as text, with its numbers as they are sent. */
  text: string;
  /** Names of the steps of a ZenML run configuration. */
  steps: string[];
  /** Warnings. */
  report: Report;
}

/** One request of the API, without credentials. */
export interface Request {
  request: {
    method: "DELETE" | "GET" | "POST";
    path: string;
    query?: [string, string][];
    body?: { [member: string]: Json };
  };
  /** The same request as a shell command; the token is the shell's `$RUNAI_TOKEN`. */
  curl: string;
}

/** A stretch of a text, in UTF-16 code units, and what takes its place. */
export interface Edit {
  from: number;
  to: number;
  insert: string;
}

/** A rule in short. */
export interface Rule {
  code: string;
  severity: "error" | "note" | "warning";
  summary: string;
}

/** A rule, explained. */
export interface RuleExplanation extends Rule {
  type: "rule";
  /** Markdown. */
  docs: string;
  /** A text that keeps the rule. */
  valid: string;
  /** A text that breaks it. */
  invalid: string;
}

/** A setting, explained. */
export interface SettingExplanation {
  type: "setting";
  /** `gpu_portion_request`, `pvc_mounts.path`, … */
  path: string;
  /** Markdown. */
  description: string;
  /** What its value may be, in words. */
  value: string;
  default?: Json;
  unit?: string;
  /** Member of the request that it becomes. */
  api?: string;
  example: Json;
  /** Settings inside it. */
  fields?: string[];
}

/** One thing that the service account has to be allowed. */
export interface Permission {
  entity: string;
  action: "create" | "delete" | "edit" | "view";
  operation: string;
  /** The setting that asks for it; null if every step needs it. */
  setting: string | null;
}

/** A set of permissions that roles are made of. */
export interface PermissionSet {
  name: string;
  covers: Permission[];
}

/** What the service account has to be allowed. */
export interface Needs {
  permissions: {
    needed: Permission[];
    scope: "project";
    project: string | null;
    roles: { name: string; versions: string; uncertain: string[] }[];
  };
  sets: PermissionSet[];
  /** The body of a request that makes a role of these permissions. */
  role: { [member: string]: Json };
}

/** A command or program that does what the document says. */
export interface Snippet {
  id: "curl" | "runai" | "runai-step" | "runapy" | "zenml";
  /** What it is, in a few words. */
  title: string;
  language: "python" | "shell";
  text: string;
  /** What of the settings it cannot say. */
  notes: string[];
}

/** What follows from the text of a document. */
export interface Analysis {
  /** Whether there is no error; warnings do not count. */
  ok: boolean;
  diagnostics: Diagnostic[];
  /** What was found in the operator file; missing if nothing was. */
  operator?: Report;
  /** Kind of the document; null if it does not parse. */
  kind: Kind | null;
  /** The values of the text; null if it has none, missing if it cannot be read as JSON. */
  values?: Json;
  /** Why there are no values. */
  unreadable?: string;
  /** The request body as text, with its numbers as they are sent; null if the text has errors. */
  body: string | null;
  /** Names of the steps of a ZenML run configuration. */
  steps: string[];
  /** Where each member of the body comes from; null if the text has errors. */
  sourceMap: MemberSource[] | null;
  /** The settings that have no effect, written or not, also while the text has errors. */
  inactive: Inactive[];
  permissions: Needs;
}

/** A part of an analysis; `diagnostics` brings `ok` and `operator`, `values` brings `unreadable`. */
export type AnalysisPart = "diagnostics" | "kind" | "values" | "body" | "steps" | "sourceMap" | "inactive" | "permissions";

/** The origin of a member of the body. */
export interface MemberSource {
  /** JSON pointer of the member. */
  member: string;
  /** JSON pointer of the setting in a map of settings, or of a key of the step file; null if no setting decides. */
  setting: string | null;
  source: "context" | "default" | "document" | "operator" | "override" | "variable";
  /** Where the value is written: in `document` or `operator`, in UTF-16 code units. */
  place: { path: string; from: number; to: number } | null;
}

/** A setting that has no effect beside the others. */
export interface Inactive {
  /** Name of the step of a ZenML run configuration. */
  step?: string;
  /** JSON pointer of the setting in a map of settings. */
  path: string;
  /** To follow its name: ``has no effect with `gpu_devices_request: 0` and is not sent``. */
  because: string;
}

/** Where a value is written, or would be inserted (`from` and `to` are then the same), in UTF-16 code units. */
export interface Place {
  from: number;
  to: number;
  written: boolean;
}
