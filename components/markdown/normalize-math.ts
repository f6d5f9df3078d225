import { ENVIRONMENT } from './math-syntax.ts';

/**
 * Rewrites display formulas to the one syntax of the parser: `$$` on separate lines.
 *
 *  Models also write `\[…\]`, `$$…$$` and `\begin{align}…\end{align}` alone on their lines. Code
 * stays unchanged. An unclosed formula is text, unless the text is still `writing`.
 */
export function normalizeMath(markdown: string, writing: boolean): string {
  if (!/\$\$|\\\[|\\begin\{/.test(markdown)) return markdown;
  const pieces = codeAndText(markdown);
  return pieces
    .map(({ text, isCode }, index) => {
      if (isCode) return text;
      const isGrowing = writing && index === pieces.length - 1;
      return text.replace(DISPLAY, (found, ...rest) => asDollars(found, rest.at(-1), isGrowing));
    })
    .join('');
}

/**
 * Within a paragraph. A blank line ends every formula but one between `$$`, and so does the next
 * `\[` at the start of a line. Bounded, so that unclosed marks cost little.
 */
const NO_END = '(?!\\n[ \\t]*(?:\\n|\\\\\\[))';
const IN_PARAGRAPH = `(?:${NO_END}[\\s\\S])`;
const OPEN = `(?:${NO_END}[^$]){0,4000}`;
const DISPLAY = new RegExp(
  [
    '^(?<indent>[ \\t]*)(?:',
    [
      '\\$\\$(?!\\$)(?<dollars>(?:(?!\\$\\$)[\\s\\S])+?)\\$\\$',
      `\\\\\\[(?<bracket>${IN_PARAGRAPH}{1,4000}?)\\\\\\]`,
      `(?<environment>\\\\begin\\{(?<name>[A-Za-z]+\\*?)\\}${IN_PARAGRAPH}{0,4000}?\\\\end\\{\\k<name>\\})`,
    ].join('|'),
    ')[ \\t]*$',
    // An unclosed formula. The parser would extend it to the end of the text.
    '|^(?<margin> {0,3})(?:\\$\\$(?!\\$)(?<openDollars>[^$]*)(?![\\s\\S])|[$]{2,}(?=[^$\\n]*$)',
    `|(?:\\\\\\[(?<openBracket>${OPEN})|(?<openEnvironment>\\\\begin\\{[A-Za-z]+\\*?\\}${OPEN}))(?![\\s\\S]))`,
  ].join(''),
  'gm',
);

function asDollars(found: string, groups: Record<string, string | undefined>, isGrowing: boolean): string {
  const { indent = '', margin, dollars, bracket, environment, name = '' } = groups;
  if (margin !== undefined) return isGrowing ? asOpen(found, margin, groups) : found.replaceAll('$', '\\$$');
  if (environment !== undefined && !ENVIRONMENT.test(name)) return found;
  const tex = dollars ?? bracket ?? environment ?? '';
  return tex.trim() === '' ? found : ['$$', ...linesOf(tex, indent), `${indent}$$`].join('\n').replace(/^/, indent);
}

function asOpen(found: string, margin: string, groups: Record<string, string | undefined>): string {
  const { openDollars, openBracket, openEnvironment } = groups;
  const tex = openDollars ?? openBracket ?? openEnvironment;
  if (tex === undefined || /\n[ \t]*\n/.test(tex)) return found.replaceAll('$', '\\$$');
  const environment = /^\\begin\{([A-Za-z]+\*?)\}/.exec(openEnvironment ?? '')?.[1];
  if (environment !== undefined && !ENVIRONMENT.test(environment)) return found;
  return [`${margin}$$`, ...linesOf(tex, margin)].join('\n');
}

function linesOf(tex: string, indent: string): string[] {
  const lines = tex
    .replace(/^[ \t]*\n/, '')
    .trimEnd()
    .split('\n');
  return lines.map((line) => indent + line.trim());
}

interface Piece {
  text: string;
  isCode: boolean;
}

/** Splits the text into code and other text. An unclosed fence extends to the end. */
function codeAndText(markdown: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of markdown.matchAll(CODE)) {
    pieces.push({ text: markdown.slice(at, match.index), isCode: false }, { text: match[0], isCode: true });
    at = match.index + match[0].length;
  }
  pieces.push({ text: markdown.slice(at), isCode: false });
  return pieces;
}

const CODE =
  /^(?<indent>(?:[ \t]|>|[-*+][ \t]|\d+[.)][ \t])*)(?<fence>`{3,}(?=[^`\n]*$)|~{3,})[^\n]*(?:\n[\s\S]*?(?:^[ \t>]*\k<fence>[`~]*[ \t]*$|(?![\s\S]))|$)|(?<!`)(?<ticks>`+)(?!`)(?:(?!\n[ \t]*\n)[\s\S])*?(?<!`)\k<ticks>(?!`)/gm;
