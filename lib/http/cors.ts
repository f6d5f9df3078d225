import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { isLoopbackHost, listensOnLoopback } from '#lib/http/host-check';

/** Headers that the official SDKs add to every request in a browser, as Ollama allows them. */
const SDK_HEADERS = [
  'User-Agent',
  'X-Requested-With',
  'Anthropic-Dangerous-Direct-Browser-Access',
  'Anthropic-Workspace-Id',
  'OpenAI-Beta',
  'OpenAI-Organization',
  'OpenAI-Project',
  ...[
    'Arch',
    'Async',
    'Custom-Poll-Interval',
    'Helper',
    'Helper-Method',
    'Lang',
    'OS',
    'Package-Version',
    'Poll-Helper',
    'Retry-Count',
    'Runtime',
    'Runtime-Version',
    'Timeout',
  ].map((name) => `X-Stainless-${name}`),
];
const ALLOWED_HEADERS = [
  'Content-Type',
  'Accept',
  'Authorization',
  'X-Api-Key',
  'Anthropic-Version',
  'Anthropic-Beta',
  'Last-Event-ID',
  'X-Request-Id',
  'Idempotency-Key',
  'Cache-Control',
  'X-Cache-Policy',
  'X-Drop-Params',
  ...SDK_HEADERS,
].join(', ');
const EXPOSED_HEADERS =
  'X-Request-Id, X-Cache, Age, X-Execution-Time-Ms, Retry-After, X-Ignored-Fields, X-Dropped-Params, X-Queue-Position, X-Queue-Wait-Ms, X-Priority, X-Model-Server, X-Degraded, Request-Id, X-Token-Count';
const MAX_AGE_SECONDS = '3600';

/**
 * Whether a page at `origin` may call this server. Allowed are `FRONTEND_URL`,
 * `CORS_ALLOWED_ORIGINS` and the server's own origin, and http://localhost:3000 if the server
 * listens on loopback and is called by a loopback name. Scheme, host and port are compared.
 *
 * `forwardedProto` is trusted from any peer here: a page cannot send `X-Forwarded-Proto` without a
 * preflight.
 */
export function isAllowedOrigin(
  origin: string,
  host: string | null,
  forwardedProto: string | null,
  settings: Config,
): boolean {
  if (
    last !== undefined &&
    last.origin === origin &&
    last.host === host &&
    last.forwardedProto === forwardedProto &&
    last.settings === settings
  )
    return last.isAllowed;
  const isAllowed = check(origin, host, forwardedProto, settings);
  last = { origin, host, forwardedProto, settings, isAllowed };
  return isAllowed;
}

/** Cache of one result: nearly all requests of browsers come from one page. */
let last:
  | { origin: string; host: string | null; forwardedProto: string | null; settings: Config; isAllowed: boolean }
  | undefined;

function check(origin: string, host: string | null, forwardedProto: string | null, settings: Config): boolean {
  if (settings.CORS_ALLOWED_ORIGINS.includes('*')) return true;
  const given = originOf(origin);
  if (given === undefined) return false;
  if (host !== null && given === originOf(`${forwardedScheme(forwardedProto)}://${host}`)) return true;
  // A proxy may terminate TLS without a header. The host is compared, which no foreign page has.
  if (host !== null && forwardedProto === null && given === originOf(`https://${host}`)) return true;
  if (given === LOCAL_PAGE && host !== null && isLoopbackHost(host) && listensOnLoopback(settings)) return true;
  return [settings.FRONTEND_URL, ...settings.CORS_ALLOWED_ORIGINS].some(
    (allowed) => allowed !== undefined && originOf(allowed) === given,
  );
}

/** Pages of a development server, which may call another server of the same machine. */
const LOCAL_PAGE = 'http://localhost:3000';

/** Returns the scheme of the browser. In a list, the first entry is of the proxy nearest to it. */
export function forwardedScheme(forwardedProto: string | null): 'http' | 'https' {
  return forwardedProto?.split(',', 1)[0]?.trim().toLowerCase() === 'https' ? 'https' : 'http';
}

/** Headers of a response to an allowed origin. `preflight` adds those of an OPTIONS response. */
export function corsHeaders(origin: string, preflight = false): Record<string, string> {
  const headers: Record<string, string> = {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': EXPOSED_HEADERS,
    vary: 'Origin',
  };
  if (preflight) {
    headers['access-control-allow-methods'] = 'GET, POST, PUT, PATCH, DELETE, OPTIONS';
    headers['access-control-allow-headers'] = ALLOWED_HEADERS;
    headers['access-control-max-age'] = MAX_AGE_SECONDS;
  }
  return headers;
}

/**
 * Methods that change nothing. A foreign page may send these, but cannot read the response without
 * CORS headers.
 */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function originNotAllowed(): AppError {
  return new AppError(
    'origin_not_allowed',
    'Pages from this origin may not call this server. Add the origin to CORS_ALLOWED_ORIGINS.',
  );
}

/** Normalizes an origin: lower case, no default port of the scheme. Undefined if it is no URL. */
function originOf(url: string): string | undefined {
  const origin = URL.parse(url)?.origin;
  // All non-special schemes (browser extensions) have this origin.
  return origin === 'null' ? url.toLowerCase().replace(/\/+$/, '') : origin;
}
