import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { connectionValue, withoutConnectionHeaders } from '#lib/gateway/headers/hop-by-hop';
import type { ResponsePolicy } from '#lib/gateway/headers/response-headers';
import { filterTrailerNames, filterTrailers, trailerRule } from '#lib/gateway/headers/trailers';

/** What the server knows of a client, in addition to the headers of its request. */
export interface ClientInfo extends ResponsePolicy {
  /** The address of the connection's other end. */
  peer: string | undefined;
  protocol: 'http' | 'https';
  /** The peer is a proxy whose forwarding headers are trusted and forwarded. */
  isTrustedProxy: boolean;
  /** `Authorization` holds a key of this server, which the backend does not receive. */
  usesAppKey: boolean;
  /** Who it is; its open exchanges end when it is locked out. Undefined without authentication. */
  owner?: string | undefined;
  /** `Principal.session` of the owner. */
  session?: string | undefined;
  /** The header in which a proxy names a person, in lower case. No backend receives it. */
  userHeader?: string | undefined;
  /** Identifies the caller for shared limits: an address, a key, or both. */
  caller: string;
  requestId: string;
  /** Replaces the caller's, if this server records traces. */
  traceparent: string | undefined;
}

/**
 * The headers for the backend, from those of the request, both names and values in turn. Order and
 * spelling are kept. These differ:
 * - Hop-by-hop headers are removed, with those that `Connection` names, and `Host`.
 * - `Authorization` is the backend's `token`. The caller's becomes `X-Forwarded-Authorization`.
 * - The header in which a proxy names a person (`userHeader`) is removed, also if spelled with `_`.
 * - `traceparent` is this server's if it records traces.
 * - `X-Forwarded-For`, `-Host`, `-Proto` and `X-Request-Id` are this server's. Those of a caller
 *   are removed unless it is a trusted proxy, also if spelled with `_`, since CGI and WSGI map both
 *   to one name.
 * - `Trailer` lists what `requestTrailers` forwards, if `allowsTrailers`.
 *
 * `Content-Length` stays even if `Connection` names it, since the parser verified it as framing.
 * Throws `invalid_request` for more than one `Host`.
 */
export function requestHeaders(
  raw: readonly string[],
  client: ClientInfo,
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
  let connection: string | undefined;
  let trailer: string | undefined;
  let acceptsTrailers = false;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const rule = isUserHeader(name, client) ? 'drop' : ruleOf(name);
    if (rule === undefined) headers.push(name, value);
    else if (rule === 'host') {
      hosts += 1;
      host = value;
    } else if (rule === 'connection') connection = connection === undefined ? value : `${connection},${value}`;
    else if (rule === 'authorization') authorization ??= value;
    else if (rule === 'x-forwarded-authorization') forwardedAuthorization ??= value;
    else if (rule === 'te') acceptsTrailers ||= /\btrailers\b/i.test(value);
    else if (rule === 'trailer') trailer = trailer === undefined ? value : `${trailer},${value}`;
    else if (rule === 'cookie') {
      const cookies = withoutCookies(value, client.sessionCookies);
      if (cookies !== '') headers.push(name, cookies);
    } else if (rule === 'traceparent') {
      if (client.traceparent === undefined) headers.push(name, value);
    } else if (rule === 'forwarding' && client.isTrustedProxy) {
      const lower = name.toLowerCase();
      if (lower === 'x-forwarded-for') forwardedFor = appendForwardedFor(forwardedFor, value);
      else if (lower === 'x-forwarded-host') forwardedHost ??= value;
      else if (lower === 'x-forwarded-proto') forwardedProto ??= value;
      else headers.push(name, value);
    }
  }
  if (hosts > 1) throw new AppError('invalid_request', 'The request names more than one host.');
  const result = connection === undefined ? headers : withoutConnectionHeaders(headers, connection);
  if (acceptsTrailers) result.push('te', 'trailers');
  if (trailer !== undefined && allowsTrailers) {
    const names = filterTrailerNames(trailer, trailerRule(connection, managedBy(client)));
    if (names !== undefined) result.push('trailer', names);
  }
  if (client.usesAppKey) authorization = undefined;
  else forwardedAuthorization = undefined;
  if (token !== undefined) result.push('authorization', `Bearer ${token}`);
  else if (authorization !== undefined) result.push('authorization', authorization);
  const callerAuthorization = authorization ?? forwardedAuthorization;
  if (callerAuthorization !== undefined) result.push('x-forwarded-authorization', callerAuthorization);
  result.push('x-forwarded-for', appendForwardedFor(forwardedFor, client.peer));
  result.push('x-forwarded-host', forwardedHost ?? host, 'x-forwarded-proto', forwardedProto ?? client.protocol);
  result.push('x-request-id', client.requestId);
  if (client.traceparent !== undefined) result.push('traceparent', client.traceparent);
  return result;
}

