import type { Config } from '#lib/config/config';
import { isTrustedProxy } from '#lib/http/client-ip';
import { forwardedScheme } from '#lib/http/cors';
import type { RequestHeaders } from '#lib/http/http-request';

/** Whether the browser speaks TLS, which a trusted proxy reports: this server has no TLS. */
export function isOverTls(
  headers: RequestHeaders,
  peerAddress: string | undefined,
  { TRUST_PROXY: trust }: Pick<Config, 'TRUST_PROXY'>,
): boolean {
  return (
    trust !== undefined &&
    forwardedScheme(headers.get('x-forwarded-proto')) === 'https' &&
    isTrustedProxy(peerAddress, trust)
  );
}

/**
 * The same of a page's request, whose peer is unknown: any peer is believed. Over TLS fewer cookies
 * count, so a peer that lies only loses its own session.
 */
export function saysTls(headers: RequestHeaders, { TRUST_PROXY: trust }: Pick<Config, 'TRUST_PROXY'>): boolean {
  return trust !== undefined && forwardedScheme(headers.get('x-forwarded-proto')) === 'https';
}

/**
 * The headers by which a session is found, and no others: a key in `Authorization` does not sign a
 * browser in.
 */
export function sessionHeaders(headers: RequestHeaders): RequestHeaders {
  return { get: (name) => (name === 'cookie' || name === 'x-forwarded-proto' ? headers.get(name) : null) };
}
