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
    return this.#split(this.#decode(chunk));
  }

  /** The rest of an ended stream: the last line needs no line end. */
  end(): string[] {
    const lines = this.#split(this.#decoder.decode());
    if (this.#length > 0) lines.push(this.#take(''));
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

  #split(decoded: string): string[] {
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
    const lines: string[] = [];
    let from = 0;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      lines.push(this.#take(text.slice(from, at)));
      from = at + 1;
    }
    if (from < text.length) {
      this.#parts.push(text.slice(from));
      this.#length += text.length - from;
      if (this.#length > MAX_PIECE_CHARACTERS) throw pieceTooLong();
    }
    return lines;
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
