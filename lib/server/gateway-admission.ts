import { randomUUID } from 'node:crypto';
import type { Config } from '#lib/config/index';
import { Fault } from '#lib/fault';
import type { Origin } from '#lib/gateway/request-headers';
import { backendPath } from '#lib/gateway/target';
import { findKey, SESSION_COOKIE, sessionKey } from '#lib/http/auth';
import { isTrustedProxy } from '#lib/http/client-address';
import { corsHeaders, isAllowedOrigin } from '#lib/http/cors';
import { logRequest } from '#lib/observe/log';
import { tracer } from '#lib/observe/tracing';

/** A request at the gateway's door, whichever server it came to. */
export interface Asking {
  method: string;
  /** The request target: path and query. */
  target: string;
  header: (name: AskedHeader) => string | undefined;
  /** The address of the connection's other end; undefined where the server does not tell. */
  peer: string | undefined;
  protocol: 'http' | 'https';
  isUpgrade: boolean;
  /** By the clock of `performance.now()`. */
  startedMs: number;
  requestId: string;
}

type AskedHeader = 'origin' | 'host' | 'authorization' | 'cookie' | 'traceparent' | 'access-control-request-method';

export interface Admission {
  path: string;
  origin: Origin;
  /** Headers that the answer has beside the backend's, names and values in turn. */
  answerHeaders: string[];
}

/**
 * Everything that is asked of a request before it is passed on: a path that may be, a key where keys are set, no change
 * by a page elsewhere. Undefined for a preflight that is not the backend's to answer: browsers show no key when they ask whether
 * they may. Throws the `Fault` that refuses the request.
 */
export function admit(asking: Asking, settings: Config): Admission | undefined {
  const { API_KEYS: keys, TRUST_PROXY: trust } = settings;
  const { method, peer, protocol, requestId } = asking;
  // It would be answered with the token.
  if (method === 'TRACE') throw new Fault('method_not_allowed', 'TRACE is not passed on.');
  const path = backendPath(asking.target);
  const answerHeaders = ['X-Request-Id', requestId];
  const page = asking.header('origin');
  if (page !== undefined) {
    const isAllowed = isAllowedOrigin(page, asking.header('host') ?? null, settings);
    // A WebSocket would speak with the visitor's cookie, and browsers let any page read what it says.
    if (!isAllowed && (asking.isUpgrade || !READS.has(method)))
      throw new Fault(
        'origin_not_allowed',
        'Pages from this origin may not call this server. Add the origin to CORS_ALLOWED_ORIGINS.',
      );
    if (keys.length > 0 && method === 'OPTIONS' && asking.header('access-control-request-method') !== undefined)
      return undefined;
    if (keys.length > 0 && isAllowed)
      for (const [name, value] of Object.entries(corsHeaders(page))) answerHeaders.push(name, value);
  }
  return {
    path,
    origin: {
      peer: peer?.startsWith('::ffff:') === true ? peer.slice(7) : peer,
      protocol,
      isTrustedProxy: isTrustedProxy(peer, trust),
      isOwnKey: keys.length > 0 && showsKey(asking, keys),
      sessionCookie: keys.length > 0 ? SESSION_COOKIE : undefined,
      requestId,
      traceparent: traceparentOf(asking),
    },
    answerHeaders,
  };
}

/** The request becomes part of its caller's trace, and what is passed on part of it. */
function traceparentOf({ requestId, header }: Asking): string | undefined {
  const traces = tracer();
  if (traces === undefined) return undefined;
  traces.adopt(requestId, header('traceparent') ?? null);
  return traces.traceparent(requestId);
}

/** Writes down how a request was answered: in the log, and where there are traces, there. `path` is what the log calls it. */
export function answered({ requestId, method, startedMs }: Asking, path: string, status: number): void {
  const elapsedMs = performance.now() - startedMs;
  logRequest('info', requestId, method, path, status, elapsedMs);
  tracer()?.answered(requestId, method, GATEWAY_ROUTE, status, elapsedMs);
}

/** Whatever the path: a backend may have any number of them. */
const GATEWAY_ROUTE = '/gateway/[...path]';

/** The headers of the answer to a preflight that `admit` keeps here. */
export function preflightHeaders(asking: Asking, settings: Config): Record<string, string> {
  const page = asking.header('origin');
  const isAllowed = page !== undefined && isAllowedOrigin(page, asking.header('host') ?? null, settings);
  return { 'x-request-id': asking.requestId, ...(isAllowed ? corsHeaders(page, true) : {}) };
}

/** The headers of an answer that is an error of ours. */
export function errorHeaders(requestId: string): Record<string, string> {
  return {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
  };
}

/** The caller's own id where it is a sane one, else a new one. */
export function requestIdOf(given: string | string[] | null | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(given) ? given : randomUUID();
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether `Authorization` is a key of this server, which then is not the backend's to see. Otherwise there must be a session.
 * Throws `unauthorized` where there is neither.
 */
function showsKey(asking: Asking, keys: readonly string[]): boolean {
  const shown = /^Bearer +(\S+)$/i.exec(asking.header('authorization') ?? '')?.[1];
  if (shown !== undefined && findKey(shown, keys) !== undefined) return true;
  if (sessionKey(asking.header('cookie') ?? null, keys, Date.now()) !== undefined) return false;
  throw new Fault('unauthorized', 'This server needs a key: send it as Authorization: Bearer <key>, or sign in.');
}
