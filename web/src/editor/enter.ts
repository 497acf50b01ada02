// Line ends as they are meant: Enter takes a completion only where the word is not whole yet, a line is indented by what
// stands above it, and whoever types the spaces does not get them twice.
import { closeCompletion, selectedCompletion, selectedCompletionIndex } from "@codemirror/autocomplete";
import { insertNewline, insertNewlineAndIndent } from "@codemirror/commands";
import { indentService } from "@codemirror/language";
import { EditorState, type Extension, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";

/** An indentation that Enter has made, until something is typed behind it. */
interface Made {
  end: number;
  width: number;
  /** Spaces that were typed since. */
  typed: number;
}

export function enter(): Extension {
  let made: Made | null = null;
  // Who types the spaces of one line types those of the next as well, until Tab asks for help or the editor is left.
  let ownSpaces = false;
  const newline = (view: EditorView): boolean => {
    if (ownSpaces) return insertNewline(view);
    if (!insertNewlineAndIndent(view)) return false;
    const { head } = view.state.selection.main;
    const line = view.state.doc.lineAt(head);
    const width = head - line.from;
    made = width > 0 && line.text.slice(0, width).trim() === "" ? { end: head, width, typed: 0 } : null;
    return true;
  };
  const input = (view: EditorView, from: number, to: number, text: string): boolean => {
    const indent = made;
    if (!indent || from !== to || from !== indent.end) return false;
    if (text === " " && indent.typed < indent.width) {
      indent.typed += 1;
      return true;
    }
    made = null;
    ownSpaces = indent.typed > 0;
    if (!ownSpaces || indent.typed === indent.width) return false;
    const start = indent.end - (indent.width - indent.typed);
    view.dispatch({ changes: { from: start, to, insert: text }, selection: { anchor: start + text.length }, userEvent: "input.type" });
    return true;
  };
  return [
    Prec.highest(keymap.of([{ key: "Enter", run: dismiss }])),
    keymap.of([
      { key: "Enter", run: newline },
      { key: "Tab", run: () => (ownSpaces = false) },
    ]),
    indentService.of((context, position) => {
      const { text } = context.lineAt(position, -1);
      // What is inside brackets, the parser knows better.
      if (/[[{,]\s*$/u.test(text)) return undefined;
      const column = /^\s*(?:- +)*/u.exec(text)?.[0].length ?? 0;
      return /^[^#]*:\s*(?:#.*)?$/u.test(text) ? column + context.unit : column;
    }),
    EditorView.inputHandler.of(input),
    EditorView.domEventHandlers({ blur: () => void (ownSpaces = false) }),
    EditorState.transactionExtender.of((transaction) => {
      if (made && (transaction.docChanged || transaction.selection)) made = null;
      return null;
    }),
  ];
}

/** A completion that is written already, or only an example, does not stand in the way of a line end. */
function dismiss(view: EditorView): boolean {
  const chosen = selectedCompletion(view.state);
  const { head } = view.state.selection.main;
  const whole = chosen !== null && view.state.sliceDoc(head - chosen.label.length, head) === chosen.label;
  const unasked = chosen?.type === "constant" && selectedCompletionIndex(view.state) === 0;
  if (whole || unasked) closeCompletion(view);
  return false;
}
