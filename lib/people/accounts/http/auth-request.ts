import type { HttpRequest } from '#lib/http/http-request';
import { isOverTls as isHeaderOverTls } from '#lib/http/over-tls';
import type { RequestContext } from '#lib/http/route';
import { ADDRESS_HEADER } from '#lib/people/accounts/auth-options';

/** Whether the browser speaks TLS, which a trusted proxy reports: this server has no TLS. */
export function isOverTls(
  { headers }: Pick<HttpRequest, 'headers'>,
  { peerAddress, settings }: Pick<RequestContext, 'peerAddress' | 'settings'>,
): boolean {
  return isHeaderOverTls(headers, peerAddress, settings);
}

/** The origin under which the browser sees this server, for links and for the provider. */
export function ownOrigin(request: Pick<HttpRequest, 'headers'>, context: RequestContext): string {
  const host = request.headers.get('host') ?? `localhost:${context.settings.PORT}`;
  return `${isOverTls(request, context) ? 'https' : 'http'}://${host}`;
}

/** The origin of links for other people: `PUBLIC_URL`, or that of the request. */
export function linkOrigin(request: Pick<HttpRequest, 'headers'>, context: RequestContext): string {
  return context.settings.PUBLIC_URL ?? ownOrigin(request, context);
}

/**
 * A request for better-auth, made again from what was checked: its own path, a validated body, and
 * those headers that it reads. A client cannot set any other one, such as a forwarded address.
 */
export function libraryRequest(
  request: HttpRequest,
  context: RequestContext,
  path: string,
  { body, search = '' }: { body?: object | undefined; search?: string } = {},
): Request {
  const headers = new Headers();
  for (const name of ['cookie', 'user-agent', 'origin']) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (context.address !== undefined) headers.set(ADDRESS_HEADER, context.address.split('/')[0] ?? '');
  const url = `${ownOrigin(request, context)}/api/auth${path}${search}`;
  if (body === undefined) return new Request(url, { headers });
  headers.set('content-type', 'application/json');
  return new Request(url, { method: 'POST', headers, body: JSON.stringify(body) });
}
