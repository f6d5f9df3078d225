import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { serializeLastChunk, serializeRequestHead } from '#lib/http-client/request-head';
import type { HttpClientRequest } from '#lib/http-client/response-handler';

function head(request: Partial<HttpClientRequest>) {
  return serializeRequestHead({ method: 'GET', path: '/', headers: [], body: null, ...request }, 'backend:1');
}

const START = 'host: backend:1\r\nconnection: keep-alive\r\n';

describe('the head of a request', () => {
  it('has the request line, the headers of the connection and the given ones unchanged', () => {
    expect(
      head({ method: 'M-SEARCH', path: '/a%20b?c=\xe9|', headers: ['X-A', ' a\tb ', 'x-a', '\xff', 'X', ''] }),
    ).toEqual({
      text: `M-SEARCH /a%20b?c=\xe9| HTTP/1.1\r\n${START}X-A:  a\tb \r\nx-a: \xff\r\nX: \r\n\r\n`,
      bodyLength: 0,
    });
  });

  it('announces how the body is sent', () => {
    const body = Readable.from([]);
    expect(head({ method: 'POST', headers: ['Content-Length', '12'], body })).toEqual({
      text: `POST / HTTP/1.1\r\n${START}Content-Length: 12\r\n\r\n`,
      bodyLength: 12,
    });
    expect(head({ body })).toEqual({
      text: `GET / HTTP/1.1\r\n${START}transfer-encoding: chunked\r\n\r\n`,
      bodyLength: undefined,
    });
  });

  it('announces the length of a text in UTF-8', () => {
    expect(head({ method: 'POST', text: 'größer' })).toEqual({
      text: `POST / HTTP/1.1\r\n${START}content-length: 8\r\n\r\n`,
      body: 'größer',
      bodyLength: 8,
    });
  });

  it('announces an empty body for methods that usually have one', () => {
    expect(head({ method: 'POST' }).text).toBe(`POST / HTTP/1.1\r\n${START}content-length: 0\r\n\r\n`);
    expect(head({ method: 'PUT', headers: ['Content-Length', '0'] }).text).toBe(
      `PUT / HTTP/1.1\r\n${START}Content-Length: 0\r\n\r\n`,
    );
    expect(head({ method: 'DELETE' }).text).toBe(`DELETE / HTTP/1.1\r\n${START}\r\n`);
  });

  const body = Readable.from([]);
  it.each<[name: string, request: Partial<HttpClientRequest>]>([
    ['a text and a length', { method: 'POST', text: 'a', headers: ['Content-Length', '1'] }],
    ['a text and a body', { method: 'POST', text: 'a', body: Readable.from([]) }],
    ['a method with a line break', { method: 'GET / HTTP/1.1\r\nX: ' }],
    ['an empty method', { method: '' }],
    ['the method CONNECT', { method: 'CONNECT' }],
    ['a path with a space', { path: '/a b' }],
    ['a path with a line break', { path: '/a\r\nX: b' }],
    ['a path with a zero byte', { path: '/a\0' }],
    ['a path beyond latin1', { path: '/\u010a' }],
    ['a URL as path', { path: 'http://elsewhere/' }],
    ['an empty path', { path: '' }],
    ['a name with a colon', { headers: ['X:A', 'a'] }],
    ['a name with a space', { headers: ['X ', 'a'] }],
    ['a name with a line break', { headers: ['X\r\nY', 'a'] }],
    ['an empty name', { headers: ['', 'a'] }],
    ['a value with a line break', { headers: ['X', 'a\r\nY: b'] }],
    ['a value with a bare line feed', { headers: ['X', 'a\nY: b'] }],
    ['a value with a bare carriage return', { headers: ['X', 'a\rY: b'] }],
    ['a value with a zero byte', { headers: ['X', 'a\0b'] }],
    // Its low byte is a line feed.
    ['a value beyond latin1', { headers: ['X', 'a\u010ab'] }],
    ['Host', { headers: ['Host', 'elsewhere'] }],
    ['Connection', { headers: ['Connection', 'close'] }],
    ['Keep-Alive', { headers: ['Keep-Alive', '1'] }],
    ['Upgrade', { headers: ['Upgrade', 'x'] }],
    ['Expect', { headers: ['Expect', '100-continue'] }],
    ['Transfer-Encoding', { headers: ['Transfer-Encoding', 'chunked'], body }],
    ['two lengths', { headers: ['Content-Length', '1', 'content-length', '1'], body }],
    ['an invalid length', { headers: ['Content-Length', '0x1'], body }],
    ['a length without a body', { headers: ['Content-Length', '1'] }],
  ])('with %s is refused', (_name, request) => {
    expect(() => head(request)).toThrowError(expect.objectContaining({ code: 'REQUEST_REFUSED' }));
  });
});

describe('the end of a chunked body', () => {
  it('is an empty chunk with unchanged trailers', () => {
    expect(serializeLastChunk([])).toBe('0\r\n\r\n');
    expect(serializeLastChunk(['X-A', ' a\tb', 'x-a', '\xff', 'X', ''])).toBe(
      '0\r\nX-A:  a\tb\r\nx-a: \xff\r\nX: \r\n\r\n',
    );
  });

  it.each<[name: string, ...trailers: string[]]>([
    ['a name with a colon', 'X:A', 'a'],
    ['a name with a line break', 'X\r\n\r\nGET / HTTP/1.1\r\nX', 'a'],
    ['an empty name', '', 'a'],
    ['a value with a line break', 'X', 'a\r\n\r\nGET / HTTP/1.1'],
    ['a folded value', 'X', 'a\r\n b'],
    ['a value with a bare line feed', 'X', 'a\nContent-Length: 5'],
    ['a value with a bare carriage return', 'X', 'a\rb'],
    ['a value with a zero byte', 'X', 'a\0b'],
    ['a value beyond latin1', 'X', 'a\u010ab'],
    ['a length', 'Content-Length', '5'],
    ['a coding', 'Transfer-Encoding', 'chunked'],
    ['a host', 'Host', 'elsewhere'],
    ['Connection', 'connection', 'close'],
    ['too many trailers', ...Array.from({ length: 65 }, () => ['X', 'a']).flat()],
    ['too many bytes', 'X', 'a'.repeat(4_100), 'X', 'a'.repeat(4_100)],
  ])('with %s is refused', (_name, ...trailers) => {
    expect(() => serializeLastChunk(trailers)).toThrowError(expect.objectContaining({ code: 'REQUEST_REFUSED' }));
  });

  it('may be as long as the limits', () => {
    const trailers = Array.from({ length: 64 }, () => ['X', 'a'.repeat(120)]).flat();
    expect(serializeLastChunk(trailers).length).toBeGreaterThan(7_900);
  });
});
