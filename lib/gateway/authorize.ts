import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import type { ClientInfo } from '#lib/gateway/headers/request-headers';
import type { CorsPolicy } from '#lib/gateway/headers/response-headers';
import { backendPath } from '#lib/gateway/request-path';
import { keyRequired, SESSION_COOKIE, verifyCredentials } from '#lib/http/auth';
import { clientSubnet, isTrustedProxy } from '#lib/http/client-ip';
import { corsHeaders, isAllowedOrigin } from '#lib/http/cors';
import { isGatewayHost } from '#lib/http/gateway-host';
import type { RequestHeaders } from '#lib/http/http-request';
import { isNavigation } from '#lib/http/page-access';
import { writeAccessLog } from '#lib/telemetry/log';
import { tracer } from '#lib/telemetry/tracing';

/** A request at the gateway's door, whichever server it came to. */
export interface GatewayRequest {
  method: string;
  /** The request target: path and query. */
  target: string;
  /** By its lower-case name. */
  header: (name: string) => string | undefined;
  /** The address of the connection's other end; undefined where the server does not tell. */
  peer: string | undefined;
  protocol: 'http' | 'https';
  isUpgrade: boolean;
  /** By the clock of `performance.now()`. */
  startedMs: number;
  requestId: string;
}

export interface AuthorizedRequest {
  path: string;
  client: ClientInfo;
  /** Headers that the answer has beside the backend's, names and values in turn. */
  responseHeaders: string[];
}

/**
 * Everything that is asked of a request before it is passed on: the gateway's own host where it has
 * one, a path that may be, a key where keys are set, no change and no embedding by a page
 * elsewhere. Undefined for a preflight that is not the backend's to answer: browsers show no key
 * when they ask whether they may. Throws the `Fault` that refuses the request.
 */
export function authorize(asking: GatewayRequest, settings: Config): AuthorizedRequest | undefined {
  const { API_KEYS: keys, TRUST_PROXY: trust, GATEWAY_ORIGIN: ownOrigin } = settings;
  const { method, peer, protocol, requestId } = asking;
  // It would be answered with the token.
  if (method === 'TRACE') throw new AppError('method_not_allowed', 'TRACE is not passed on.');
  const sharesOrigin = ownOrigin === undefined;
  const address = clientSubnet(peer, asking.header('x-forwarded-for') ?? null, trust);
  if (ownOrigin !== undefined && !isGatewayHost(asking.header('host'), settings)) {
    // Where the backend is served is for callers with a key to know.
    if (keys.length > 0) findCredentials(asking, keys, true, address);
    throw new AppError('not_found', `There is nothing at this address. The backend is served at ${ownOrigin.origin}.`);
  }
  if (sharesOrigin && isServiceWorker(asking))
    throw new AppError(
      'forbidden',
      'Service workers of the backend are not served at the origin of this app. Set GATEWAY_ORIGIN to give the backend its own.',
    );
  const path = backendPath(asking.target);
  const answerHeaders = ['X-Request-Id', requestId];
  if (settings.GATEWAY_SANDBOX) answerHeaders.push('Content-Security-Policy', SANDBOX_POLICY);
  const page = asking.header('origin');
  let cors: CorsPolicy = 'drop';
  rejectEmbedding(asking, page, settings);
  if (page !== undefined) {
    const isAllowed = isAllowedPage(page, asking, settings);
    if (isAllowed) cors = keys.length > 0 ? 'replace' : 'pass';
    // A WebSocket would speak with the visitor's cookie, and browsers let any page read what it says.
    if (!isAllowed && (asking.isUpgrade || !READ_METHODS.has(method))) throw originNotAllowed();
    if (keys.length > 0 && method === 'OPTIONS' && asking.header('access-control-request-method') !== undefined)
      return undefined;
    if (keys.length > 0 && isAllowed)
      for (const [name, value] of Object.entries(corsHeaders(page))) answerHeaders.push(name, value);
  }
  const plainPeer = peer?.startsWith('::ffff:') === true ? peer.slice(7) : peer;
  const credentials = keys.length > 0 ? findCredentials(asking, keys, sharesOrigin, address) : undefined;
  return {
    path,
    client: {
      peer: plainPeer,
      protocol,
      isTrustedProxy: isTrustedProxy(peer, trust),
      isOwnKey: credentials?.isShown === true,
      caller: credentials === undefined ? (address ?? 'unknown') : `${credentials.key} ${address}`,
      sessionCookies: SESSION_COOKIES,
      cors,
      sharesOrigin,
      requestId,
      traceparent: traceparentOf(asking),
    },
    responseHeaders: answerHeaders,
  };
}

/**
 * Browsers send both names, and either is a session: the second where the page was reached over
 * TLS.
 */
