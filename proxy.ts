import { type NextRequest, NextResponse } from 'next/server';
import { foreignOrigins } from '#lib/browser/endpoints';
import { config as settings } from '#lib/config/config';
import { clientSubnet } from '#lib/http/client-ip';
import { toErrorResponse } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { checkHost, isLoopbackHost } from '#lib/http/host-check';
import { checkPageAccess, isPage as isPagePath } from '#lib/http/page-access';
import { json, type Reply } from '#lib/http/reply';

/**
 * Who sees a page, and the pages' security headers. Every request gets a new nonce; Next
 * finds it in the policy that is put on the request, and puts it on each script and style that it
 * writes. No header keeps this from running. `server.ts` has asked the same questions before; under
 * `next start` and `next dev` they are asked here alone.
 */
export function proxy(request: NextRequest): NextResponse {
  const { nextUrl } = request;
  const isPage = isPagePath(nextUrl.pathname) || nextUrl.pathname.startsWith('/_next/');
  // The gateway's own origin has none of the app's pages.
  if (isPage && isGatewayHost(request.headers.get('host'), settings())) return new NextResponse(null, { status: 404 });
  const headers = new Headers(request.headers);
  headers.delete('x-not-found');
  const forwarded = { request: { headers } };
  // Not a page: the gateway's catch-all route admits programs too, which show their key otherwise
  // than pages do. If the gateway has a separate host, the app's host has unknown paths instead.
  const { PRIVATE_BACKEND_URL: backends, GATEWAY_ORIGIN: gatewayOrigin } = settings();
  const isGateways = gatewayOrigin === undefined || isGatewayHost(request.headers.get('host'), settings());
  if (!isPage && backends.length > 0 && isGateways) return NextResponse.next(forwarded);
  const refused = refuse(request, isPage);
  if (refused !== undefined) return answer(refused, request);
  const nonce = btoa(crypto.randomUUID());
  const policy = contentSecurityPolicy(nonce, process.env.NODE_ENV === 'development');
  headers.set('x-nonce', nonce);
  headers.set('content-security-policy', policy);
  // next.config.mjs shows the page that says so: the catch-all route would answer with JSON where people look.
  if (!isPage) headers.set('x-not-found', '1');
  const response = NextResponse.next(forwarded);
  response.headers.set('content-security-policy', policy);
  for (const [name, value] of SECURITY_HEADERS) response.headers.set(name, value);
  if (!isTrustworthy(request)) response.headers.delete(OPENER_POLICY);
  return response;
}

function answer({ status, headers, body }: Reply, { method, nextUrl }: NextRequest): NextResponse {
  const { location } = headers;
  // Next takes whole addresses only.
  if (location !== undefined) return NextResponse.redirect(new URL(location, nextUrl), { status, headers });
  return new NextResponse(method === 'HEAD' ? null : body, { status, headers });
}

function refuse({ nextUrl, method, headers }: NextRequest, isPage: boolean): Reply | undefined {
  const foreign = checkHost(headers.get('host') ?? nextUrl.host, settings());
  if (foreign !== undefined) {
    const { status, body } = toErrorResponse(foreign);
    return json(body, status, { 'x-content-type-options': 'nosniff' });
  }
  const { TRUST_PROXY: trust } = settings();
  const address = clientSubnet(undefined, headers.get('x-forwarded-for'), trust);
  const target = nextUrl.pathname + nextUrl.search;
  return checkPageAccess({ method, target, headers, address }, isPage ? 'page' : 'unknown', settings(), Date.now());
}

export const config = {
  // Pages only: the API sets its headers itself, and static files run nothing. Nothing but the path
  // decides.
  matcher: '/((?!api/|v1/|health$|gateway-health$|gateway/|_next/static/|.*\\.[a-z0-9]+$).*)',
};

/**
 * Browsers ignore it, and complain in the console, where the page comes over plain http from
 * another machine.
 */
const OPENER_POLICY = 'cross-origin-opener-policy';

/**
 * Whether a browser trusts the page's origin
 * (https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy).
 */
function isTrustworthy({ headers, nextUrl }: NextRequest): boolean {
  const host = headers.get('host') ?? '';
  return (
    nextUrl.protocol === 'https:' ||
    headers.get('x-forwarded-proto')?.startsWith('https') === true ||
    // Browsers send this to such origins only.
    headers.has('sec-fetch-dest') ||
    isLoopbackHost(host)
  );
}

const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  [OPENER_POLICY, 'same-origin'],
  ['permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()'],
  ['x-frame-options', 'DENY'],
];

/** `development` lets Next's own tools evaluate code and connect back; nothing of that is in a built app. */
function contentSecurityPolicy(nonce: string, development: boolean): string {
  const connect = ["'self'", ...foreignOrigins(), ...(development ? ['ws:'] : [])];
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ''}`,
    // `style-src` is for browsers that do not know the two narrower ones.
    "style-src 'self' 'unsafe-inline'",
    development ? "style-src-elem 'self' 'unsafe-inline'" : `style-src-elem 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src ${connect.join(' ')}`,
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    // For what runs in an opaque origin of its own, under a policy of its own: diagrams, and programs in demo mode.
    "frame-src 'self'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ');
}
