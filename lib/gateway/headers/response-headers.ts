import { connectionValue, withoutConnectionHeaders } from '#lib/gateway/headers/hop-by-hop';
import { filterTrailerNames, filterTrailers, trailerRule } from '#lib/gateway/headers/trailers';
import type { TokenMask } from '#lib/gateway/token-mask';

/**
 * How the backend's `Access-Control-*` headers are treated: forwarded, replaced by this server's,
 * or dropped, so that the calling page cannot read the response.
 */
export type CorsPolicy = 'pass' | 'replace' | 'drop';

export interface ResponsePolicy {
  /** Names of this server's session cookies, in lower case, which no backend may set or clear. */
  sessionCookies: readonly string[];
  cors: CorsPolicy;
  /** The response is served at the app's origin. Headers that affect all of it are dropped. */
  sharesOrigin: boolean;
}

/**
 * The headers for the client, from those of the backend's response, both names and values in turn.
 * Order and spelling are kept. Hop-by-hop headers are removed, with those that `Connection` names,
 * `X-Request-Id`, and what `policy` excludes. The token is masked.
 *
 * `allowsTrailers`: the response may have trailers if its body is chunked.
 */
export function responseHeaders(
  raw: readonly string[],
  mask: TokenMask,
  policy: ResponsePolicy,
  allowsTrailers: boolean,
): string[] {
  const headers: string[] = [];
  let connection: string | undefined;
  let trailer: string | undefined;
  let hasLength = false;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const lower = name.toLowerCase();
    const rule = RULES.get(lower);
    if (rule === undefined) {
      if (!isCors(lower)) headers.push(mask.text(name), mask.text(value));
      else pushCors(headers, name, lower, mask.text(value), policy.cors);
    } else if (rule === 'content-length') {
      hasLength = true;
      headers.push(name, value);
    } else if (rule === 'connection') connection = connection === undefined ? value : `${connection},${value}`;
    else if (rule === 'trailer') trailer = trailer === undefined ? value : `${trailer}, ${value}`;
    else if (rule === 'set-cookie') {
      if (!setsSessionCookie(value, policy.sessionCookies)) headers.push(name, mask.text(value));
    } else if (rule === 'origin-wide' && !policy.sharesOrigin) headers.push(name, mask.text(value));
  }
  const result = connection === undefined ? headers : withoutConnectionHeaders(headers, connection);
  if (trailer !== undefined && allowsTrailers && !hasLength) {
    const names = filterTrailerNames(trailer, trailerRule(connection, isManagedName));
    if (names !== undefined) result.push('Trailer', mask.text(names));
  }
  return result;
}

/**
 * The trailers for the client. `raw` holds the headers of the response. Removes what
 * `responseHeaders` removes or replaces, and what may not be a trailer. The token is masked.
 */
export function responseTrailers(
  trailers: readonly string[],
  raw: readonly string[],
  mask: TokenMask,
): [string, string][] {
  const forwarded = filterTrailers(trailers, trailerRule(connectionValue(raw), isManagedName));
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < forwarded.length; index += 2)
    pairs.push([mask.text(forwarded[index] ?? ''), mask.text(forwarded[index + 1] ?? '')]);
  return pairs;
}

/** Whether a response may have a body. */
export function hasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}

/** A status message for the client; undefined if it is empty or cannot be sent. */
export function statusMessage(message: string | undefined, mask: TokenMask): string | undefined {
  return message === undefined || message === '' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(message)
    ? undefined
    : mask.text(message);
}

type ResponseHeaderRule = 'drop' | 'connection' | 'content-length' | 'trailer' | 'set-cookie' | 'origin-wide';

/** `Clear-Site-Data` clears the cookies of a whole domain. */
const DROPPED_HEADERS = [
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'x-request-id',
  'clear-site-data',
];

/** Headers that a browser applies to the whole origin, not only to the response. */
const ORIGIN_WIDE_HEADERS = [
  'service-worker-allowed',
  'nel',
  'report-to',
  'alt-svc',
  'strict-transport-security',
  'accept-ch',
  'critical-ch',
];

const RULES = new Map<string, ResponseHeaderRule>([
  ['connection', 'connection'],
  ['content-length', 'content-length'],
  ['trailer', 'trailer'],
  ['set-cookie', 'set-cookie'],
  ...DROPPED_HEADERS.map((name): [string, ResponseHeaderRule] => [name, 'drop']),
  ...ORIGIN_WIDE_HEADERS.map((name): [string, ResponseHeaderRule] => [name, 'origin-wide']),
]);

const CORS_PREFIX = 'access-control-';
const TIMING = 'timing-allow-origin';
const LETTER_A = 97;
const LETTER_T = 116;

function isManagedName(name: string): boolean {
  return RULES.has(name) || isCors(name);
}

/** `name` is in lower case. */
function isCors(name: string): boolean {
  const first = name.charCodeAt(0);
  return (first === LETTER_A && name.startsWith(CORS_PREFIX)) || (first === LETTER_T && name === TIMING);
}

function pushCors(headers: string[], name: string, lower: string, value: string, cors: CorsPolicy): void {
  // A shared cache must not serve one origin's response to another.
  if (lower === 'access-control-allow-origin' && cors !== 'replace') headers.push('Vary', 'Origin');
  // Lists of exposed headers add up. Without the other headers they have no effect.
  if (cors === 'pass' || (cors === 'replace' && lower === 'access-control-expose-headers')) headers.push(name, value);
}

/**
 * Whether `cookie` sets one of the cookies `names`. A browser sends a cookie without a name as its
 * value alone, which then parses as a name and a value.
 */
function setsSessionCookie(cookie: string, names: readonly string[]): boolean {
  const pair = cookie.split(';', 1)[0] ?? '';
  const [before = '', after] = pair.split('=');
  const name = before.trim();
  const sentName = (name === '' && after !== undefined ? after : name).trim().toLowerCase();
  return names.includes(sentName);
}
