import { describe, expect, it } from 'vitest';
import { requestHeaders, requestTrailers } from '#lib/gateway/headers/request-headers';
import { responseHeaders, responseTrailers } from '#lib/gateway/headers/response-headers';
import { TokenMask } from '#lib/gateway/token-mask';

const MASK = new TokenMask(undefined);
const CLIENT = {
  peer: '127.0.0.1',
  protocol: 'http',
  isTrustedProxy: true,
  usesAppKey: false,
  caller: '127.0.0.1',
  sessionCookies: ['session'],
  cors: 'pass',
  sharesOrigin: true,
  requestId: 'r',
  traceparent: undefined,
} as const;

/** Fields that are never forwarded as trailers, in either direction and any spelling. */
const FORBIDDEN = [
  ...['Content-Length', 'Transfer-Encoding', 'Trailer', 'TE', 'Content-Type', 'Content-Encoding', 'Content-Range'],
  ...['Content-Disposition', 'Content_Length', 'CONTENT_TYPE', 'Host', 'Max-Forwards', 'Location', 'Connection'],
  ...['Keep-Alive', 'Proxy-Connection', 'Upgrade', 'HTTP2-Settings', 'Authorization', 'Proxy-Authorization', 'Cookie'],
  ...['Set-Cookie', 'WWW-Authenticate', 'Proxy-Authenticate', 'Expect', 'Range', 'If-Match', 'If-None-Match'],
  ...['If-Modified-Since', 'Cache-Control', 'Pragma', 'Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host'],
  ...['X-Forwarded-Proto', 'X-Forwarded-Authorization', 'X_Forwarded_For', 'X-Forwarded-User', 'X-Request-Id'],
  ...['Age', 'Date', 'Expires', 'Retry-After', 'Vary', 'Warning', 'Proxy_Authorization'],
];
const FORBIDDEN_IN_REQUESTS = ['X-Real-IP', 'X_Real_IP', 'Traceparent'];
const ALLOWED = ['X-Sum', 'Content-Digest', 'Digest', 'Server-Timing', 'Grpc-Status', 'Contents', 'X_Sum', 'Iffy'];

describe.each([
  ['a request', FORBIDDEN_IN_REQUESTS, (raw: string[], head: string[]) => requestTrailers(raw, head, {})],
  ['a response', [], (raw: string[], head: string[]) => responseTrailers(raw, head, MASK).flat()],
] as const)('the trailers of %s', (_name, more, forward) => {
  it.each([...FORBIDDEN, ...more])('never include %s', (name) => {
    expect(forward(['X-A', '1', name, '2', 'X-B', '3'], [])).toEqual(['X-A', '1', 'X-B', '3']);
    expect(forward([name.toLowerCase(), '2'], [])).toEqual([]);
  });

  it('otherwise keep their order, spelling and number', () => {
    const raw = [...ALLOWED, ...ALLOWED].flatMap((name, place) => [name, String(place)]);
    expect(forward(raw, ['Connection', 'keep-alive'])).toEqual(raw);
  });

  it('exclude those that a Connection header names', () => {
    const head = ['Connection', 'close, X-Hop', 'X-A', '1', 'connection', 'x-one'];
    expect(forward(['x-hop', '1', 'X-One', '2', 'X-Kept', '3', 'X_Hop', '4'], head)).toEqual(['X-Kept', '3']);
  });
});

describe('the Trailer header', () => {
  const trailerOf = (headers: string[]) => {
    const place = headers.findIndex((name) => name.toLowerCase() === 'trailer');
    return place === -1 ? undefined : headers[place + 1];
  };
  const ofRequest = (allowsTrailers: boolean, ...raw: string[]) =>
    trailerOf(requestHeaders(['Host', 'x', ...raw], CLIENT, undefined, allowsTrailers));
  const ofResponse = (allowsTrailers: boolean, ...raw: string[]) =>
    trailerOf(responseHeaders(raw, MASK, CLIENT, allowsTrailers));

  it.each([
    ['a request', ofRequest],
    ['a response', ofResponse],
  ])('of %s lists what is forwarded, and is removed if that is nothing', (_name, trailer) => {
    expect(trailer(true, 'Trailer', 'X-Sum, Content-Length', 'trailer', ' ,Host,x-b')).toBe('X-Sum, x-b');
    expect(trailer(true, 'Connection', 'X-Sum', 'Trailer', 'X-Sum, X-B')).toBe('X-B');
    expect(trailer(true, 'Trailer', 'Authorization, X-Request-Id')).toBeUndefined();
    expect(trailer(false, 'Trailer', 'X-Sum')).toBeUndefined();
  });
});

it('keeps `TE: trailers` of a caller that names TE in Connection', () => {
  const headers = requestHeaders(['Host', 'x', 'Connection', 'TE', 'TE', 'trailers'], CLIENT, undefined, false);
  expect(headers.slice(0, 2)).toEqual(['te', 'trailers']);
  expect(requestHeaders(['Host', 'x', 'TE', 'deflate'], CLIENT, undefined, false)).not.toContain('te');
});
