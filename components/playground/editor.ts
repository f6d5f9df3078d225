import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
  type LanguageSupport,
  syntaxHighlighting,
} from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension, Prec, type Text } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';
import { EDITOR_GRAMMARS } from '#lib/languages/editor-grammars';
import { findLanguageInfo } from '#lib/languages/infos';
import type { LanguageId } from '#lib/wire/code';
import { createFindPanel } from './find-panel.tsx';
import { LAYOUT_STRINGS as STRINGS } from './layout-strings.ts';
import type { Problem } from './use-diagnostics.ts';

export interface EditorOptions {
  parent: HTMLElement;
  /** The accessible name. */
  label: string;
  nonce: string;
  onChange: (text: string) => void;
  onRun: () => void;
}

/** A file as the editor shows it. Without a language it is plain text. */
export interface EditorFile {
  id: number;
  text: string;
  language: LanguageId | undefined;
}

export interface Editor {
  /** Shows a file; one that was shown before is as it was left, with what can be undone. */
  show(file: EditorFile): void;
  /** Forgets what was kept of files other than these. */
  keepOnly(ids: readonly number[]): void;
  /** Marks problems on their lines, in the file that is shown. */
  mark(problems: readonly Problem[]): void;
  /** Moves cursor and focus there. A position beyond the text is its last. */
  goTo(line: number, column: number | undefined): void;
  focus(): void;
  /** Replaces the whole text, which one undo brings back. */
  replace(text: string): void;
  find(): void;
  /** Takes over selection, scroll position and focus of a field that shows the same text. */
  goOnFrom(field: HTMLTextAreaElement): void;
  destroy(): void;
}

const grammars = new Map<LanguageId, LanguageSupport>();

/** Loads the grammar of a language. Never rejects: without it the text is only not coloured. */
export async function loadGrammar(language: LanguageId): Promise<LanguageSupport | undefined> {
  try {
    const info = findLanguageInfo(language);
    const grammar = grammars.get(language) ?? (info && (await EDITOR_GRAMMARS[info.editor.grammar]()));
    if (grammar !== undefined) grammars.set(language, grammar);
    return grammar;
  } catch {
    return undefined;
  }
}

function indentOf(language: LanguageId | undefined): string {
  return (language === undefined ? undefined : findLanguageInfo(language)?.editor.indent) ?? '  ';
}

/** CodeMirror as this app uses it. Tab indents; Escape, then Tab leaves the field. */
export function createEditor(options: EditorOptions): Editor {
  const language = new Compartment();
  const kept = new Map<number, EditorState>();
  // The nonce is needed as soon as there is a view: its styles come with it.
  const view = new EditorView({ parent: options.parent, extensions: [EditorView.cspNonce.of(options.nonce)] });
  let shown: EditorFile | undefined;
  const inColour = (name: LanguageId, grammar: LanguageSupport) => [grammar, indentUnit.of(indentOf(name))];
  const load = async ({ id }: EditorFile, name: LanguageId) => {
    const grammar = await loadGrammar(name);
    if (grammar !== undefined && shown?.id === id)
      view.dispatch({ effects: language.reconfigure(inColour(name, grammar)) });
  };
  return {
    show(file) {
      if (shown !== undefined) kept.set(shown.id, view.state);
      shown = file;
      const before = kept.get(file.id);
      if (before !== undefined) return view.setState(before);
      const name = file.language;
      const grammar = name === undefined ? undefined : grammars.get(name);
      const colours =
        name === undefined || grammar === undefined ? indentUnit.of(indentOf(name)) : inColour(name, grammar);
      view.setState(EditorState.create({ doc: file.text, extensions: [...extensions(options), language.of(colours)] }));
      if (name !== undefined && grammar === undefined) void load(file, name);
    },
    keepOnly(ids) {
      for (const id of kept.keys()) if (!ids.includes(id)) kept.delete(id);
    },
    mark(problems) {
      view.dispatch(
        setDiagnostics(
          view.state,
          problems.map((problem) => diagnosticAt(view.state.doc, problem)),
        ),
      );
    },
    goTo(line, column) {
      view.dispatch({ selection: { anchor: offsetAt(view.state.doc, line, column ?? 1) }, scrollIntoView: true });
      view.focus();
    },
    focus: () => view.focus(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    find: () => void openSearchPanel(view),
    goOnFrom(field) {
      const { selectionStart, selectionEnd, scrollTop, scrollLeft } = field;
      if (document.activeElement === field) {
        view.dispatch({ selection: { anchor: selectionStart, head: selectionEnd } });
        view.focus();
      }
      view.scrollDOM.scrollTo(scrollLeft, scrollTop);
    },
    destroy: () => view.destroy(),
  };
}

function offsetAt(doc: Text, line: number, column: number): number {
  const { from, to } = doc.line(Math.min(Math.max(1, line), doc.lines));
  return Math.min(from + Math.max(0, column - 1), to);
}

/** From where it begins to the end of the word there, so that it is seen. */
function diagnosticAt(doc: Text, { severity, line, column, message }: Problem): Diagnostic {
  const from = offsetAt(doc, line, column);
  const rest = doc.sliceString(from, doc.lineAt(from).to);
  const word = /^[\w$]+/.exec(rest)?.[0].length ?? Math.min(1, rest.length);
  return { severity, from, to: from + word, message };
}

function extensions({ label, nonce, onChange, onRun }: EditorOptions): Extension[] {
  return [
    EditorView.cspNonce.of(nonce),
    EditorView.contentAttributes.of({ 'aria-label': label, autocapitalize: 'off', spellcheck: 'false', tabindex: '0' }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
    Prec.highest(
      keymap.of([
        {
          key: 'Mod-Enter',
          run: () => {
            onRun();
            return true;
          },
        },
      ]),
    ),
    lintGutter(),
    lineNumbers(),
    foldGutter({ markerDOM: foldMark }),
    highlightSpecialChars(),
    history(),
    drawSelection(),
    indentOnInput(),
    syntaxHighlighting(classHighlighter),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    search({ top: true, createPanel: createFindPanel }),
    EditorState.phrases.of(STRINGS.codeMirror),
    EditorState.tabSize.of(4),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...lintKeymap,
      indentWithTab,
    ]),
    LOOKS,
  ];
}

