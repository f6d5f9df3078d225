import { HttpClientError } from '#lib/http-client/errors';
import { INVALID_LINES, parseFields, parseResponseHead } from '#lib/http-client/response-head';

/** Called in this order for each response. Informational responses are further heads before it. */
export interface ResponseParserCallbacks {
  onHead(status: number, message: string, headers: string[]): void;
  /** `chunk` is a view of the bytes that were pushed. */
  onBody(chunk: Buffer): void;
  onEnd(trailers: string[]): void;
}

/** The limit of a head, and of trailers; that of llhttp. */
const MAX_HEAD_BYTES = 16 * 1024;
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
 * Incremental parser for the responses of one connection. Strict: anything that two parsers could
 * read differently is an error (RFC 9112). Bytes may arrive in any pieces. Has no sockets and no
 * clock.
 */
export class ResponseParser {
  readonly #callbacks: ResponseParserCallbacks;
  #state = IDLE;
  #isHeadRequest = false;
  /** The incomplete head, chunk line or trailers. */
  #text = '';
  /** Bytes of the body or chunk that are still expected. */
  #remaining = 0;
  #informational = 0;
  #keepMs = 0;
  #hasBegun = false;

  constructor(callbacks: ResponseParserCallbacks) {
    this.#callbacks = callbacks;
  }

  /** Whether a response is expected and not complete. */
  get isReading(): boolean {
    return this.#state !== IDLE;
  }

  /** Whether any byte of the response has arrived. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /**
   * How long the connection may stay idle after the response: 0 if it must be closed, infinite if
   * the response sets no limit.
   */
  get keepAliveMs(): number {
    return this.#keepMs;
  }

  /** Expects one response. `isHeadRequest`: it has no body. */
  begin(isHeadRequest: boolean): void {
    this.#state = HEAD;
    this.#isHeadRequest = isHeadRequest;
    this.#text = '';
    this.#informational = 0;
    this.#keepMs = 0;
    this.#hasBegun = false;
  }

