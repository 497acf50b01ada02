// Commands and programs with syntax highlighting.
import { yamlLanguage } from "@codemirror/lang-yaml";
import { type Language, StreamLanguage } from "@codemirror/language";
import { python } from "@codemirror/legacy-modes/mode/python";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { classHighlighter, highlightCode } from "@lezer/highlight";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";

export type CodeLanguage = "json" | "python" | "shell" | "toml";

const LANGUAGES: Record<CodeLanguage, Language> = {
  // JSON is a subset of YAML.
  json: yamlLanguage,
  python: StreamLanguage.define(python),
  shell: StreamLanguage.define(shell),
  toml: StreamLanguage.define(toml),
};

/** Longer texts, in UTF-16 code units, are shown without highlighting. */
const MAX_HIGHLIGHTED = 60_000;

export function Code({ text, language, label }: { text: string; language: CodeLanguage; label: string }): VNode {
  const parts = useMemo(() => (text.length > MAX_HIGHLIGHTED ? [text] : highlighted(text, LANGUAGES[language])), [text, language]);
  return (
    <pre class="code" role="textbox" aria-multiline="true" aria-readonly="true" aria-label={label} tabIndex={0}>
      {parts}
    </pre>
  );
}

function highlighted(text: string, language: Language): (string | VNode)[] {
  const parts: (string | VNode)[] = [];
  highlightCode(
    text,
    language.parser.parse(text),
    classHighlighter,
    (part, classes) => parts.push(classes ? <span class={classes}>{part}</span> : part),
    () => parts.push("\n"),
  );
  return parts;
}
