import { ENVIRONMENT } from './math-syntax.ts';

/**
 * Displays in the ways that models write them, as the one way that the parser reads: `$$` on lines
 * of its own around them.
 *
 * Those are `\[…\]`, `$$…$$` and `\begin{align}…\end{align}` with nothing else on their lines. Code
 * stays as it is. What has no end is text, except in a text that is still `writing`, where the end
 * is to come.
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
 * Within a paragraph: a blank line ends every formula but one between `$$`, and so does the next
 * `\[` that begins a line. Bounded, so that marks without an end cost little.
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
    // One that has no end. The parser would take everything after two dollars for a formula.
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

/**
 * Fenced code, code in a line, and what is neither, which joined are the text. An open fence runs
 * to the end.
 */
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
