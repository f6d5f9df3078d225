import type { Parser } from '@lezer/common';
import { classHighlighter, highlightCode } from '@lezer/highlight';

/** A piece of code and the classes of its colour, as in the editor. */
export interface Piece {
  text: string;
  className: string;
}

/** Beyond this, colours are not worth the reader's wait. */
const MAX_CHARACTERS = 60_000;

const PARSERS: Record<string, () => Promise<Parser>> = {
  python: async () => (await import('@lezer/python')).parser,
  javascript: async () => (await import('@lezer/javascript')).parser.configure({ dialect: 'jsx' }),
  typescript: async () => (await import('@lezer/javascript')).parser.configure({ dialect: 'ts jsx' }),
  java: async () => (await import('@lezer/java')).parser,
  cpp: async () => (await import('@lezer/cpp')).parser,
  go: async () => (await import('@lezer/go')).parser,
  rust: async () => (await import('@lezer/rust')).parser,
  json: async () => (await import('@lezer/json')).parser,
  html: async () => (await import('@lezer/html')).parser,
  css: async () => (await import('@lezer/css')).parser,
  shell: async () => {
    const [{ StreamLanguage }, { shell }] = await Promise.all([
      import('@codemirror/language'),
      import('@codemirror/legacy-modes/mode/shell'),
    ]);
    return StreamLanguage.define(shell).parser;
  },
};

const ALIASES: Record<string, string> = {
  py: 'python',
  python3: 'python',
  js: 'javascript',
  jsx: 'javascript',
  mjs: 'javascript',
  node: 'javascript',
  ts: 'typescript',
  tsx: 'typescript',
  c: 'cpp',
  h: 'cpp',
  cc: 'cpp',
  'c++': 'cpp',
  golang: 'go',
  rs: 'rust',
  jsonc: 'json',
  xml: 'html',
  svg: 'html',
  scss: 'css',
  bash: 'shell',
  sh: 'shell',
  zsh: 'shell',
  console: 'shell',
};

/** The name under which a fence's language is known here: `py` is `python`. Unknown ones stay as they are. */
export function languageName(fence: string): string {
  const name = fence.toLowerCase();
  return ALIASES[name] ?? name;
}

/** The code in coloured pieces, which joined are the code; undefined where the language is not known or it is too long. */
export async function highlight(code: string, fence: string): Promise<Piece[] | undefined> {
  const load = PARSERS[languageName(fence)];
  if (load === undefined || code.length > MAX_CHARACTERS) return undefined;
  const parser = await load();
  const pieces: Piece[] = [];
  const put = (text: string, className: string) => {
    const last = pieces.at(-1);
    if (last !== undefined && last.className === className) last.text += text;
    else pieces.push({ text, className });
  };
  highlightCode(code, parser.parse(code), classHighlighter, put, () => put('\n', ''));
  return pieces;
}
