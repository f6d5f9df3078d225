import { HttpClientError } from '#lib/http-client/errors';
import type { HttpClientRequest } from '#lib/http-client/response-handler';

/** A request's head as it is sent, and what follows it. */
export interface RequestHead {
  text: string;
  /** How many bytes the body has; undefined where it is sent in chunks. */
  bodyLength: number | undefined;
}

/**
 * The head of a request to `host`, latin1. Throws `REQUEST_REFUSED` for anything that could be read otherwise than it is meant: a method or
 * name that is no token, a path or value with characters that end it, a second length, a header that belongs to the connection.
 */
export function serializeRequestHead({ method, path, headers, body }: HttpClientRequest, host: string): RequestHead {
  if (!TOKEN.test(method) || method === 'CONNECT') throw invalidRequest('method');
  if (path.charCodeAt(0) !== SLASH || INVALID_PATH_CHAR.test(path)) throw invalidRequest('path');
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
  let length: number | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    checkField(name, value);
    if (CHECKED_NAME_LENGTHS.has(name.length)) {
      const lower = name.toLowerCase();
      if (CONNECTION_HEADERS.has(lower)) throw invalidRequest('header');
      if (lower === 'content-length') {
        if (length !== undefined || !LENGTH.test(value)) throw invalidRequest('length');
        length = Number(value);
      }
    }
    text += `${name}: ${value}\r\n`;
  }
  if (body === null) {
    if (length !== undefined && length !== 0) throw invalidRequest('length');
    if (length === undefined && METHODS_WITH_BODY.has(method)) text += 'content-length: 0\r\n';
    return { text: `${text}\r\n`, bodyLength: 0 };
  }
  if (length === undefined) text += 'transfer-encoding: chunked\r\n';
  return { text: `${text}\r\n`, bodyLength: length };
}

/**
 * What ends a body in chunks: the last chunk, which is empty, and the trailers behind it, latin1. Throws `REQUEST_REFUSED` as `serializeRequestHead`
 * does, for what frames the body, and for more of them than any backend should be asked to keep.
 */
export function serializeLastChunk(trailers: readonly string[]): string {
  if (trailers.length > 2 * MAX_TRAILERS) throw invalidRequest('number of trailers');
  let text = '0\r\n';
  for (let index = 0; index + 1 < trailers.length; index += 2) {
    const name = trailers[index] ?? '';
    const value = trailers[index + 1] ?? '';
    checkField(name, value);
    const lower = name.toLowerCase();
    if (CONNECTION_HEADERS.has(lower) || lower === 'content-length') throw invalidRequest('trailer');
    text += `${name}: ${value}\r\n`;
    if (text.length > LONGEST_TRAILERS) throw invalidRequest('length of its trailers');
  }
  return `${text}\r\n`;
}

const SLASH = 47;
const MAX_TRAILERS = 64;
/** Half of what `node:http` takes of a client, in bytes, and of what most backends take by default. */
const LONGEST_TRAILERS = 8 * 1024;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const INVALID_PATH_CHAR = /[^\x21-\x7e\x80-\xff]/;
const INVALID_VALUE_CHAR = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;
/** Methods whose requests have a body by nature: that there is none is said (RFC 9110 §8.6). */
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'expect',
]);
const CHECKED_NAME_LENGTHS: ReadonlySet<number> = new Set(
  [...CONNECTION_HEADERS, 'content-length'].map((name) => name.length),
);

function checkField(name: string, value: string): void {
  if (!TOKEN.test(name)) throw invalidRequest('header name');
  if (INVALID_VALUE_CHAR.test(value)) throw invalidRequest('header value');
}

function invalidRequest(what: string): HttpClientError {
  return new HttpClientError('REQUEST_REFUSED', `the request has an invalid ${what}`);
}
