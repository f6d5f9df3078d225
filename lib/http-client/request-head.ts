import { HttpClientError } from '#lib/http-client/errors';
import type { HttpClientRequest } from '#lib/http-client/response-handler';

export interface RequestHead {
  /** latin1. */
  text: string;
  /** The whole body, if it is a text; sent in UTF-8. */
  body?: string;
  /** Undefined if the body is chunked. */
  bodyLength: number | undefined;
}

/**
 * Serializes the head of a request to `host`. Throws `REQUEST_REFUSED` for anything that a server
 * could read differently (request smuggling): an invalid method, name, path or value, a second
 * length, or a header of the connection.
 */
export function serializeRequestHead(
  { method, path, headers, body, text: content }: HttpClientRequest,
  host: string,
): RequestHead {
  if (!TOKEN.test(method) || method === 'CONNECT') throw invalidRequest('method');
  if (path.charCodeAt(0) !== SLASH || INVALID_PATH_CHAR.test(path)) throw invalidRequest('path');
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
  let length: number | undefined;
  let names = '';
  let values = '';
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    if (name === '') throw invalidRequest('header name');
    names += name;
    values += value;
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
  // Each name and value is valid if all of their characters are: two tests instead of two for each.
  if (headers.length > 1) checkField(names, values);
  if (content !== undefined) {
    if (body !== null || length !== undefined) throw invalidRequest('length');
    const bytes = Buffer.byteLength(content);
    return { text: `${text}content-length: ${bytes}\r\n\r\n`, body: content, bodyLength: bytes };
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
 * Serializes the last chunk of a chunked body and its trailers. Throws `REQUEST_REFUSED` for
 * invalid trailers, and for more of them than servers accept.
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
    if (text.length > MAX_TRAILERS_BYTES) throw invalidRequest('length of its trailers');
  }
  return `${text}\r\n`;
}

const SLASH = 47;
const MAX_TRAILERS = 64;
/** Half of what `node:http` accepts from a client, and the default limit of most servers. */
const MAX_TRAILERS_BYTES = 8 * 1024;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const INVALID_PATH_CHAR = /[^\x21-\x7e\x80-\xff]/;
const INVALID_VALUE_CHAR = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;
/** Methods that send `Content-Length: 0` if there is no body (RFC 9110 8.6). */
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

function invalidRequest(part: string): HttpClientError {
  return new HttpClientError('REQUEST_REFUSED', `the request has an invalid ${part}`);
}
