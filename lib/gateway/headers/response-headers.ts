import { connectionValue, withoutConnectionHeaders } from '#lib/gateway/headers/hop-by-hop';
import { filterTrailerNames, filterTrailers, trailerRule } from '#lib/gateway/headers/trailers';
import type { TokenMask } from '#lib/gateway/token-mask';

/**
 * What happens to the backend's `Access-Control-*`: it passes, it is replaced by this server's own
 * headers, or it is dropped, so that the page which asked cannot read the response.
 */
export type CorsPolicy = 'pass' | 'replace' | 'drop';

export interface ResponsePolicy {
  /**
   * The names of this server's own session cookies, in lower case: no backend sets or clears them.
   */
  sessionCookies: readonly string[];
  cors: CorsPolicy;
  /**
   * The response is served at this server's own origin, whose service workers, stored data and
   * reports are not the backend's.
   */
  sharesOrigin: boolean;
}

/**
 * The headers for the caller, names and values in turn, out of those of the backend's answer: in
 * their order and spelling, without hop-by-hop headers, those that `Connection` names included,
 * without `X-Request-Id`, which is the request's own, without what would act on this server's own
 * origin (`rules`), and with the token masked wherever it is repeated.
 *
 * `allowsTrailers`: trailers can follow where the body has no length, and is sent in chunks.
 */
export function responseHeaders(
  raw: readonly string[],
  mask: TokenMask,
  rules: ResponsePolicy,
  allowsTrailers: boolean,
): string[] {
  const headers: string[] = [];
  let named: string | undefined;
  let trailer: string | undefined;
  let hasLength = false;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const lower = name.toLowerCase();
    const rule = RULES.get(lower);
    if (rule === undefined) {
      if (!isCors(lower)) headers.push(mask.text(name), mask.text(value));
      else pushCors(headers, name, lower, mask.text(value), rules.cors);
    } else if (rule === 'content-length') {
      hasLength = true;
      headers.push(name, value);
    } else if (rule === 'connection') named = named === undefined ? value : `${named},${value}`;
    else if (rule === 'trailer') trailer = trailer === undefined ? value : `${trailer}, ${value}`;
    else if (rule === 'set-cookie') {
      if (!setsSessionCookie(value, rules.sessionCookies)) headers.push(name, mask.text(value));
    } else if (rule === 'origin-wide' && !rules.sharesOrigin) headers.push(name, mask.text(value));
  }
  const kept = named === undefined ? headers : withoutConnectionHeaders(headers, named);
  if (trailer !== undefined && allowsTrailers && !hasLength) {
    const announced = filterTrailerNames(trailer, trailerRule(named, isOwnName));
    if (announced !== undefined) kept.push('Trailer', mask.text(announced));
  }
  return kept;
}

/** The trailers for the caller out of those of the answer whose headers are `raw`: as `requestTrailers`, and with the token masked. */
export function responseTrailers(
  trailers: readonly string[],
  raw: readonly string[],
  mask: TokenMask,
): [string, string][] {
  const passed = filterTrailers(trailers, trailerRule(connectionValue(raw), isOwnName));
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < passed.length; index += 2)
    pairs.push([mask.text(passed[index] ?? ''), mask.text(passed[index + 1] ?? '')]);
  return pairs;
}

/** Whether a body of its own may follow: answers to HEAD, 204 and 304 have none. */
export function hasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}

/** A status message as it may be sent; undefined where the usual one must do. */
export function statusMessage(message: string | undefined, mask: TokenMask): string | undefined {
  return message === undefined || message === '' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(message)
    ? undefined
    : mask.text(message);
}

type ResponseHeaderRule = 'drop' | 'connection' | 'content-length' | 'trailer' | 'set-cookie' | 'origin-wide';

const RULES = new Map<string, ResponseHeaderRule>([
  ['connection', 'connection'],
  ['content-length', 'content-length'],
  ['trailer', 'trailer'],
  ['set-cookie', 'set-cookie'],
  ...['keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'].map(
    (name): [string, ResponseHeaderRule] => [name, 'drop'],
  ),
  ...['te', 'transfer-encoding', 'upgrade', 'x-request-id'].map((name): [string, ResponseHeaderRule] => [name, 'drop']),
  // It may name cookies, and those of a whole domain are cleared with them.
  ['clear-site-data', 'drop'],
  ...['service-worker-allowed', 'nel', 'report-to', 'alt-svc'].map((name): [string, ResponseHeaderRule] => [
    name,
    'origin-wide',
  ]),
  // A browser keeps these for the origin: TLS for the app too, and client hints with each request.
  ...['strict-transport-security', 'accept-ch', 'critical-ch'].map((name): [string, ResponseHeaderRule] => [
    name,
    'origin-wide',
  ]),
]);

const CORS_PREFIX = 'access-control-';
const TIMING = 'timing-allow-origin';
const LETTER_A = 97;
const LETTER_T = 116;

function isOwnName(name: string): boolean {
  return RULES.has(name) || isCors(name);
}

/** `name` is in lower case. */
function isCors(name: string): boolean {
  const first = name.charCodeAt(0);
  return (first === LETTER_A && name.startsWith(CORS_PREFIX)) || (first === LETTER_T && name === TIMING);
}

function pushCors(headers: string[], name: string, lower: string, value: string, cors: CorsPolicy): void {
  // A cache must not give what one origin may read to another.
  if (lower === 'access-control-allow-origin' && cors !== 'replace') headers.push('Vary', 'Origin');
  // Names to expose add up, and mean nothing without the rest.
  if (cors === 'pass' || (cors === 'replace' && lower === 'access-control-expose-headers')) headers.push(name, value);
}

/**
 * Whether a browser would send what `cookie` sets as one of the cookies `names`. A cookie without a
 * name is sent as its value alone, which then reads as a name and a value.
 */
function setsSessionCookie(cookie: string, names: readonly string[]): boolean {
  const pair = cookie.split(';', 1)[0] ?? '';
  const [before = '', after] = pair.split('=');
  const name = before.trim();
  const sent = (name === '' && after !== undefined ? after : name).trim().toLowerCase();
  return names.includes(sent);
}