const SESSION_COOKIES = [SESSION_COOKIE, `__host-${SESSION_COOKIE}`];

/** An opaque origin: nothing that the page does is done as this app. */
const SANDBOX_POLICY = 'sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads';

function isServiceWorker({ header }: GatewayRequest): boolean {
  return header('service-worker') !== undefined || header('sec-fetch-dest') === 'serviceworker';
}

/**
 * Refuses what a page elsewhere embeds (scripts, images, frames): it would be fetched with the
 * backend's token, and a script's values can be read where its text cannot. A link to the backend
 * may be followed. Browsers say where a request comes from in `Sec-Fetch-Site` (W3C Fetch
 * Metadata); other clients do not.
 */
function rejectEmbedding(asking: GatewayRequest, page: string | undefined, settings: Config): void {
  const { header, method } = asking;
  const site = header('sec-fetch-site');
  if (site !== 'cross-site' && site !== 'same-site') return;
  if (READ_METHODS.has(method) && header('sec-fetch-mode') === 'navigate' && header('sec-fetch-dest') === 'document')
    return;
  const from = page ?? header('referer');
  if (from === undefined || !URL.canParse(from)) throw originNotAllowed();
  if (!isAllowedPage(new URL(from).origin, asking, settings)) throw originNotAllowed();
}

function originNotAllowed(): AppError {
  return new AppError(
    'origin_not_allowed',
    'Pages from this origin may not call this server. Add the origin to CORS_ALLOWED_ORIGINS.',
  );
}

/** The request becomes part of its caller's trace, and what is passed on part of it. */
function traceparentOf({ requestId, header }: GatewayRequest): string | undefined {
  const traces = tracer();
  if (traces === undefined) return undefined;
  traces.continueTrace(requestId, header('traceparent') ?? null);
  return traces.traceparent(requestId);
}

/** Writes down how a request was answered: in the log, and where there are traces, there. `path` is what the log calls it. */
export function recordResponse({ requestId, method, startedMs }: GatewayRequest, path: string, status: number): void {
  const elapsedMs = performance.now() - startedMs;
  writeAccessLog('info', requestId, method, path, status, elapsedMs);
  tracer()?.recordHttpRequest(requestId, method, GATEWAY_ROUTE, status, elapsedMs);
}

/** Whatever the path: a backend may have any number of them. */
const GATEWAY_ROUTE = '/gateway/[...path]';

/** The headers of the answer to a preflight that `admit` keeps here. */
export function preflightHeaders(asking: GatewayRequest, settings: Config): Record<string, string> {
  const page = asking.header('origin');
  const isAllowed = page !== undefined && isAllowedPage(page, asking, settings);
  return { 'x-request-id': asking.requestId, ...(isAllowed ? corsHeaders(page, true) : {}) };
}

/** The headers of an answer that is an error of ours, with this status. */
export function errorHeaders(
  asking: GatewayRequest,
  status: number,
  settings: Config,
  retryAfterSeconds: number | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': asking.requestId,
    'x-content-type-options': 'nosniff',
  };
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterSeconds)));
  // The page to sign in at is the app's, and so is its cookie: at another origin the browser itself
  // asks for the key.
  if (status === 401 && settings.GATEWAY_ORIGIN !== undefined && isNavigation(headersOf(asking)))
    headers['www-authenticate'] = 'Basic realm="Chill Space: any name, and a key as the password", charset="UTF-8"';
  return headers;
}

const READ_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * The key that a request is made with. `isShown`: it is in `Authorization`, which then is not the
 * backend's to see; otherwise there is a session. Throws `unauthorized` where there is neither, and
 * `rate_limited` after too many wrong keys.
 */
function findCredentials(
  { header }: GatewayRequest,
  keys: readonly string[],
  sharesOrigin: boolean,
  address: string | undefined,
): { key: string; isShown: boolean } {
  const authorization = header('authorization');
  // At the origin that is the app's too, Basic credentials are the backend's.
  const basic = sharesOrigin ? undefined : /^Basic +(\S+)$/i.exec(authorization ?? '')?.[1];
  const shown = basic === undefined ? authorization : `Bearer ${passwordOf(basic)}`;
  const headers = { get: (name: string) => (name === 'authorization' ? shown : header(name)) ?? null };
  const found = verifyCredentials(headers, keys, address, Date.now(), true);
  if (found === undefined) throw keyRequired();
  return { key: found.key, isShown: found.isBearer };
}

function headersOf({ header }: GatewayRequest): RequestHeaders {
  return { get: (name) => header(name) ?? null };
}

function isAllowedPage(page: string, { header }: GatewayRequest, settings: Config): boolean {
  return isAllowedOrigin(page, header('host') ?? null, header('x-forwarded-proto') ?? null, settings);
}

function passwordOf(basic: string): string {
  const pair = Buffer.from(basic, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}
