import { HttpClientError } from '#lib/http-client/errors';
import { INVALID_LINES, parseFields, parseResponseHead } from '#lib/http-client/response-head';

/** What a parser tells of one answer, in this order; informational answers come as heads of their own before. */
export interface ResponseParserCallbacks {
  onHead(status: number, message: string, headers: string[]): void;
  /** A part of the bytes that were pushed, not a copy. */
  onBody(chunk: Buffer): void;
  /** The answer is complete; nothing is called after it. */
  onEnd(trailers: string[]): void;
}

/** As much as a head, and as the trailers, may have: what llhttp allows. */
const LONGEST_HEAD = 16 * 1024;
const MAX_CHUNK_LINE_BYTES = 1024;
const MAX_INFORMATIONAL_RESPONSES = 32;

const IDLE = 0;
const HEAD = 1;
const LENGTH = 2;
const UNTIL_CLOSE = 3;
const CHUNK_SIZE = 4;
const CHUNK_DATA = 5;
const CHUNK_END = 6;
const TRAILERS = 7;

/**
 * Reads the answers of one connection, one after another, strictly by RFC 9112: what two readers could understand differently is an error.
 * Bytes may come in any pieces. Knows nothing of sockets and time.
 */
export class ResponseParser {
  readonly #sink: ResponseParserCallbacks;
  #state = IDLE;
  #isHead = false;
  /** What came of a head, a chunk's first line or the trailers, until it is complete. */
  #text = '';
  #left = 0;
  #informational = 0;
  #keepMs = 0;
  #hasBegun = false;

  constructor(sink: ResponseParserCallbacks) {
    this.#sink = sink;
  }

  /** Whether an answer is expected and not complete. */
  get isReading(): boolean {
    return this.#state !== IDLE;
  }

  /** Whether anything of the answer has come. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** How long the connection may be kept after the answer, in milliseconds: 0 where it may not, infinite where the answer says nothing. */
  get keepAliveMs(): number {
    return this.#keepMs;
  }

  /** Expects one answer. `isHead`: to HEAD, so that it has no body. */
  begin(isHead: boolean): void {
    this.#state = HEAD;
    this.#isHead = isHead;
    this.#text = '';
    this.#informational = 0;
    this.#keepMs = 0;
    this.#hasBegun = false;
  }

  /**
   * Takes the first `length` bytes of `bytes`. Throws `HttpClientError` for what is no answer, after which nothing more may be pushed.
   * What comes behind the end of the answer is no one's: the connection may not be kept.
   */
  push(bytes: Buffer, length: number): void {
    this.#hasBegun = true;
    let at = 0;
    while (at < length) {
      switch (this.#state) {
        case HEAD:
          at = this.#readHead(bytes, at, length);
          break;
        case LENGTH:
        case CHUNK_DATA:
          at = this.#readData(bytes, at, length);
          break;
        case UNTIL_CLOSE:
          this.#sink.onBody(bytes.subarray(at, length));
          return;
        case CHUNK_SIZE:
          at = this.#readChunkSize(bytes, at, length);
          break;
        case CHUNK_END:
          at = this.#readChunkEnd(bytes, at, length);
          break;
        case TRAILERS:
          at = this.#readTrailers(bytes, at, length);
          break;
        default:
          throw invalidResponse('bytes that nobody asked for');
      }
    }
  }

