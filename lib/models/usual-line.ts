/**
 * The text of lines that differ from an earlier line in their text only, without a JSON parser:
 * most lines of a response do. For such a line the result is that of the full parse; for any other
 * line it is undefined.
 */
export class UsualLine {
  /** Where the line of the last `textAt` ends. */
  end = 0;
  #before = '';
  #after = '';
  #skipped = 0;
  readonly #parse: (line: string) => string | undefined;

  /** `parse` is the full parse: the text of a line with nothing else; undefined for other lines. */
  constructor(parse: (line: string) => string | undefined) {
    this.#parse = parse;
  }

  textOf(line: string): string | undefined {
    const from = this.#before.length;
    const to = line.length - this.#after.length;
    // A longer slice would keep the whole line in memory.
    if (from === 0 || to < from || to - from > MAX_TEXT_CHARS) return undefined;
    if (!line.startsWith(this.#before) || !line.endsWith(this.#after)) return undefined;
    return isPlain(line, from, to) ? line.slice(from, to) : undefined;
  }

  /** As `textOf`, for a line that begins at `from` and ends anywhere in `source`. */
  textAt(source: string, from: number): string | undefined {
    const start = from + this.#before.length;
    if (start === from || !source.startsWith(this.#before, from)) return undefined;
    const last = Math.min(source.length, start + MAX_TEXT_CHARS + 1);
    let to = start;
    while (to < last && source.charCodeAt(to) !== QUOTE) to += 1;
    // What follows a text begins with the quotation mark that ends it.
    if (to === last || !source.startsWith(this.#after, to) || !isPlain(source, start, to)) return undefined;
    this.end = to + this.#after.length;
    return source.slice(start, to);
  }

  /** Remembers what stands around `text` in `line`, whose full parse it is. */
  learn(line: string, text: string): void {
    // A server may change its lines all the time.
    if (this.#skipped > 0) {
      this.#skipped -= 1;
      return;
    }
    this.#skipped = LINES_BETWEEN_LEARNING;
    const name = line.includes(CONTENT) ? CONTENT : TEXT;
    const from = line.lastIndexOf(name) + name.length;
    const to = from + text.length;
    if (from < name.length || line.length > MAX_LINE_CHARS || text.length > MAX_TEXT_CHARS) return;
    if (line.slice(from, to) !== text || !isPlain(line, from, to) || line[to] !== '"') return;
    const before = line.slice(0, from);
    const after = line.slice(to);
    // Another text in this place is the text of the line: so the place is the right one.
    if (this.#parse(before + PROBE + after) !== PROBE) return;
    this.#before = before;
    this.#after = after;
  }
}

const CONTENT = '"content":"';
/** Of OpenAI's older completions. */
const TEXT = '"text":"';
const PROBE = '\u0394probe\u0394';
/** V8 copies slices of up to so many characters; longer ones retain their string. */
export const MAX_TEXT_CHARS = 12;
const MAX_LINE_CHARS = 2_048;
const LINES_BETWEEN_LEARNING = 15;

/** Whether a part of a JSON string stands for itself: no escape, and no end of the string. */
export function isPlain(line: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = line.charCodeAt(at);
    if (code < SPACE || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
