import { describe, expect, it } from 'vitest';
import { requestHeaders, requestTrailers } from '#lib/gateway/headers/request-headers';
import { responseHeaders, responseTrailers } from '#lib/gateway/headers/response-headers';
import { TokenMask } from '#lib/gateway/token-mask';

const MASK = new TokenMask(undefined);
const ORIGIN = {
  peer: '127.0.0.1',
  protocol: 'http',
  isTrustedProxy: true,
  isOwnKey: false,
  caller: '127.0.0.1',
  sessionCookies: ['session'],
  cors: 'pass',
  sharesOrigin: true,
  requestId: 'r',
  traceparent: undefined,
} as const;

/** What comes so late is for nobody who reads headers: neither way, in no spelling. */
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
  ['a request', FORBIDDEN_IN_REQUESTS, (raw: string[], head: string[]) => requestTrailers(raw, head)],
  ['an answer', [], (raw: string[], head: string[]) => responseTrailers(raw, head, MASK).flat()],
] as const)('the trailers of %s', (_name, more, pass) => {
  it.each([...FORBIDDEN, ...more])('never have %s', (name) => {
    expect(pass(['X-A', '1', name, '2', 'X-B', '3'], [])).toEqual(['X-A', '1', 'X-B', '3']);
    expect(pass([name.toLowerCase(), '2'], [])).toEqual([]);
  });

  it('go on as they are otherwise, in their order, spelling and number', () => {
    const raw = [...ALLOWED, ...ALLOWED].flatMap((name, place) => [name, String(place)]);
    expect(pass(raw, ['Connection', 'keep-alive'])).toEqual(raw);
  });

  it('have none that a Connection header names', () => {
    const head = ['Connection', 'close, X-Hop', 'X-A', '1', 'connection', 'x-one'];
    expect(pass(['x-hop', '1', 'X-One', '2', 'X-Kept', '3', 'X_Hop', '4'], head)).toEqual(['X-Kept', '3']);
  });
});

describe('the Trailer header', () => {
  const trailerOf = (headers: string[]) => {
    const place = headers.findIndex((name) => name.toLowerCase() === 'trailer');
    return place === -1 ? undefined : headers[place + 1];
  };
  const ofRequest = (allowsTrailers: boolean, ...raw: string[]) =>
    trailerOf(requestHeaders(['Host', 'x', ...raw], ORIGIN, undefined, allowsTrailers));
  const ofAnswer = (allowsTrailers: boolean, ...raw: string[]) =>
    trailerOf(responseHeaders(raw, MASK, ORIGIN, allowsTrailers));

  it.each([
    ['a request', ofRequest],
    ['an answer', ofAnswer],
  ])('of %s announces what may come, and is left out where nothing may', (_name, announced) => {
    expect(announced(true, 'Trailer', 'X-Sum, Content-Length', 'trailer', ' ,Host,x-b')).toBe('X-Sum, x-b');
    expect(announced(true, 'Connection', 'X-Sum', 'Trailer', 'X-Sum, X-B')).toBe('X-B');
    expect(announced(true, 'Trailer', 'Authorization, X-Request-Id')).toBeUndefined();
    expect(announced(false, 'Trailer', 'X-Sum')).toBeUndefined();
  });
});

it('a caller that takes trailers still does where it names TE in Connection, as it must', () => {
  const headers = requestHeaders(['Host', 'x', 'Connection', 'TE', 'TE', 'trailers'], ORIGIN, undefined, false);
  expect(headers.slice(0, 2)).toEqual(['te', 'trailers']);
  expect(requestHeaders(['Host', 'x', 'TE', 'deflate'], ORIGIN, undefined, false)).not.toContain('te');
});