  /**
   * Parses the first `length` bytes of `bytes`. Throws `HttpClientError` for an invalid response,
   * and must not be called again then. Bytes after the response are dropped, and `keepAliveMs` is
   * 0.
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
          this.#callbacks.onBody(bytes.subarray(at, length));
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
          throw invalidResponse('unexpected bytes');
      }
    }
  }

  /** The connection has ended. Throws if the response is incomplete. */
  close(): void {
    if (this.#state === UNTIL_CLOSE) this.#end([], 0, 0);
    else if (this.#state !== IDLE)
      throw this.#hasBegun
        ? new HttpClientError('RESPONSE_CUT_SHORT', 'the connection was closed within the response')
        : new HttpClientError('CLOSED_BY_PEER', 'the connection was closed before the response');
  }

  #readHead(bytes: Buffer, from: number, length: number): number {
    const before = this.#text.length;
    const to = Math.min(length, from + MAX_HEAD_BYTES - before);
    const piece = bytes.toString('latin1', from, to);
    const text = before === 0 ? piece : this.#text + piece;
    const end = text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end === -1) {
      if (text.length >= MAX_HEAD_BYTES) throw new HttpClientError('HEAD_TOO_LARGE', 'the head is too large');
      if (!'HTTP/1.'.startsWith(text.slice(0, 7)) || hasInvalidLine(text, before))
        throw invalidResponse('an invalid head');
      this.#text = text;
      return length;
    }
    this.#text = '';
    const headers: string[] = [];
    const framing = parseResponseHead(text, end + 2, headers);
    const after = from + end + 4 - before;
    const { status } = framing;
    if (status === 101) throw invalidResponse('an unexpected upgrade');
    if (status < 200) {
      this.#informational += 1;
      if (this.#informational > MAX_INFORMATIONAL_RESPONSES) throw invalidResponse('too many informational responses');
      this.#callbacks.onHead(status, framing.message, headers);
      return after;
    }
    this.#keepMs = framing.keepAliveMs;
    this.#callbacks.onHead(status, framing.message, headers);
    if (this.#isHeadRequest || status === 204 || status === 304) return this.#end([], after, length);
    if (framing.isChunked) this.#state = CHUNK_SIZE;
    else if (framing.length === undefined) {
      this.#state = UNTIL_CLOSE;
      this.#keepMs = 0;
    } else if (framing.length === 0) return this.#end([], after, length);
    else {
      this.#state = LENGTH;
      this.#remaining = framing.length;
    }
    return after;
  }

  #readData(bytes: Buffer, from: number, length: number): number {
    const to = Math.min(length, from + this.#remaining);
    this.#remaining -= to - from;
    this.#callbacks.onBody(bytes.subarray(from, to));
    if (this.#remaining > 0) return to;
    if (this.#state === LENGTH) return this.#end([], to, length);
    this.#state = CHUNK_END;
    return to;
  }

  #readChunkSize(bytes: Buffer, from: number, length: number): number {
    if (this.#text === '') {
      // Fast path: a line of digits only that is whole, as most are.
      let at = from;
      let size = 0;
      for (let digit = hexDigit(bytes[at]); digit >= 0 && at < from + MAX_FAST_DIGITS; digit = hexDigit(bytes[at])) {
        size = size * 16 + digit;
        at += 1;
      }
      if (at > from && at + 1 < length && isLineBreak(bytes, at)) {
        this.#remaining = size;
        this.#state = size === 0 ? TRAILERS : CHUNK_DATA;
        return at + 2;
      }
    }
    const feed = bytes.indexOf(LINE_FEED, from);
    const to = feed === -1 || feed >= length ? length : feed + 1;
    if (this.#text.length + to - from > MAX_CHUNK_LINE_BYTES) throw invalidResponse('a chunk without a size');
    this.#text += bytes.toString('latin1', from, to);
    if (feed === -1 || feed >= length) return to;
    const digits = CHUNK_LINE.exec(this.#text)?.[1];
    if (digits === undefined) throw invalidResponse('a chunk without a size');
    this.#text = '';
    this.#remaining = Number.parseInt(digits, 16);
    this.#state = this.#remaining === 0 ? TRAILERS : CHUNK_DATA;
    return to;
  }

  #readChunkEnd(bytes: Buffer, from: number, length: number): number {
    if (this.#text === '' && from + 1 < length && isLineBreak(bytes, from)) {
      this.#state = CHUNK_SIZE;
      return from + 2;
    }
    const to = Math.min(length, from + 2 - this.#text.length);
    this.#text += bytes.toString('latin1', from, to);
    if (!'\r\n'.startsWith(this.#text)) throw invalidResponse('a chunk longer than its size');
    if (this.#text.length < 2) return to;
    this.#text = '';
    this.#state = CHUNK_SIZE;
    return to;
  }

  #readTrailers(bytes: Buffer, from: number, length: number): number {
    if (this.#text === '' && from + 1 < length && isLineBreak(bytes, from)) return this.#end([], from + 2, length);
    const before = this.#text.length;
    const to = Math.min(length, from + MAX_HEAD_BYTES - before);
    const text = this.#text + bytes.toString('latin1', from, to);
    // Without trailers there is only the final line break.
    const end = text.startsWith('\r\n') ? -2 : text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end === -1) {
      if (text.length >= MAX_HEAD_BYTES) throw new HttpClientError('HEAD_TOO_LARGE', 'the trailers are too large');
      if (hasInvalidLine(text, before)) throw invalidResponse('invalid trailers');
      this.#text = text;
      return length;
    }
    this.#text = '';
    const trailers: string[] = [];
    if (end > 0) parseFields(text, 0, end + 2, trailers);
    return this.#end(trailers, from + end + 4 - before, length);
  }

  /** `onEnd` may begin the next response, so no state is read after it. */
  #end(trailers: string[], at: number, length: number): number {
    this.#state = IDLE;
    if (at < length) this.#keepMs = 0;
    this.#callbacks.onEnd(trailers);
    return length;
  }
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** Below 2^31, so that the size is a small integer. */
const MAX_FAST_DIGITS = 7;
const CHUNK_LINE = /^([0-9a-f]{1,13})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/i;

function isLineBreak(bytes: Buffer, at: number): boolean {
  return bytes[at] === CARRIAGE_RETURN && bytes[at + 1] === LINE_FEED;
}

/** The value of an ASCII code; negative if it is no hexadecimal digit. */
function hexDigit(code = 0): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Whether an incomplete head has an invalid line after its first `before` characters. */
function hasInvalidLine(text: string, before: number): boolean {
  return INVALID_LINES.test(before === 0 ? text : text.slice(before - 1));
}

function invalidResponse(part: string): HttpClientError {
  return new HttpClientError('RESPONSE_INVALID', `the server sent ${part}`);
}
