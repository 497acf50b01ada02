// The YAML editor. It owns the text and its history; everything else asks it for changes.
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

/** Marks a change that came from outside the editor. */
const fromOutside = Annotation.define<boolean>();
/** Up to so much all of the text is drawn, not only what is in view: for screen readers, and for the browser's own search. */
const MOST_DRAWN = { lines: 1_000, length: 100_000 };

/** Parts of the text's tree from this length on are kept when another part changes; by default a long text is read anew. */
const REUSED = 64;

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
        new LanguageSupport(yamlLanguage.configure({ bufferLength: REUSED })),
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
          { key: "Escape", run: leave },
          ...defaultKeymap,
          indentWithTab,
        ]),
        EditorView.contentAttributes.of({ "aria-label": "Settings YAML", "aria-describedby": "editor-keys", tabindex: "0", spellcheck: "false" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) {
            store.changed(update.state.doc.toString());
            drawWhole(update.view);
          }
          const outside = update.transactions.some((transaction) => transaction.annotation(fromOutside));
          if ((update.selectionSet || update.docChanged) && !outside && update.view.hasFocus) {
            const pointer = pointerAt(update.state.doc, update.state.selection.main.head);
            const before = store.active.peek();
            // Most keys stay in a setting, and nothing has to look for it again.
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
      view.dispatch({ changes: smallest(view.state.doc.toString(), text), annotations: [fromOutside.of(true), isolateHistory.of("full")] });
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
  drawWhole(view);

  const underline = (found: Diagnostic[]): void => {
    if (found.length === 0 && diagnosticCount(view.state) === 0) return;
    const length = view.state.doc.length;
    const diagnostics = found.map((diagnostic) => ({
      from: Math.min(diagnostic.utf16_offset, length),
      // Of a map or a list that goes over several lines the first is underlined, not all with their indentation.
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
    // The list of problems and the request are shown first.
    later = setTimeout(() => underline(found));
  });
  return view;
}

/** CodeMirror has a switch for printing, which has no public name. */
function drawWhole(view: EditorView): void {
  const { viewState } = view as unknown as { viewState: { printing: boolean } };
  const { lines, length } = view.state.doc;
  const whole = lines <= MOST_DRAWN.lines && length <= MOST_DRAWN.length;
  if (viewState.printing === whole) return;
  viewState.printing = whole;
  view.requestMeasure();
}

/** Escape goes on to what follows the editor, since Tab indents. Lists and panels of the editor have closed before. */
function leave(view: EditorView): boolean {
  if (completionStatus(view.state) !== null) return false;
  view.contentDOM.blur();
  document.getElementById("problems-title")?.focus();
  return true;
}

/** The change between two texts, without what they have in common at both ends: the cursor then stays where it is. */
function smallest(before: string, after: string): { from: number; to: number; insert: string } {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}

