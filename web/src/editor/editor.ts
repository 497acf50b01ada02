// The YAML editor. It owns the text and its undo history.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, completionStatus } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab, isolateHistory, redo, undo } from "@codemirror/commands";
import { yamlLanguage } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentUnit, LanguageSupport, syntaxHighlighting } from "@codemirror/language";
import { diagnosticCount, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, EditorState, Transaction } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { effect } from "@preact/signals";
import { classHighlighter } from "@lezer/highlight";
import type { Diagnostic } from "runai-spec";
import { fixesOf } from "../edits";
import * as store from "../store";
import { enter } from "./enter";
import { pointerAt } from "./place";
import { complete, hover } from "./completion";

/** Marks a change from outside the editor. */
const fromOutside = Annotation.define<boolean>();
/** Texts up to these limits are rendered whole, for screen readers and the browser's search. */
const MAX_RENDERED_WHOLE = { lines: 1_000, length: 100_000 };

/** Minimum length of syntax subtrees that the parser reuses. With the default, long texts are parsed again. */
const MIN_REUSED = 64;

export function mount(parent: HTMLElement, doc: string): EditorView {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc,
      extensions: [
        lineNumbers(),
        foldGutter({ openText: "▾", closedText: "▸" }),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        highlightActiveLine(),
        highlightSelectionMatches(),
        search({ top: true }),
        indentUnit.of("  "),
        EditorState.tabSize.of(2),
        enter(),
        new LanguageSupport(yamlLanguage.configure({ bufferLength: MIN_REUSED })),
        syntaxHighlighting(classHighlighter),
        autocompletion({ override: [complete], icons: false }),
        hoverTooltip(hover, { hoverTime: 250 }),
        keymap.of([
          { key: "Tab", run: acceptCompletion },
          ...closeBracketsKeymap,
          ...completionKeymap,
          ...lintKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...foldKeymap,
          { key: "Escape", run: leaveEditor },
          ...defaultKeymap,
          indentWithTab,
        ]),
        EditorView.contentAttributes.of({ "aria-label": "Settings YAML", "aria-describedby": "editor-keys", tabindex: "0", spellcheck: "false" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) {
            store.changed(update.state.doc.toString());
            renderWhole(update.view);
          }
          const outside = update.transactions.some((transaction) => transaction.annotation(fromOutside));
          if ((update.selectionSet || update.docChanged) && !outside && update.view.hasFocus) {
            const pointer = pointerAt(update.state.doc, update.state.selection.main.head);
            const before = store.active.peek();
            // Most key presses stay in the same setting.
            if (before?.pointer !== pointer || before.from !== "text") store.active.value = { pointer, from: "text" };
          }
        }),
      ],
    }),
  });

  store.attach({
    apply(edits, { whole = true } = {}) {
      view.dispatch({
        changes: edits,
        annotations: [fromOutside.of(true), Transaction.userEvent.of("input.form"), ...(whole ? [isolateHistory.of("full")] : [])],
      });
    },
    replace(text) {
      view.dispatch({ changes: minimalChange(view.state.doc.toString(), text), annotations: [fromOutside.of(true), isolateHistory.of("full")] });
    },
    reveal(from, to, focus) {
      const length = view.state.doc.length;
      view.dispatch({
        selection: { anchor: Math.min(from, length), head: Math.min(to, length) },
        effects: EditorView.scrollIntoView(Math.min(from, length), { y: "center" }),
        annotations: fromOutside.of(true),
      });
      if (focus) view.focus();
    },
    undo: () => undo(view),
    redo: () => redo(view),
    focus: () => view.focus(),
  });
  store.changed(doc);
  renderWhole(view);

  const underline = (found: Diagnostic[]): void => {
    if (found.length === 0 && diagnosticCount(view.state) === 0) return;
    const length = view.state.doc.length;
    const diagnostics = found.map((diagnostic) => ({
      from: Math.min(diagnostic.utf16_offset, length),
      // Underline only the first line of a multi-line map or list.
      to: Math.min(diagnostic.utf16_end_offset, view.state.doc.lineAt(Math.min(diagnostic.utf16_offset, length)).to),
      severity: diagnostic.severity === "note" ? ("info" as const) : diagnostic.severity,
      source: diagnostic.code,
      message: diagnostic.help ? `${diagnostic.message}\n${diagnostic.help}` : diagnostic.message,
      actions: fixesOf(diagnostic).map(({ title, edits }) => ({
        name: title.replaceAll("`", ""),
        apply: () => view.dispatch({ changes: edits, annotations: isolateHistory.of("full") }),
      })),
    }));
    view.dispatch(setDiagnostics(view.state, diagnostics));
  };
  let later: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const found = store.diagnostics.value;
    clearTimeout(later);
    // Render the problems and the request first.
    later = setTimeout(() => underline(found));
  });
  return view;
}

/** Uses CodeMirror's private printing flag. */
function renderWhole(view: EditorView): void {
  const { viewState } = view as unknown as { viewState: { printing: boolean } };
  const { lines, length } = view.state.doc;
  const whole = lines <= MAX_RENDERED_WHOLE.lines && length <= MAX_RENDERED_WHOLE.length;
  if (viewState.printing === whole) return;
  viewState.printing = whole;
  view.requestMeasure();
}

/** Moves the focus to the problems on Escape, since Tab indents. Popups and panels handle Escape first. */
function leaveEditor(view: EditorView): boolean {
  if (completionStatus(view.state) !== null) return false;
  view.contentDOM.blur();
  document.getElementById("problems-title")?.focus();
  return true;
}

/** Returns the change without the texts' common prefix and suffix, so that the cursor stays in place. */
function minimalChange(before: string, after: string): { from: number; to: number; insert: string } {
  const limit = Math.min(before.length, after.length);
  let start = 0;
  while (start < limit && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < limit - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}