function foldMark(open: boolean): HTMLElement {
  const mark = document.createElement('span');
  mark.textContent = open ? '⌄' : '›';
  mark.title = open ? STRINGS.fold : STRINGS.unfold;
  return mark;
}

const LOOKS = EditorView.theme({
  '&': { height: '100%', fontSize: '0.8125rem', backgroundColor: 'var(--canvas)', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.6', overscrollBehavior: 'contain' },
  '.cm-content': { padding: '12px 0', caretColor: 'var(--accent)' },
  '.cm-line': { padding: '0 12px 0 6px' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'var(--canvas)', color: 'var(--ink-3)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 4px 0 12px', minWidth: '2.5rem' },
  '.cm-foldGutter .cm-gutterElement': { width: '1rem', textAlign: 'center', cursor: 'pointer' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in oklch, var(--hover) 45%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'color-mix(in oklch, var(--accent) 26%, transparent)',
  },
  '.cm-selectionMatch': { backgroundColor: 'var(--accent-soft)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--pressed)', outline: '1px solid var(--line-strong)' },
  // Tooltips of the page lie above it.
  '.cm-panels': {
    backgroundColor: 'var(--sunken)',
    color: 'var(--ink)',
    fontFamily: 'var(--font-sans)',
    zIndex: '2',
  },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-textfield': {
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    fontSize: '0.8125rem',
  },
  '.cm-button': {
    backgroundImage: 'none',
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line)',
    borderRadius: '6px',
    fontSize: '0.8125rem',
  },
  '.cm-gutter-lint': { width: '1rem' },
  '.cm-gutter-lint .cm-gutterElement': { display: 'flex', alignItems: 'center', padding: '0 0 0 6px' },
  '.cm-lint-marker': { width: '0.5rem', height: '0.5rem' },
  '.cm-lint-marker-error': { content: 'none', color: 'var(--error)' },
  '.cm-lint-marker-warning': { content: 'none', color: 'var(--warn)' },
  '.cm-lint-marker-error::after, .cm-lint-marker-warning::after': {
    content: '""',
    display: 'block',
    width: '0.5rem',
    height: '0.5rem',
    backgroundColor: 'currentColor',
  },
  '.cm-lint-marker-error::after': { borderRadius: '50%' },
  '.cm-lint-marker-warning::after': { clipPath: 'polygon(50% 0, 100% 100%, 0 100%)' },
  '.cm-lintRange-error': { backgroundImage: 'none', borderBottom: '2px solid var(--error)' },
  '.cm-lintRange-warning': { backgroundImage: 'none', borderBottom: '2px dotted var(--warn)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    overflow: 'hidden',
  },
  '.cm-diagnostic': { padding: '6px 10px', fontFamily: 'var(--font-sans)', whiteSpace: 'pre-wrap', maxWidth: '32rem' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--error)' },
  '.cm-diagnostic-warning': { borderLeft: '3px solid var(--warn)' },
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)' },
  '.cm-searchMatch-selected': { backgroundColor: 'color-mix(in oklch, var(--warn) 40%, transparent)' },
  // One gutter where the code needs the width.
  '@media (width < 48rem)': {
    '.cm-gutter-lint, .cm-foldGutter': { display: 'none !important' },
    '.cm-lineNumbers .cm-gutterElement': { padding: '0 4px 0 6px', minWidth: '2.25rem' },
  },
  '@media (forced-colors: active)': {
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
      forcedColorAdjust: 'none',
      background: 'color-mix(in srgb, Highlight 45%, transparent)',
    },
    '.cm-activeLine': { backgroundColor: 'transparent' },
    '.cm-cursor': { forcedColorAdjust: 'none', borderLeftColor: 'CanvasText' },
    '.cm-searchMatch': { outline: '1px solid CanvasText' },
    '.cm-searchMatch-selected': { outline: '2px solid Highlight' },
    '.cm-lint-marker-error::after, .cm-lint-marker-warning::after': {
      forcedColorAdjust: 'none',
      backgroundColor: 'CanvasText',
    },
  },
});
