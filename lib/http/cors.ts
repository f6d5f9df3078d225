import type { Config } from '#lib/config/index';

const ALLOWED_HEADERS =
  'Content-Type, Accept, Authorization, Last-Event-ID, X-Request-Id, Idempotency-Key, Cache-Control';
const EXPOSED_HEADERS = 'X-Request-Id, X-Cache, X-Execution-Time-Ms, Retry-After';
const MAX_AGE_SECONDS = '3600';

/**
 * Whether a page at `origin` may call this server (SPEC §1): FRONTEND_URL, CORS_ALLOWED_ORIGINS, http://localhost:3000,
 * and the server's own origin, which is known by the Host that the browser sent.
 */
export function isAllowedOrigin(origin: string, host: string | null, settings: Config): boolean {
  if (settings.CORS_ALLOWED_ORIGINS.includes('*')) return true;
  if (origin === 'http://localhost:3000') return true;
  const given = normalise(origin);
  if (given === undefined) return false;
  if (host !== null && given.host === host.toLowerCase()) return true;
  return [settings.FRONTEND_URL, ...settings.CORS_ALLOWED_ORIGINS].some(
    (allowed) => allowed !== undefined && normalise(allowed)?.origin === given.origin,
  );
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

function normalise(origin: string): URL | undefined {
  return URL.canParse(origin) ? new URL(origin) : undefined;
}
