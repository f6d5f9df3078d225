import { HttpClientError } from '#lib/http-client/errors';

/** How a response is framed, and whether its connection is reusable. */
export interface ResponseFraming {
  status: number;
  message: string;
  isChunked: boolean;
  /** Undefined without `Content-Length`. */
  length: number | undefined;
  /** As `ResponseParser.keepAliveMs`. */
  keepAliveMs: number;
}

/** Control characters, and line breaks other than CR LF, which parsers disagree on. */
export const INVALID_LINES = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]|[^\r]\n/;

/**
 * Parses the head at the start of `text`. `end` is the end of its last line break. Appends names
 * and values in turn to `headers`. Throws `HttpClientError` for anything that parsers could read
 * differently (RFC 9112 2.2, 5, 6).
 */
export function parseResponseHead(text: string, end: number, headers: string[]): ResponseFraming {
  const lineEnd = text.indexOf('\r\n');
  const minor = text.charCodeAt(7) - DIGIT_0;
  const status = digit(text, 9) * 100 + digit(text, 10) * 10 + digit(text, 11);
  const isStatusLine =
    text.startsWith('HTTP/1.') &&
    (minor === 0 || minor === 1) &&
    text.charCodeAt(8) === SPACE &&
    status >= 100 &&
    (lineEnd === 12 || text.charCodeAt(12) === SPACE);
  if (!isStatusLine) throw invalidResponse('an invalid status line');
  parseFields(text, lineEnd + 2, end, headers);
  let length: number | undefined;
  let isChunked = false;
  let isKeptAlive = minor === 1;
  let keepAliveMs = Number.POSITIVE_INFINITY;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (!FRAMING_NAME_LENGTHS.has(name.length)) continue;
    const value = headers[index + 1] ?? '';
    switch (name.toLowerCase()) {
      case 'content-length':
        if (length !== undefined || !LENGTH.test(value)) throw invalidResponse('an invalid length');
        length = Number(value);
        break;
      case 'transfer-encoding':
        if (isChunked || minor === 0 || value.toLowerCase() !== 'chunked') throw invalidResponse('an unknown coding');
        isChunked = true;
        break;
      case 'connection':
        if (hasConnectionOption(value, 'close')) keepAliveMs = 0;
        else if (hasConnectionOption(value, 'keep-alive')) isKeptAlive = true;
        break;
      case 'keep-alive':
        keepAliveMs = Math.min(keepAliveMs, keepAliveTimeoutMs(value));
        break;
    }
  }
  if (isChunked && length !== undefined) throw invalidResponse('both a length and chunks');
  const message = text.slice(13, lineEnd);
  return { status, message, isChunked, length, keepAliveMs: isKeptAlive ? keepAliveMs : 0 };
}

/**
 * Parses the fields of `text` from `start` to `end`, the end of the last line break. Appends names
 * and values in turn to `fields`.
 */
export function parseFields(text: string, start: number, end: number, fields: string[]): void {
  if (INVALID_LINES.test(text.length === end ? text : text.slice(0, end))) throw invalidResponse('an invalid line');
  for (let at = start; at < end; ) {
    const colon = text.indexOf(':', at);
    const lineEnd = text.indexOf('\r\n', at);
    if (colon === -1 || colon > lineEnd) throw invalidResponse('a line without a colon');
    const name = text.slice(at, colon);
    // Also rejects a space before the colon and folded lines (RFC 9112 5.1, 5.2).
    if (!TOKEN.test(name)) throw invalidResponse('an invalid header name');
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
/** Closes before the server does, so that no request meets a connection that is being closed. */
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

function keepAliveTimeoutMs(value: string): number {
  const seconds = /(?:^|[\s,;])timeout=(\d{1,9})(?:$|[\s,;])/i.exec(value)?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS);
}

function invalidResponse(part: string): HttpClientError {
  return new HttpClientError('RESPONSE_INVALID', `the server sent ${part}`);
}
