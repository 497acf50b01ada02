// The Enter key: it accepts a completion only for an incomplete word and indents by the line above. Indentation that the
// user then types is not added twice.
import { closeCompletion, selectedCompletion, selectedCompletionIndex } from "@codemirror/autocomplete";
import { insertNewline, insertNewlineAndIndent } from "@codemirror/commands";
import { indentService } from "@codemirror/language";
import { EditorState, type Extension, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";

/** Indentation that Enter inserted, until other text is typed. */
interface AutoIndent {
  end: number;
  width: number;
  /** Spaces typed since. */
  typed: number;
}

export function enter(): Extension {
  let autoIndent: AutoIndent | null = null;
  // After manual indentation, Enter no longer indents, until Tab is pressed or the editor loses focus.
  let manualIndent = false;
  const newline = (view: EditorView): boolean => {
    if (manualIndent) return insertNewline(view);
    if (!insertNewlineAndIndent(view)) return false;
    const { head } = view.state.selection.main;
    const line = view.state.doc.lineAt(head);
    const width = head - line.from;
    autoIndent = width > 0 && line.text.slice(0, width).trim() === "" ? { end: head, width, typed: 0 } : null;
    return true;
  };
  const input = (view: EditorView, from: number, to: number, text: string): boolean => {
    const indent = autoIndent;
    if (!indent || from !== to || from !== indent.end) return false;
    if (text === " " && indent.typed < indent.width) {
      indent.typed += 1;
      return true;
    }
    autoIndent = null;
    manualIndent = indent.typed > 0;
    if (!manualIndent || indent.typed === indent.width) return false;
    const start = indent.end - (indent.width - indent.typed);
    view.dispatch({ changes: { from: start, to, insert: text }, selection: { anchor: start + text.length }, userEvent: "input.type" });
    return true;
  };
  return [
    Prec.highest(keymap.of([{ key: "Enter", run: dismiss }])),
    keymap.of([
      { key: "Enter", run: newline },
      { key: "Tab", run: () => (manualIndent = false) },
    ]),
    indentService.of((context, position) => {
      const { text } = context.lineAt(position, -1);
      // Inside brackets, the parser indents.
      if (/[[{,]\s*$/u.test(text)) return undefined;
      const column = /^\s*(?:- +)*/u.exec(text)?.[0].length ?? 0;
      return /^[^#]*:\s*(?:#.*)?$/u.test(text) ? column + context.unit : column;
    }),
    EditorView.inputHandler.of(input),
    EditorView.domEventHandlers({ blur: () => void (manualIndent = false) }),
    EditorState.transactionExtender.of((transaction) => {
      if (autoIndent && (transaction.docChanged || transaction.selection)) autoIndent = null;
      return null;
    }),
  ];
}

/** Closes a completion that is already typed or only an example, so that Enter inserts a line. */
function dismiss(view: EditorView): boolean {
  const chosen = selectedCompletion(view.state);
  const { head } = view.state.selection.main;
  const typed = chosen !== null && view.state.sliceDoc(head - chosen.label.length, head) === chosen.label;
  const isExample = chosen?.type === "constant" && selectedCompletionIndex(view.state) === 0;
  if (typed || isExample) closeCompletion(view);
  return false;
}
