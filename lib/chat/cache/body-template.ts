import { randomUUID } from 'node:crypto';
import { type BodyPiece, BodyPieces } from '#lib/http/body-pieces';

/** A whole body, in the representation that is the fastest to send. */
export type CachedBody = string | BodyPieces;

/** The texts of a longer body are sent as they are stored: every copy of them costs more. */
const MAX_STRING_BYTES = 4 * 1024;

/**
 * Stand for the parts that a template does not hold. No text of a model or a client can contain
 * them, as they are random.
 */
export const PLACEHOLDERS: Readonly<Record<Slot, string>> = {
  id: randomUUID(),
  content: randomUUID(),
  thinking: randomUUID(),
};
type Slot = (typeof SLOTS)[number];
const SLOTS = ['id', 'content', 'thinking'] as const;
const SLOT_BY_PLACEHOLDER = new Map(SLOTS.map((slot) => [PLACEHOLDERS[slot], slot]));
const ANY_PLACEHOLDER = new RegExp(`(${Object.values(PLACEHOLDERS).join('|')})`);

/** A shorter ASCII text is a string: bytes outside of the heap take 500 more for their objects. */
const MAX_HEAP_CHARS = 1024;

/** A text inside of a JSON string, without its quotes. A long one is outside of the heap. */
export class JsonText {
  static readonly #EMPTY = new JsonText('');
  readonly byteLength: number;
  readonly isAscii: boolean;
  readonly #stored: string | Buffer<ArrayBuffer>;

  private constructor(text: string) {
    const escaped = JSON.stringify(text).slice(1, -1);
    this.byteLength = Buffer.byteLength(escaped);
    this.isAscii = this.byteLength === escaped.length;
    if (this.isAscii && this.byteLength <= MAX_HEAP_CHARS) {
      // A copy: a slice would retain the text with its quotes.
      this.#stored = Buffer.from(escaped, 'latin1').toString('latin1');
      return;
    }
    // A separate allocation: a slice of Node's shared pool would retain the whole pool.
    const bytes = Buffer.from(new ArrayBuffer(this.byteLength));
    bytes.write(escaped);
    this.#stored = bytes;
  }

  static of(text: string): JsonText {
    return text === '' ? JsonText.#EMPTY : new JsonText(text);
  }

  /** The stored text, which is not to be changed. */
  get piece(): BodyPiece {
    return this.#stored;
  }

  /** The text as it stands in JSON, if it is ASCII. */
  get ascii(): string {
    return typeof this.#stored === 'string' ? this.#stored : this.#stored.toString('latin1');
  }

  toString(): string {
    return JSON.parse(`"${this.#stored.toString()}"`);
  }
}

/** The parts of one body. */
export interface BodyParts {
  readonly id: string;
  readonly content: JsonText;
  readonly thinking: JsonText;
}

/** A body whose id and texts are filled in for each request: texts are not kept in it. */
export class BodyTemplate {
  /** Literal texts, and between two of them a slot. */
  readonly #literals: readonly string[];
  readonly #slots: readonly Slot[];
  readonly #literalBytes: number;
  readonly #isAscii: boolean;

  /** `text` holds `PLACEHOLDERS`. */
  constructor(text: string) {
    const pieces = text.split(ANY_PLACEHOLDER);
    this.#literals = pieces.filter((_, index) => index % 2 === 0);
    this.#slots = pieces.flatMap((piece) => SLOT_BY_PLACEHOLDER.get(piece) ?? []);
    this.#literalBytes = this.#literals.reduce((bytes, literal) => bytes + Buffer.byteLength(literal), 0);
    this.#isAscii = this.#literalBytes === this.#literals.reduce((length, literal) => length + literal.length, 0);
  }

  /**
   * Short ASCII becomes a string, which is sent in one write with the headers. Other text would
   * have to be decoded for that, and a long one copied.
   */
  fill(parts: BodyParts): CachedBody {
    const { id, content, thinking } = parts;
    const byteLength = this.#byteLength(parts);
    const isString = this.#isAscii && content.isAscii && thinking.isAscii;
    if (!isString || byteLength > MAX_STRING_BYTES) return new BodyPieces(this.#pieces(parts), byteLength);
    let body = this.#literals[0] ?? '';
    for (const [index, slot] of this.#slots.entries())
      body += (slot === 'id' ? id : (slot === 'content' ? content : thinking).ascii) + this.#literals[index + 1];
    return body;
  }

  #byteLength({ id, content, thinking }: BodyParts): number {
    let bytes = this.#literalBytes;
    for (const slot of this.#slots)
      bytes += slot === 'id' ? id.length : (slot === 'content' ? content : thinking).byteLength;
    return bytes;
  }

  /** Shares the bytes of the texts. */
  #pieces({ id, content, thinking }: BodyParts): BodyPiece[] {
    const pieces: BodyPiece[] = [];
    let text = this.#literals[0] ?? '';
    for (const [index, slot] of this.#slots.entries()) {
      const literal = this.#literals[index + 1] ?? '';
      if (slot === 'id') text += id + literal;
      else {
        pieces.push(text, (slot === 'content' ? content : thinking).piece);
        text = literal;
      }
    }
    pieces.push(text);
    return pieces;
  }
}
