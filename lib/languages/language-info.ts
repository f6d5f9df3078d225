/** A program that the playground offers. */
export interface SampleProgram {
  title: string;
  code: string;
  stdin?: string;
  /** Its output, shown while the runner is away for the languages that a browser cannot run. */
  output?: string;
}

export type SamplePrograms = readonly [SampleProgram, ...SampleProgram[]];

/** Grammars of the editor, by the package that has them (see `editor-grammars.ts`). */
export type EditorGrammar = 'python' | 'javascript' | 'typescript' | 'java' | 'cpp' | 'go' | 'rust' | 'shell';

/** A language as plain data, which the pages and the server share. It imports nothing. */
export interface LanguageInfo {
  /** The name on the wire, in settings and of its folder. */
  id: string;
  /** The name that people write. */
  name: string;
  /** Other spellings that requests, settings and code fences may use. */
  aliases: readonly string[];
  /** The name of the main file, unless the program decides it (`mainFileNamedAfter`). */
  mainFile: string;
  /** Its first group is the main file's name without the extension. */
  mainFileNamedAfter?: RegExp;
  /** The extension of source files, without the dot. */
  extension: string;
  /** Extensions of other files that the editor colours as this language. */
  otherExtensions?: readonly string[];
  /** Names of code fences beyond the id and the aliases. */
  fenceNames?: readonly string[];
  /** Shiki's name of the language; the id unless given. */
  highlightAs?: string;
  /** `indent` is one step of indentation. */
  editor: { grammar: EditorGrammar; indent: string };
  /**
   * How its programs read standard input: `reads` finds it in a source, `ended` in the error of a
   * program that read beyond its end.
   */
  input?: { reads: RegExp; ended?: RegExp };
  /** The engine that runs it in the browser, if there is one. */
  demoEngine?: 'python' | 'javascript';
  /** Whether the server offers it only if `CODE_LANGUAGES` names it. */
  isOptIn?: boolean;
  /** The id of the language that runs its programs where the server does not offer it. */
  fallback?: string;
  /**
   * The remote executor: `<NAME>_EXECUTOR_URL` has its addresses, and `port` is its own default.
   * Languages may share one; its `name` is the id of the first of them.
   */
  executor: { name: string; port: number };
}
