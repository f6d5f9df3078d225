import { AppError } from '#lib/errors';

/**
 * The longest line, event or JSON body of a model server, in UTF-16 code units. It is above the
 * longest known one (8 MB).
 */
export const MAX_PIECE_CHARACTERS = 10 * 1024 * 1024;

/**
 * Splits a stream of UTF-8 bytes into lines, without their ends (LF, CRLF or CR). Chunks may split
 * characters and line ends. Linear in the bytes, for any chunk size.
 */
export class LineReader {
  /** Where the line after that of the last `lineAt` begins. */
  next = 0;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #isFirst = true;
  /** Whether the decoder may hold the start of a character. */
  #isWithinCharacter = false;
  #parts: string[] = [];
  #length = 0;
  #afterCarriageReturn = false;

  /**
   * Returns the lines that `chunk` completes. Throws `upstream_failed` if `MAX_PIECE_CHARACTERS`
   * pass without a line end.
   */
  push(chunk: Buffer): string[] {
    return this.#linesOf(this.decode(chunk));
  }

  /** The rest of an ended stream: the last line needs no line end. */
  end(): string[] {
    const lines = this.#linesOf(this.#cleaned(this.#decoder.decode()));
    if (this.#length > 0) lines.push(this.#take(''));
    return lines;
  }

  /**
   * The text of the next chunk, whose lines end with LF. It is read by `lineAt`, whole and before
   * the next one.
   */
  decode(chunk: Buffer): string {
    return this.#cleaned(this.#decode(chunk));
  }

  /** Whether no part of a line is held. */
  get isAtLineStart(): boolean {
    return this.#length === 0;
  }

  /**
   * The line that ends behind `from`, with what earlier chunks had of it. Undefined if `text` ends
   * before it: its part is held. Throws as `push`.
   */
  lineAt(text: string, from: number): string | undefined {
    const end = text.indexOf('\n', from);
    if (end !== -1) {
      this.next = end + 1;
      return this.#take(text.slice(from, end));
    }
    this.next = text.length;
    if (from < text.length) {
      this.#parts.push(text.slice(from));
      this.#length += text.length - from;
      if (this.#length > MAX_PIECE_CHARACTERS) throw pieceTooLong();
    }
    return undefined;
  }

  #linesOf(text: string): string[] {
    const lines: string[] = [];
    for (let line = this.lineAt(text, 0); line !== undefined; line = this.lineAt(text, this.next)) lines.push(line);
    return lines;
  }

  /** Chunks that end between two characters, as most do, do not need the decoder. */
  #decode(chunk: Buffer): string {
    const last = chunk.at(-1);
    if (last === undefined) return '';
    const isWhole = !this.#isWithinCharacter;
    this.#isWithinCharacter = last >= FIRST_NON_ASCII;
    return isWhole && !this.#isWithinCharacter ? chunk.toString() : this.#decoder.decode(chunk, { stream: true });
  }

  #cleaned(decoded: string): string {
    let text = decoded;
    if (this.#isFirst && text !== '') {
      this.#isFirst = false;
      if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    }
    if (this.#afterCarriageReturn && text !== '') {
      this.#afterCarriageReturn = false;
      if (text.startsWith('\n')) text = text.slice(1);
    }
    if (text.includes('\r')) {
      this.#afterCarriageReturn = text.endsWith('\r');
      text = text.replace(/\r\n?/g, '\n');
    }
    return text;
  }

  #take(last: string): string {
    if (this.#parts.length === 0) return last;
    this.#parts.push(last);
    const line = this.#parts.join('');
    this.#parts = [];
    this.#length = 0;
    return line;
  }
}

const FIRST_NON_ASCII = 0x80;
const BYTE_ORDER_MARK = '\ufeff';

/** Joins pieces of text, up to `MAX_PIECE_CHARACTERS`. */
export class BoundedText {
  #parts: string[] = [];
  #length = 0;

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  /** Throws `upstream_failed` above the bound. */
  add(part: string): void {
    this.#parts.push(part);
    // Counts one more per piece, so that empty pieces are bounded too.
    this.#length += part.length + 1;
    if (this.#length > MAX_PIECE_CHARACTERS) throw pieceTooLong();
  }

  /** Returns the joined pieces, and empties the buffer. */
  take(separator: string): string {
    const [first] = this.#parts;
    const text = this.#parts.length === 1 && first !== undefined ? first : this.#parts.join(separator);
    this.#parts = [];
    this.#length = 0;
    return text;
  }
}

export function pieceTooLong(): AppError {
  return new AppError(
    'upstream_failed',
    `The model server sent more than ${MAX_PIECE_CHARACTERS / 1024 / 1024} MiB in one piece.`,
  );
}
