/**
 * Splits Markdown into blocks that parse to the same result as the whole: while a response grows,
 * only the last block is parsed again. The blocks concatenated are the text.
 *
 *  A block begins after a blank line, with a line that is not indented, outside of fenced code,
 * displays and open HTML. A text with link or footnote definitions is one block, because those act
 * at any distance. A block of `LONG` characters ends at the next line, and a line within itself:
 * parsing and layout of it would block the page at each token.
 */
export function splitBlocks(markdown: string): string[] {
  const blocks: string[] = [];
  let start = 0;
  let state = NOTHING_OPEN;
  let isAfterBlank = false;
  const mayBeWhole = markdown.length <= LONGEST_WHOLE;
  for (let at = 0; at < markdown.length; ) {
    const newline = markdown.indexOf('\n', at);
    const end = newline === -1 ? markdown.length : newline + 1;
    const line = markdown.slice(at, newline === -1 ? end : newline);
    DEFINITION.lastIndex = at;
    if (mayBeWhole && state.end === undefined && DEFINITION.test(markdown)) return [markdown];
    if (line.trim() === '') isAfterBlank = true;
    else {
      const isOutside = state.end === undefined && state.tags.length === 0 && !/^[ \t]/.test(line);
      const goesOn = state.contentAt !== undefined && LIST_ITEM.test(line);
      // The rows of a table need its head.
      const isLong = at - start > LONG && !line.startsWith('|');
      if (isOutside && ((isAfterBlank && !goesOn) || isLong) && at > start) {
        blocks.push(markdown.slice(start, at));
        start = at;
        state = NOTHING_OPEN;
      }
      isAfterBlank = false;
    }
    if (isLongLine(line) && state.end === undefined) {
      const pieces = piecesOf(markdown.slice(start, end));
      start = end - (pieces.pop()?.length ?? 0);
      blocks.push(...pieces);
    }
    state = after(state, line);
    at = end;
  }
  if (start < markdown.length) blocks.push(markdown.slice(start));
  return blocks;
}

/** Characters. Parsing as many takes about a tenth of a second. */
const LONG = 20_000;
/** In a longer text, definitions act only within their block. */
const LONGEST_WHOLE = 40_000;

/**
 * A word whose letters join, as Arabic ones do. The time of its layout grows with the square of
 * its length.
 */
const JOINED = /[\u0600-\u08FF\uFB50-\uFDFF\uFE70-\uFEFC]{2000}/;
const JOINED_LENGTH = 2_000;

const isLongLine = (line: string) => line.length > LONG || (line.length > JOINED_LENGTH && JOINED.test(line));

/** Pieces of at most `LONG` characters that end after a line or a space, if there is one. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let rest = text;
  for (;;) {
    const first = rest.slice(0, LONG);
    const most = JOINED.test(first) ? JOINED_LENGTH : LONG;
    if (rest.length <= most) break;
    const newline = rest.lastIndexOf('\n', most - 1);
    const space = newline > most / 2 ? newline : rest.lastIndexOf(' ', most - 1);
    const end = space > most / 2 ? space + 1 : most;
    // The two halves of a surrogate pair stay together.
    const length = /[\uD800-\uDBFF]/.test(rest.charAt(end - 1)) ? end - 1 : end;
    pieces.push(rest.slice(0, length));
    rest = rest.slice(length);
  }
  pieces.push(rest);
  return pieces;
}

/** CommonMark's label: at most 999 characters, no unescaped bracket. */
const DEFINITION = /[ \t>*+\-\d.)]*\[(?:\\.|[^[\]\\]){1,999}\]:/y;
const LIST_ITEM = /^( *)(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$)/;

interface State {
  /** The end of what is open: fenced code, a display, or HTML with an explicit end. */
  end: RegExp | undefined;
  /** Open HTML elements that a blank line does not end. */
  tags: readonly string[];
  /** The content column of the outermost list item; undefined outside of lists. */
  contentAt: number | undefined;
}

const NOTHING_OPEN: State = { end: undefined, tags: [], contentAt: undefined };

function after(state: State, line: string): State {
  if (state.end !== undefined) return state.end.test(line) ? { ...state, end: undefined } : state;
  const item = LIST_ITEM.exec(line);
  if (item !== null && (state.contentAt === undefined || (item[1]?.length ?? 0) < state.contentAt))
    return { ...state, contentAt: item[0].length + 1 };
  const indent = /^ */.exec(line)?.[0].length ?? 0;
  // A line without indentation ends the list item, and everything open within it.
  if (indent > 3 || (state.contentAt !== undefined && indent >= state.contentAt)) return state;
  const text = line.slice(indent);
  const fence = /^(`{3,})[^`]*$|^(~{3,})/.exec(text);
  const marks = fence?.[1] ?? fence?.[2];
  if (marks !== undefined) return { ...state, end: closing(marks) };
  const dollars = /^(\${2,})[^$]*$/.exec(text)?.[1];
  if (dollars !== undefined) return { ...state, end: closing(dollars) };
  if (!text.startsWith('<')) return state.tags.length > 0 ? { ...state, tags: openTags(state.tags, text) } : state;
  const [, end] = ENDS.find(([opening]) => opening.test(text)) ?? [];
  if (end !== undefined && !end.test(text)) return { ...state, end };
  return { ...state, tags: openTags(state.tags, text) };
}

function closing(marks: string): RegExp {
  const mark = marks.startsWith('$') ? '\\$' : marks.charAt(0);
  return new RegExp(`^ {0,3}${mark}{${marks.length},}[ \\t]*$`);
}

/** HTML blocks that blank lines do not end (https://spec.commonmark.org/0.31.2/#html-blocks). */
const ENDS: readonly (readonly [RegExp, RegExp])[] = [
  [/^<(?:script|pre|style|textarea)(?=[\s>]|$)/i, /<\/(?:script|pre|style|textarea)>/i],
  [/^<!--/, /-->/],
  [/^<\?/, /\?>/],
  [/^<!\[CDATA\[/, /\]\]>/],
  [/^<![A-Za-z]/, />/],
];

const TAGS = /<(\/?)(blockquote|center|details|div|dl|ol|summary|table|ul)(?=[\s>])[^<>]*>/gi;

/** Deeper elements are never rendered. The list is copied at each tag. */
const MAX_TAGS = 200;

function openTags(open: readonly string[], line: string): readonly string[] {
  const tags = [...open];
  for (const [, slash, name = ''] of line.matchAll(TAGS)) {
    const tag = name.toLowerCase();
    if (slash === '') {
      if (tags.length < MAX_TAGS) tags.push(tag);
    } else if (tags.includes(tag)) tags.length = tags.lastIndexOf(tag);
  }
  return tags;
}
