import type { Config } from '#lib/config/config';
import { corsHeaders, isAllowedOrigin } from '#lib/http/cors';
import type { RequestHeaders } from '#lib/http/http-request';
import { isNavigation } from '#lib/http/page-access';
import { writeAccessLog } from '#lib/telemetry/log';
import { tracer } from '#lib/telemetry/tracing';

/** A request to the gateway, from either server. */
export interface GatewayRequest {
  method: string;
  /** Path and query. */
  target: string;
  /** By lower-case name. */
  header: (name: string) => string | undefined;
  /** The address of the connection's other end; undefined if the server does not expose it. */
  peer: string | undefined;
  protocol: 'http' | 'https';
  isUpgrade: boolean;
  /** By the clock of `performance.now()`. */
  startedMs: number;
  requestId: string;
}

/** The route in traces, whose cardinality has to be bounded. */
const TRACED_ROUTE = '/gateway/[...path]';

/** Records a response in the access log, under `path`, and in the traces. */
export function recordResponse({ requestId, method, startedMs }: GatewayRequest, path: string, status: number): void {
  const elapsedMs = performance.now() - startedMs;
  writeAccessLog('info', requestId, method, path, status, elapsedMs);
  tracer()?.recordHttpRequest(requestId, method, TRACED_ROUTE, status, elapsedMs);
}

/** Whether a page at the origin `page` may call this server. */
export function isAllowedPage(page: string, { header }: GatewayRequest, settings: Config): boolean {
  return isAllowedOrigin(page, header('host') ?? null, header('x-forwarded-proto') ?? null, settings);
}

/** The headers of the response to a preflight that this server handles. */
export function preflightHeaders(request: GatewayRequest, settings: Config): Record<string, string> {
  const page = request.header('origin');
  const isAllowed = page !== undefined && isAllowedPage(page, request, settings);
  return { 'x-request-id': request.requestId, ...(isAllowed ? corsHeaders(page, true) : {}) };
}

/** The headers of an error response of this server. */
export function errorHeaders(
  request: GatewayRequest,
  status: number,
  settings: Config,
  retryAfterSeconds: number | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': request.requestId,
    'x-content-type-options': 'nosniff',
  };
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterSeconds)));
  // The sign-in page and its cookie are at the app's origin. At a separate origin the browser's
  // own dialog asks for the key.
  if (status === 401 && settings.GATEWAY_ORIGIN !== undefined && isNavigation(requestHeadersOf(request)))
    headers['www-authenticate'] = 'Basic realm="Chill Space: any name, and a key as the password", charset="UTF-8"';
  return headers;
}

function requestHeadersOf({ header }: GatewayRequest): RequestHeaders {
  return { get: (name) => header(name) ?? null };
}
