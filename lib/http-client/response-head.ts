import { HttpClientError } from '#lib/http-client/errors';

/** What an answer's head says of the bytes that follow, and of the connection. */
export interface ResponseFraming {
  status: number;
  message: string;
  isChunked: boolean;
  /** Undefined where there is no `Content-Length`. */
  length: number | undefined;
  /** As `ResponseParser.keepMs`. */
  keepAliveMs: number;
}

/** Control characters, and line breaks other than CR LF: what one reader takes for a line's end, and the next one does not. */
export const INVALID_LINES = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]|[^\r]\n/;

/**
 * Reads the head that `text` begins with and that ends at `end`, its last line break included; `headers` gets names and values in
 * turn. Throws `HttpClientError` where anything of it could be understood in two ways (RFC 9112 §2.2, §5, §6).
 */
export function parseResponseHead(text: string, end: number, headers: string[]): ResponseFraming {
  const lineEnd = text.indexOf('\r\n');
  const minor = text.charCodeAt(7) - DIGIT_0;
  const status = digit(text, 9) * 100 + digit(text, 10) * 10 + digit(text, 11);
  const isLine =
    text.startsWith('HTTP/1.') &&
    (minor === 0 || minor === 1) &&
    text.charCodeAt(8) === SPACE &&
    status >= 100 &&
    (lineEnd === 12 || text.charCodeAt(12) === SPACE);
  if (!isLine) throw invalidResponse('a status line that is none');
  parseFields(text, lineEnd + 2, end, headers);
  let length: number | undefined;
  let isChunked = false;
  let keepsAlive = minor === 1;
  let keepMs = Number.POSITIVE_INFINITY;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (!FRAMING_NAME_LENGTHS.has(name.length)) continue;
    const value = headers[index + 1] ?? '';
    switch (name.toLowerCase()) {
      case 'content-length':
        if (length !== undefined || !LENGTH.test(value)) throw invalidResponse('a length that is none');
        length = Number(value);
        break;
      case 'transfer-encoding':
        if (isChunked || minor === 0 || value.toLowerCase() !== 'chunked') throw invalidResponse('an unknown coding');
        isChunked = true;
        break;
      case 'connection':
        if (hasConnectionOption(value, 'close')) keepMs = 0;
        else if (hasConnectionOption(value, 'keep-alive')) keepsAlive = true;
        break;
      case 'keep-alive':
        keepMs = Math.min(keepMs, keepAliveMs(value));
        break;
    }
  }
  if (isChunked && length !== undefined) throw invalidResponse('both a length and chunks');
  return { status, message: text.slice(13, lineEnd), isChunked, length, keepAliveMs: keepsAlive ? keepMs : 0 };
}

/** Reads the fields of `text` from `start` to `end`, the last one's line break included, into names and values in turn. */
export function parseFields(text: string, start: number, end: number, fields: string[]): void {
  if (INVALID_LINES.test(text.length === end ? text : text.slice(0, end))) throw invalidResponse('a broken line');
  for (let at = start; at < end; ) {
    const colon = text.indexOf(':', at);
    const lineEnd = text.indexOf('\r\n', at);
    if (colon === -1 || colon > lineEnd) throw invalidResponse('a line without a colon');
    const name = text.slice(at, colon);
    // A space before the colon, or a line that goes on with the one before, makes it none (§5.1, §5.2).
    if (!TOKEN.test(name)) throw invalidResponse('a header name that is none');
    let from = colon + 1;
    let to = lineEnd;
    while (from < to && isBlank(text.charCodeAt(from))) from += 1;
    while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
    fields.push(name, text.slice(from, to));
    at = lineEnd + 2;
  }
}

const SPACE = 32;
const TAB = 9;
const DIGIT_0 = 48;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const LENGTH = /^\d{1,15}$/;
const FRAMING_NAME_LENGTHS: ReadonlySet<number> = new Set(
  ['content-length', 'transfer-encoding', 'connection', 'keep-alive'].map((name) => name.length),
);
/** The backend closes at its own time, which should not be that of our next request. */
const KEEP_ALIVE_MARGIN_MS = 1000;

function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - DIGIT_0;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function hasConnectionOption(value: string, option: string): boolean {
  const lower = value.toLowerCase();
  return lower === option || (lower.includes(option) && lower.split(',').some((name) => name.trim() === option));
}

function keepAliveMs(value: string): number {
  const seconds = /(?:^|[\s,;])timeout=(\d{1,9})(?:$|[\s,;])/i.exec(value)?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS);
}

function invalidResponse(what: string): HttpClientError {
  return new HttpClientError('RESPONSE_INVALID', `the backend sent ${what}`);
}