/**
 * The headers of a request by the token of its backend. Those with the token of the settings are
 * made at once, so that it throws what `make` throws; those for an added backend once they are
 * needed.
 */
export function headersByToken(
  make: (token: string | undefined) => string[],
  { settings }: { readonly settings: Pick<Config, 'HF_TOKEN'> },
): (token: string | undefined) => string[] {
  const usual = make(settings.HF_TOKEN);
  return (token) => (token === settings.HF_TOKEN ? usual : make(token));
}

/**
 * The trailers for the backend, names and values in turn. `raw` holds the headers of the request.
 * Removes what `requestHeaders` removes or replaces, and what may not be a trailer.
 */
export function requestTrailers(
  trailers: readonly string[],
  raw: readonly string[],
  client: Pick<ClientInfo, 'userHeader'>,
): string[] {
  return trailers.length === 0 ? [] : filterTrailers(trailers, trailerRule(connectionValue(raw), managedBy(client)));
}

/** CGI and WSGI map `_` and `-` to one name. */
function isUserHeader(name: string, { userHeader }: Pick<ClientInfo, 'userHeader'>): boolean {
  return (
    userHeader !== undefined &&
    name.length === userHeader.length &&
    name.toLowerCase().replaceAll('_', '-') === userHeader
  );
}

function managedBy(client: Pick<ClientInfo, 'userHeader'>): (name: string) => boolean {
  return (name) => isManagedName(name) || isUserHeader(name, client);
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
  | 'forwarding';

/** The server handles `Expect` itself. */
const DROPPED_HEADERS = [
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings',
  'x-request-id',
];

const FORWARDING_HEADERS = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-forwarded-prefix',
  'x-forwarded-ssl',
  'x-forwarded-scheme',
  'x-real-ip',
  'forwarded',
];

const RULES = new Map<string, RequestHeaderRule>([
  ['host', 'host'],
  ['connection', 'connection'],
  ['authorization', 'authorization'],
  ['x-forwarded-authorization', 'x-forwarded-authorization'],
  ['te', 'te'],
  ['trailer', 'trailer'],
  ['cookie', 'cookie'],
  ['traceparent', 'traceparent'],
  ...DROPPED_HEADERS.map((name): [string, RequestHeaderRule] => [name, 'drop']),
  ...FORWARDING_HEADERS.map((name): [string, RequestHeaderRule] => [name, 'forwarding']),
]);

const MAX_RULE_LENGTH = Math.max(...[...RULES.keys()].map((name) => name.length));

function ruleOf(name: string): RequestHeaderRule | undefined {
  if (name.length > MAX_RULE_LENGTH) return undefined;
  const lower = name.toLowerCase();
  const rule = RULES.get(lower);
  if (rule !== undefined || !lower.includes('_')) return rule;
  const hyphenated = lower.replaceAll('_', '-');
  return RULES.has(hyphenated) || hyphenated === 'content-length' ? 'drop' : undefined;
}

function isManagedName(name: string): boolean {
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
