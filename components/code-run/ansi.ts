/**
 * Parses terminal output into styled spans. SGR sequences (ECMA-48, 8.3.117) become styles, other
 * sequences are dropped, and an overwritten line shows its last text. Pure.
 */

export type AnsiColour = 'black' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'white';

export interface AnsiStyle {
  colour?: AnsiColour;
  background?: AnsiColour;
  bold?: true;
  faint?: true;
  italic?: true;
  underline?: true;
  inverse?: true;
  struck?: true;
}

export interface AnsiSpan {
  text: string;
  style: AnsiStyle;
}

const COLOURS: readonly AnsiColour[] = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

const ESC = '\u001b';
const CSI = '\u009b';
const BELL = '\u0007';
/** CSI; OSC up to its end or the end of the text; other escapes, complete or cut off. */
const SEQUENCE = new RegExp(
  [
    `(?:${ESC}\\[|${CSI})([0-9;:<=>?]*)[ -/]*([@-~]?)`,
    `${ESC}\\][^${BELL}${ESC}]*(?:${BELL}|${ESC}\\\\|$)`,
    `${ESC}[ -/]*[0-Z^-~\\\\]?`,
  ].join('|'),
  'g',
);
/** Characters that are not printable. */
const CONTROL = /(?![\t\n])\p{Cc}/gu;

/** The spans of `text`, and the style in effect at its end. */
export function parseAnsi(text: string, style: AnsiStyle = {}): { pieces: AnsiSpan[]; style: AnsiStyle } {
  const pieces: AnsiSpan[] = [];
  let current = style;
  let from = 0;
  const push = (part: string) => {
    const shown = part.replace(CONTROL, '');
    if (shown !== '') pieces.push({ text: shown, style: current });
  };
  const whole = withoutOverwritten(text);
  for (const match of whole.matchAll(SEQUENCE)) {
    push(whole.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === 'm') current = applySgr(current, match[1] ?? '');
  }
  push(whole.slice(from));
  return { pieces, style: current };
}

/** The text alone, for where it leaves the page. */
export function stripAnsi(text: string): string {
  return parseAnsi(text)
    .pieces.map((piece) => piece.text)
    .join('');
}

/** A carriage return restarts its line: progress bars overwrite themselves. */
function withoutOverwritten(text: string): string {
  if (!text.includes('\r')) return text;
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => line.replace(/\r+$/, '').split('\r').at(-1))
    .join('\n');
}

function applySgr(before: AnsiStyle, parameters: string): AnsiStyle {
  let style = { ...before };
  const codes = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) style = {};
    else if (code === 38 || code === 48) {
      const { colour, length } = extended(codes.slice(at + 1));
      at += length;
      if (colour !== undefined) style = { ...style, [code === 38 ? 'colour' : 'background']: colour };
    } else style = simple(style, code);
  }
  return style;
}

function simple(style: AnsiStyle, code: number): AnsiStyle {
  const { colour: _colour, ...withoutColour } = style;
  const { background: _background, ...withoutBackground } = style;
  const colour = COLOURS[code % 10];
  if (code === 39) return withoutColour;
  if (code === 49) return withoutBackground;
  if (colour !== undefined && ((code >= 30 && code <= 37) || (code >= 90 && code <= 97))) return { ...style, colour };
  if (colour !== undefined && ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)))
    return { ...style, background: colour };
  const set = SWITCHES_ON[code];
  if (set !== undefined) return { ...style, [set]: true };
  const { ...rest } = style;
  for (const name of SWITCHES_OFF[code] ?? []) delete rest[name];
  return rest;
}

type Switch = Exclude<keyof AnsiStyle, 'colour' | 'background'>;

const SWITCHES_ON: Partial<Record<number, Switch>> = {
  1: 'bold',
  2: 'faint',
  3: 'italic',
  4: 'underline',
  7: 'inverse',
  9: 'struck',
};
const SWITCHES_OFF: Partial<Record<number, readonly Switch[]>> = {
  22: ['bold', 'faint'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  29: ['struck'],
};

/**
 * `5;n` of the 256-colour palette or `2;r;g;b`, mapped to the nearest of eight colours that are
 * readable in light and dark.
 */
function extended(codes: readonly number[]): { colour: AnsiColour | undefined; length: number } {
  const [kind, first = 0, second = 0, third = 0] = codes;
  if (kind === 2) return { colour: nearest(first, second, third), length: 4 };
  if (kind !== 5) return { colour: undefined, length: 0 };
  if (first < 16) return { colour: COLOURS[first % 8], length: 2 };
  if (first >= 232) {
    const grey = 8 + (first - 232) * 10;
    return { colour: nearest(grey, grey, grey), length: 2 };
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const cube = first - 16;
  return {
    colour: nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)),
    length: 2,
  };
}

const GREY_SPREAD = 40;

function nearest(red: number, green: number, blue: number): AnsiColour {
  const most = Math.max(red, green, blue);
  const least = Math.min(red, green, blue);
  if (most - least < GREY_SPREAD) return most < 128 ? 'black' : 'white';
  const half = (most + least) / 2;
  const bits = (red > half ? 1 : 0) + (green > half ? 2 : 0) + (blue > half ? 4 : 0);
  return COLOURS[bits] ?? 'white';
}
