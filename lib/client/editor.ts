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
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state';
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
import type { LanguageId } from '#lib/wire/code';

export interface EditorOptions {
  parent: HTMLElement;
  text: string;
  language: LanguageId;
  /** The accessible name. */
  label: string;
  nonce: string;
  onChange: (text: string) => void;
  onRun: () => void;
}

export interface Editor {
  /** Puts in another text, and forgets what could be undone. */
  replace(text: string, language: LanguageId): void;
  focus(): void;
  destroy(): void;
}

const LANGUAGES: Record<LanguageId, () => Promise<LanguageSupport>> = {
  python: async () => (await import('@codemirror/lang-python')).python(),
  javascript: async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true }),
  typescript: async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true, typescript: true }),
  java: async () => (await import('@codemirror/lang-java')).java(),
  cpp: async () => (await import('@codemirror/lang-cpp')).cpp(),
  go: async () => (await import('@codemirror/lang-go')).go(),
  rust: async () => (await import('@codemirror/lang-rust')).rust(),
};

/** How far one step indents. Go's own formatter says tabs. */
const INDENTS: Record<LanguageId, string> = {
  python: '    ',
  javascript: '  ',
  typescript: '  ',
  java: '    ',
  cpp: '    ',
  go: '\t',
  rust: '    ',
};

/** CodeMirror with what this app wants of it. Escape, then Tab leaves the field: Tab alone indents. */
export function createEditor(options: EditorOptions): Editor {
  const language = new Compartment();
  const state = (text: string, id: LanguageId) =>
    EditorState.create({ doc: text, extensions: [...extensions(options), language.of(indentUnit.of(INDENTS[id]))] });
  const view = new EditorView({ parent: options.parent, state: state(options.text, options.language) });
  let wanted = options.language;
  const load = (id: LanguageId) => {
    wanted = id;
    LANGUAGES[id]().then(
      (support) => {
        if (wanted === id) view.dispatch({ effects: language.reconfigure([support, indentUnit.of(INDENTS[id])]) });
      },
      // Without its colours the text can be edited all the same.
      () => undefined,
    );
  };
  load(options.language);
  return {
    replace(text, id) {
      view.setState(state(text, id));
      load(id);
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
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
    search({ top: true }),
    EditorState.tabSize.of(4),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      indentWithTab,
    ]),
    LOOKS,
  ];
}

function foldMark(open: boolean): HTMLElement {
  const mark = document.createElement('span');
  mark.textContent = open ? '⌄' : '›';
  mark.title = open ? 'Fold' : 'Unfold';
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
  '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--ink)', fontFamily: 'var(--font-sans)' },
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
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)' },
  '.cm-searchMatch-selected': { backgroundColor: 'color-mix(in oklch, var(--warn) 40%, transparent)' },
});
