/** Format of a text. */
export type Format = "json" | "toml" | "yaml";

/** Kind of a document. */
export type Kind = "operator" | "settings" | "step" | "zenml";

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** An operator file. */
export interface OperatorFile {
  text: string;
  format: Format;
}

/** Facts that are not in the document. Rendered requests show missing ones as `<name>`, `<image>`, … */
export interface Facts {
  /** Name of the workload, exactly as it is sent. */
  name?: string;
  /** Overrides the step's image. */
  image?: string;
  /** Overrides the step's command; one item per token. */
  command?: string[];
  /** Environment variables, which override the step's. */
  environment?: Record<string, string | number | boolean>;
  /** Project ID. */
  project_id?: string;
  /** Cluster ID, a UUID. */
  cluster_id?: string;
  /** Name of a step of a ZenML run configuration. Default: the first step. */
  step?: string;
  /** URL of the control plane. Default: the operator file's, else the shell's `$RUNAI_BASE_URL`. */
  base_url?: string;
}

/** Arguments of a function in addition to the document's text. */
export interface Context extends Facts {
  /** Kind of the document. Default: detected by its keys. */
  kind?: Kind;
  /** The operator file, which provides defaults. */
  operator?: OperatorFile;
}

/** Arguments of the `Document` constructor. */
export interface DocumentInit {
  text: string;
  format: Format;
  /** Kind of the document. Default: detected by its keys. */
  kind?: Kind;
  /** The operator file, which provides defaults. */
  operator?: OperatorFile | null;
  /** Facts that are not in the text. */
  context?: Facts;
}

/** A problem and its place. Lines and columns count from 1, columns in characters; ends are exclusive. */
export interface Diagnostic {
  code: string;
  severity: "error" | "note" | "warning";
  /** A headline that can be shown alone. */
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
  /** Related places. */
  related: Related[];
  /** Hints for editors. */
  tags: ("deprecated" | "secret" | "unnecessary")[];
  /** Fixes, the most likely first. */
  fixes: Fix[];
}

/** A related place of a problem, in UTF-16 code units. */
export interface Related {
  /** `document` or `operator`. */
  path: string;
  from: number;
  to: number;
  /** Description of the place. */
  message: string;
}

/** Edits that fix a problem. */
export interface Fix {
  /** In the imperative, such as ``Rename `gpu_portion` to `gpu_portion_request` ``. */
  title: string;
  /** `safe` preserves the meaning, `unsafe` may change it, `display-only` has a placeholder or removes something. */
  applicability: "safe" | "unsafe" | "display-only";
  /** Sorted and not overlapping. */
  edits: FixEdit[];
}

/** An edit of the text that `path` names: `document` or `operator`. */
export interface FixEdit extends Edit {
  path: string;
}

/** The diagnostics of a text, in the order of their places. */
export interface Report {
  /** Whether there are no errors; warnings do not count. */
  ok: boolean;
  /** Kind of the document; missing if it does not parse. */
  kind?: Kind;
  diagnostics: Diagnostic[];
  /** The report of the operator file; missing if there are no diagnostics. */
  operator?: Report;
}

/** The body of the request that creates the workload. */
export interface Rendered {
  /** Parsed from `text` on first use. */
  readonly body: { [member: string]: Json };
  /** The body as text, with numbers as they are sent. */
  text: string;
  /** Names of the steps of a ZenML run configuration. */
  steps: string[];
  /** Warnings. */
  report: Report;
}

/** An API request without credentials. */
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

/** Replaces a range of a text, in UTF-16 code units. */
export interface Edit {
  from: number;
  to: number;
  insert: string;
}

/** A rule's summary. */
export interface Rule {
  code: string;
  severity: "error" | "note" | "warning";
  summary: string;
}

/** A rule's documentation. */
export interface RuleExplanation extends Rule {
  type: "rule";
  /** Markdown. */
  docs: string;
  /** A valid example. */
  valid: string;
  /** An invalid example. */
  invalid: string;
}

/** A setting's documentation. */
export interface SettingExplanation {
  type: "setting";
  /** `gpu_portion_request`, `pvc_mounts.path`, … */
  path: string;
  /** Markdown. */
  description: string;
  /** Description of the accepted values. */
  value: string;
  default?: Json;
  unit?: string;
  /** The request member. */
  api?: string;
  example: Json;
  /** Nested settings. */
  fields?: string[];
}

/** A permission that the service account needs. */
export interface Permission {
  entity: string;
  action: "create" | "delete" | "edit" | "view";
  operation: string;
  /** The setting that requires it; `null` if every step does. */
  setting: string | null;
}

/** A permission set, as used in roles. */
export interface PermissionSet {
  name: string;
  covers: Permission[];
}

/** The permissions that the service account needs. */
export interface Needs {
  permissions: {
    needed: Permission[];
    scope: "project";
    project: string | null;
    roles: { name: string; versions: string; uncertain: string[] }[];
  };
  sets: PermissionSet[];
  /** The body of a request that creates a role with these permissions. */
  role: { [member: string]: Json };
}

/** A command or program that submits the step. */
export interface Snippet {
  id: "curl" | "runai" | "runai-step" | "runapy" | "zenml";
  /** Short title. */
  title: string;
  language: "python" | "shell";
  text: string;
  /** Settings that it cannot express. */
  notes: string[];
}

/** The analysis of a document. */
export interface Analysis {
  /** Whether there are no errors; warnings do not count. */
  ok: boolean;
  diagnostics: Diagnostic[];
  /** The report of the operator file; missing if there are no diagnostics. */
  operator?: Report;
  /** Kind of the document; null if it does not parse. */
  kind: Kind | null;
  /** The values of the text; `null` if it has none, missing if it does not convert to JSON. */
  values?: Json;
  /** Why there are no values. */
  unreadable?: string;
  /** The request body as text, with numbers as they are sent; `null` if the text has errors. */
  body: string | null;
  /** Names of the steps of a ZenML run configuration. */
  steps: string[];
  /** The origin of each member of the body; `null` if the text has errors. */
  sourceMap: MemberSource[] | null;
  /** Settings without effect, written or not, also while the text has errors. */
  inactive: Inactive[];
  permissions: Needs;
}

/** A part of an analysis; `diagnostics` includes `ok` and `operator`, `values` includes `unreadable`. */
export type AnalysisPart = "diagnostics" | "kind" | "values" | "body" | "steps" | "sourceMap" | "inactive" | "permissions";

/** The origin of a member of the body. */
export interface MemberSource {
  /** JSON pointer of the member. */
  member: string;
  /** JSON pointer of the setting in a map of settings, or of a key of the step file; `null` for a constant. */
  setting: string | null;
  source: "context" | "default" | "document" | "operator" | "override" | "variable";
  /** The value's range in `document` or `operator`, in UTF-16 code units. */
  place: { path: string; from: number; to: number } | null;
}

/** A setting without effect, given the other settings. */
export interface Inactive {
  /** Name of the step of a ZenML run configuration. */
  step?: string;
  /** JSON pointer of the setting in a map of settings. */
  path: string;
  /** A predicate for the setting's name: ``has no effect with `gpu_devices_request: 0` and is not sent``. */
  because: string;
}

/** The range of a value, or the position to insert it (`from` equals `to`), in UTF-16 code units. */
export interface Place {
  from: number;
  to: number;
  written: boolean;
}
