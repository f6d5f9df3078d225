import type { Config } from '#lib/config/config';
import { isLoopbackHost, listensOnLoopback } from '#lib/http/host-check';

const ALLOWED_HEADERS =
  'Content-Type, Accept, Authorization, Last-Event-ID, X-Request-Id, Idempotency-Key, Cache-Control';
const EXPOSED_HEADERS = 'X-Request-Id, X-Cache, X-Execution-Time-Ms, Retry-After, X-Ignored-Fields';
const MAX_AGE_SECONDS = '3600';

/**
 * Whether a page at `origin` may call this server: FRONTEND_URL, CORS_ALLOWED_ORIGINS, the server's
 * own origin, and http://localhost:3000 if the server listens on loopback and is called by a name
 * of loopback. Scheme, host and port are compared.
 *
 * `forwardedProto` is believed from anyone here: no page can set `X-Forwarded-Proto` on its
 * requests, since browsers would ask for permission first.
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

/** The last result: nearly all requests of browsers come from one page. */
let last:
  | { origin: string; host: string | null; forwardedProto: string | null; settings: Config; isAllowed: boolean }
  | undefined;

function check(origin: string, host: string | null, forwardedProto: string | null, settings: Config): boolean {
  if (settings.CORS_ALLOWED_ORIGINS.includes('*')) return true;
  const given = originOf(origin);
  if (given === undefined) return false;
  if (host !== null && given === originOf(`${forwardedScheme(forwardedProto)}://${host}`)) return true;
  // A proxy may speak TLS and not say so. The host is compared, which no page elsewhere has.
  if (host !== null && forwardedProto === null && given === originOf(`https://${host}`)) return true;
  if (given === LOCAL_PAGE && host !== null && isLoopbackHost(host) && listensOnLoopback(settings)) return true;
  return [settings.FRONTEND_URL, ...settings.CORS_ALLOWED_ORIGINS].some(
    (allowed) => allowed !== undefined && originOf(allowed) === given,
  );
}

/**
 * Where the pages of a development server are, which may call another server of the same machine.
 */
const LOCAL_PAGE = 'http://localhost:3000';

/**
 * What the browser speaks, by `X-Forwarded-Proto`: the first of a list is the proxy that is nearest
 * to it.
 */
export function forwardedScheme(forwardedProto: string | null): 'http' | 'https' {
  return forwardedProto?.split(',', 1)[0]?.trim().toLowerCase() === 'https' ? 'https' : 'http';
}

/** The headers for an answer to an allowed origin; `preflight` adds what only an OPTIONS answer needs. */
export function corsHeaders(origin: string, preflight = false): Record<string, string> {
  const headers: Record<string, string> = {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': EXPOSED_HEADERS,
    vary: 'Origin',
  };
  if (preflight) {
    headers['access-control-allow-methods'] = 'GET, POST, DELETE, OPTIONS';
    headers['access-control-allow-headers'] = ALLOWED_HEADERS;
    headers['access-control-max-age'] = MAX_AGE_SECONDS;
  }
  return headers;
}

/**
 * In the spelling of URLs: lower case, without the port that the scheme implies. Undefined if it is
 * no URL.
 */
function originOf(url: string): string | undefined {
  const origin = URL.parse(url)?.origin;
  // Schemes that the URL standard does not know (browser extensions) all have this one.
  return origin === 'null' ? url.toLowerCase().replace(/\/+$/, '') : origin;
}
