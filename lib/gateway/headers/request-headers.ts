import { AppError } from '#lib/errors';
import { connectionValue, withoutConnectionHeaders } from '#lib/gateway/headers/hop-by-hop';
import type { ResponsePolicy } from '#lib/gateway/headers/response-headers';
import { filterTrailerNames, filterTrailers, trailerRule } from '#lib/gateway/headers/trailers';

/** What is known of a request beside its headers, for what the backend is told of where it came from. */
export interface ClientInfo extends ResponsePolicy {
  /** The address that the connection came from. */
  peer: string | undefined;
  protocol: 'http' | 'https';
  /** The peer is a proxy whose own forwarding headers are believed, and go on. */
  isTrustedProxy: boolean;
  /** `Authorization` is a key of this server: it ends here. */
  isOwnKey: boolean;
  /** Who the request counts for where callers share something: an address, a key, or both. */
  caller: string;
  requestId: string;
  /** In place of the caller's own, where this server records traces. */
  traceparent: string | undefined;
}

/**
 * The headers for the backend, names and values in turn, out of those of the request in the same form: in their order and
 * spelling, but
 * - without hop-by-hop headers, those that `Connection` names included, and without `Host`, which the connection has;
 * - with the backend's `token` as `Authorization`, the caller's own as `X-Forwarded-Authorization`;
 * - with the request's own `traceparent` where this server records traces, and otherwise the caller's;
 * - with `X-Forwarded-For`, `-Host`, `-Proto` and `X-Request-Id` of ours. Whatever a caller wrote about its own origin is
 *   dropped unless it is a believed proxy, also in spellings with `_`, which CGI and WSGI take for the same names;
 * - with what `Trailer` announces of that which `requestTrailers` passes on, where there can be any: `allowsTrailers`.
 *
 * `Content-Length` stays, whatever `Connection` says: it belongs to the framing, which the parser has checked.
 * Throws `invalid_request` where there is more than one `Host`.
 */
export function requestHeaders(
  raw: readonly string[],
  origin: ClientInfo,
  token: string | undefined,
  allowsTrailers: boolean,
): string[] {
  const headers: string[] = [];
  let hosts = 0;
  let host = '';
  let forwardedFor = '';
  let forwardedHost: string | undefined;
  let forwardedProto: string | undefined;
  let authorization: string | undefined;
  let forwardedAuthorization: string | undefined;
  let named: string | undefined;
  let trailer: string | undefined;
  let takesTrailers = false;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const rule = ruleOf(name);
    if (rule === undefined) headers.push(name, value);
    else if (rule === 'host') {
      hosts += 1;
      host = value;
    } else if (rule === 'connection') named = named === undefined ? value : `${named},${value}`;
    else if (rule === 'authorization') authorization ??= value;
    else if (rule === 'x-forwarded-authorization') forwardedAuthorization ??= value;
    else if (rule === 'te') takesTrailers ||= /\btrailers\b/i.test(value);
    else if (rule === 'trailer') trailer = trailer === undefined ? value : `${trailer},${value}`;
    else if (rule === 'cookie') {
      const cookies = withoutCookies(value, origin.sessionCookies);
      if (cookies !== '') headers.push(name, cookies);
    } else if (rule === 'traceparent') {
      if (origin.traceparent === undefined) headers.push(name, value);
    } else if (rule === 'origin' && origin.isTrustedProxy) {
      const lower = name.toLowerCase();
      if (lower === 'x-forwarded-for') forwardedFor = appendForwardedFor(forwardedFor, value);
      else if (lower === 'x-forwarded-host') forwardedHost ??= value;
      else if (lower === 'x-forwarded-proto') forwardedProto ??= value;
      else headers.push(name, value);
    }
  }
  if (hosts > 1) throw new AppError('invalid_request', 'The request names more than one host.');
  const kept = named === undefined ? headers : withoutConnectionHeaders(headers, named);
  // Whoever says it must name it in `Connection` too (RFC 9110 §10.1.4); it is true of this side as well.
  if (takesTrailers) kept.push('te', 'trailers');
  if (trailer !== undefined && allowsTrailers) {
    const announced = filterTrailerNames(trailer, trailerRule(named, isOwnName));
    if (announced !== undefined) kept.push('trailer', announced);
  }
  if (origin.isOwnKey) authorization = undefined;
  else forwardedAuthorization = undefined;
  if (token !== undefined) kept.push('authorization', `Bearer ${token}`);
  else if (authorization !== undefined) kept.push('authorization', authorization);
  const own = authorization ?? forwardedAuthorization;
  if (own !== undefined) kept.push('x-forwarded-authorization', own);
  kept.push('x-forwarded-for', appendForwardedFor(forwardedFor, origin.peer));
  kept.push('x-forwarded-host', forwardedHost ?? host, 'x-forwarded-proto', forwardedProto ?? origin.protocol);
  kept.push('x-request-id', origin.requestId);
  if (origin.traceparent !== undefined) kept.push('traceparent', origin.traceparent);
  return kept;
}

