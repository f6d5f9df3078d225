import type { LanguageSupport } from '@codemirror/language';
import type { EditorGrammar } from '#lib/languages/language-info';

/** CodeMirror's grammars, each in a chunk that is loaded with the first file that needs it. */
export const EDITOR_GRAMMARS: Readonly<Record<EditorGrammar, () => Promise<LanguageSupport>>> = {
  python: async () => (await import('@codemirror/lang-python')).python(),
  javascript: async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true }),
  typescript: async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true, typescript: true }),
  java: async () => (await import('@codemirror/lang-java')).java(),
  cpp: async () => (await import('@codemirror/lang-cpp')).cpp(),
  go: async () => (await import('@codemirror/lang-go')).go(),
  rust: async () => (await import('@codemirror/lang-rust')).rust(),
  shell: async () => {
    const [{ LanguageSupport, StreamLanguage }, { shell }] = await Promise.all([
      import('@codemirror/language'),
      import('@codemirror/legacy-modes/mode/shell'),
    ]);
    return new LanguageSupport(StreamLanguage.define(shell));
  },
};
