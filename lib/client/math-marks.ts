/**
 * Formulas in the ways that models write them, as the one way that the renderer reads: `$$…$$` in a line, and `$$` on
 * lines of its own around a display.
 *
 * `\(…\)` and `\[…\]` as in LaTeX; `$…$` by Pandoc's rule, and stricter where money would be taken for a formula: the
 * opening mark touches what follows it, the closing one what precedes it, no letter or digit is next to either of them
 * outside, and both are on one line. What is code stays as it is. A mark without its end stays text.
 */
export function withDollarMath(markdown: string): string {
  if (!/\$|\\[([]/.test(markdown)) return markdown;
  let result = '';
  for (const { text, isCode } of codeAndText(markdown)) result += isCode ? text : text.replace(FORMULA, asDollars);
  return result;
}

/** Whether a text has something to draw as a formula. */
export function hasFormula(markdown: string): boolean {
  return markdown.includes('$$');
}

/** No blank line within: a paragraph's end ends every formula but a display's. Bounded, so that marks without an end cost little. */
const IN_PARAGRAPH = '(?:(?!\\n[ \\t]*\\n)[\\s\\S]){1,2000}?';
const FORMULA = new RegExp(
  [
    // What is escaped is no mark: `\$`, and the backslash before `\\(`.
    '\\\\[\\\\$]',
    // A display: `$$…$$` over lines, or `\[…\]`.
    '\\$\\$(?<display>[\\s\\S]+?)\\$\\$',
    `\\\\\\[(?<bracket>${IN_PARAGRAPH})\\\\\\]`,
    `\\\\\\((?<paren>${IN_PARAGRAPH})\\\\\\)`,
    '(?<![\\w$])\\$(?<dollar>[^\\s$](?:[^$\\n\\\\]|\\\\.)*?(?<![\\s\\\\])|[^\\s$\\\\])\\$(?![\\w$])',
  ].join('|'),
  'g',
);

function asDollars(found: string, ...rest: unknown[]): string {
  const { display, bracket, paren, dollar } = rest.at(-1) as Record<string, string | undefined>;
  const offset = Number(rest.at(-3));
  const whole = String(rest.at(-2));
  const inLine = paren ?? dollar;
  if (inLine !== undefined) return inLine.includes('$') ? found : `$$${inLine.trim().replace(/\s*\n\s*/g, ' ')}$$`;
  const tex = display ?? bracket;
  if (tex === undefined || tex.trim() === '' || (bracket?.includes('$') ?? false)) return found;
  const before = whole.slice(whole.lastIndexOf('\n', offset - 1) + 1, offset);
  const after = /^[^\n]*/.exec(whole.slice(offset + found.length))?.[0] ?? '';
  // Between words it stays in the line; alone it is a display, indented as it stands (it may be in a list).
  if (before.trim() !== '' || after.trim() !== '')
    return display === undefined || !display.includes('\n') ? `$$${tex.trim().replace(/\s*\n\s*/g, ' ')}$$` : found;
  const lines = tex
    .replace(/^[ \t]*\n/, '')
    .trimEnd()
    .split('\n');
  return ['$$', ...lines.map((line) => before + line.trim()), `${before}$$`].join('\n');
}

interface Piece {
  text: string;
  isCode: boolean;
}

/** Fenced code, code in a line, and what is neither, which joined are the text. An open fence runs to the end. */
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
  /^(?<indent>(?:[ \t]|>|[-*+][ \t]|\d+[.)][ \t])*)(?<fence>`{3,}|~{3,})[^\n]*(?:\n[\s\S]*?(?:^[ \t>]*\k<fence>[`~]*[ \t]*$|(?![\s\S]))|$)|(?<!`)(?<ticks>`+)(?!`)(?:(?!\n[ \t]*\n)[\s\S])*?(?<!`)\k<ticks>(?!`)/gm;