/**
 * The trailers for the backend, names and values in turn, out of those of the request whose headers are `raw`: without all that
 * `requestHeaders` drops or makes anew, and what may not come so late.
 */
export function requestTrailers(trailers: readonly string[], raw: readonly string[]): string[] {
  return trailers.length === 0 ? [] : filterTrailers(trailers, trailerRule(connectionValue(raw), isOwnName));
}

function appendForwardedFor(before: string, address: string | undefined): string {
  if (before === '') return address ?? 'unknown';
  return address === undefined ? before : `${before}, ${address}`;
}

type RequestHeaderRule =
  | 'drop'
  | 'host'
  | 'connection'
  | 'authorization'
  | 'x-forwarded-authorization'
  | 'te'
  | 'trailer'
  | 'cookie'
  | 'traceparent'
  | 'origin';

const RULES = new Map<string, RequestHeaderRule>([
  ['host', 'host'],
  ['connection', 'connection'],
  ['authorization', 'authorization'],
  ['x-forwarded-authorization', 'x-forwarded-authorization'],
  ['te', 'te'],
  ['trailer', 'trailer'],
  ['cookie', 'cookie'],
  ['traceparent', 'traceparent'],
  // Made anew for the next connection; `Expect` is answered by the server.
  ...['keep-alive', 'proxy-connection', 'proxy-authorization', 'transfer-encoding', 'upgrade', 'expect'].map(
    (name): [string, RequestHeaderRule] => [name, 'drop'],
  ),
  ['http2-settings', 'drop'],
  ['x-request-id', 'drop'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-server'].map(
    (name): [string, RequestHeaderRule] => [name, 'origin'],
  ),
  ...['x-forwarded-prefix', 'x-forwarded-ssl', 'x-forwarded-scheme', 'x-real-ip', 'forwarded'].map(
    (name): [string, RequestHeaderRule] => [name, 'origin'],
  ),
]);

const MAX_RULE_LENGTH = Math.max(...[...RULES.keys()].map((name) => name.length));

function ruleOf(name: string): RequestHeaderRule | undefined {
  if (name.length > MAX_RULE_LENGTH) return undefined;
  const lower = name.toLowerCase();
  const rule = RULES.get(lower);
  if (rule !== undefined || !lower.includes('_')) return rule;
  const meant = lower.replaceAll('_', '-');
  return RULES.has(meant) || meant === 'content-length' ? 'drop' : undefined;
}

function isOwnName(name: string): boolean {
  return RULES.has(name);
}

function withoutCookies(cookies: string, names: readonly string[]): string {
  const lower = cookies.toLowerCase();
  if (!names.some((name) => lower.includes(name))) return cookies;
  return cookies
    .split(';')
    .filter((cookie) => !names.includes(cookie.split('=', 1)[0]?.trim().toLowerCase() ?? ''))
    .join(';')
    .trim();
}