  /** The connection is at its end. Throws where the answer is not. */
  close(): void {
    if (this.#state === UNTIL_CLOSE) this.#end([], 0, 0);
    else if (this.#state !== IDLE)
      throw this.#hasBegun
        ? new HttpClientError('RESPONSE_CUT_SHORT', 'the connection was closed within the answer')
        : new HttpClientError('CLOSED_BY_PEER', 'the connection was closed before the answer');
  }

  #readHead(bytes: Buffer, from: number, length: number): number {
    const before = this.#text.length;
    const to = Math.min(length, from + LONGEST_HEAD - before);
    const piece = bytes.toString('latin1', from, to);
    const text = before === 0 ? piece : this.#text + piece;
    const end = text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end === -1) {
      if (text.length >= LONGEST_HEAD) throw new HttpClientError('HEAD_TOO_LARGE', 'the head is too large');
      if (!'HTTP/1.'.startsWith(text.slice(0, 7)) || hasInvalidLine(text, before)) throw invalidResponse('no head');
      this.#text = text;
      return length;
    }
    this.#text = '';
    const headers: string[] = [];
    const framing = parseResponseHead(text, end + 2, headers);
    const after = from + end + 4 - before;
    const { status } = framing;
    if (status === 101) throw invalidResponse('an upgrade that nobody asked for');
    if (status < 200) {
      this.#informational += 1;
      if (this.#informational > MAX_INFORMATIONAL_RESPONSES) throw invalidResponse('too many informational answers');
      this.#sink.onHead(status, framing.message, headers);
      return after;
    }
    this.#keepMs = framing.keepAliveMs;
    this.#sink.onHead(status, framing.message, headers);
    if (this.#isHead || status === 204 || status === 304) return this.#end([], after, length);
    if (framing.isChunked) this.#state = CHUNK_SIZE;
    else if (framing.length === undefined) {
      this.#state = UNTIL_CLOSE;
      this.#keepMs = 0;
    } else if (framing.length === 0) return this.#end([], after, length);
    else {
      this.#state = LENGTH;
      this.#left = framing.length;
    }
    return after;
  }

  #readData(bytes: Buffer, from: number, length: number): number {
    const to = Math.min(length, from + this.#left);
    this.#left -= to - from;
    this.#sink.onBody(bytes.subarray(from, to));
    if (this.#left > 0) return to;
    if (this.#state === LENGTH) return this.#end([], to, length);
    this.#state = CHUNK_END;
    return to;
  }

  #readChunkSize(bytes: Buffer, from: number, length: number): number {
    const feed = bytes.indexOf(LINE_FEED, from);
    const to = feed === -1 || feed >= length ? length : feed + 1;
    if (this.#text.length + to - from > MAX_CHUNK_LINE_BYTES) throw invalidResponse('a chunk without a size');
    this.#text += bytes.toString('latin1', from, to);
    if (feed === -1 || feed >= length) return to;
    const digits = CHUNK_LINE.exec(this.#text)?.[1];
    if (digits === undefined) throw invalidResponse('a chunk without a size');
    this.#text = '';
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? TRAILERS : CHUNK_DATA;
    return to;
  }

  #readChunkEnd(bytes: Buffer, from: number, length: number): number {
    const to = Math.min(length, from + 2 - this.#text.length);
    this.#text += bytes.toString('latin1', from, to);
    if (!'\r\n'.startsWith(this.#text)) throw invalidResponse('a chunk longer than its size');
    if (this.#text.length < 2) return to;
    this.#text = '';
    this.#state = CHUNK_SIZE;
    return to;
  }

  #readTrailers(bytes: Buffer, from: number, length: number): number {
    const before = this.#text.length;
    const to = Math.min(length, from + LONGEST_HEAD - before);
    const text = this.#text + bytes.toString('latin1', from, to);
    // Each line of the trailers ends with a line break of its own, and without any there is only the last one.
    const end = text.startsWith('\r\n') ? -2 : text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end === -1) {
      if (text.length >= LONGEST_HEAD) throw new HttpClientError('HEAD_TOO_LARGE', 'the trailers are too large');
      if (hasInvalidLine(text, before)) throw invalidResponse('broken trailers');
      this.#text = text;
      return length;
    }
    this.#text = '';
    const trailers: string[] = [];
    if (end > 0) parseFields(text, 0, end + 2, trailers);
    return this.#end(trailers, from + end + 4 - before, length);
  }

  /** Who is told of the end may begin the next answer at once: nothing is read of the parser's state after it. */
  #end(trailers: string[], at: number, length: number): number {
    this.#state = IDLE;
    if (at < length) this.#keepMs = 0;
    this.#sink.onEnd(trailers);
    return length;
  }
}

const LINE_FEED = 10;
const CHUNK_LINE = /^([0-9a-f]{1,13})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/i;

/** Whether what came behind the first `before` characters of an incomplete head has a line break that is none. */
function hasInvalidLine(text: string, before: number): boolean {
  return INVALID_LINES.test(before === 0 ? text : text.slice(before - 1));
}

function invalidResponse(what: string): HttpClientError {
  return new HttpClientError('RESPONSE_INVALID', `the backend sent ${what}`);
}
