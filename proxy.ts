import { type NextRequest, NextResponse } from 'next/server';
import { foreignOrigins } from '#lib/browser/endpoints';
import { config as settings } from '#lib/config/config';
import { clientSubnet } from '#lib/http/client-ip';
import { toErrorResponse } from '#lib/http/errors';
import { isGatewayHost } from '#lib/http/gateway-host';
import { gatewayPresence } from '#lib/http/gateway-presence';
import { checkHost, isLoopbackHost } from '#lib/http/host-check';
import { checkPageAccess, isPage as isPagePath, PAGE_PROOF_HEADER, pageProof } from '#lib/http/page-access';
import { json, type Reply, toWebBody } from '#lib/http/reply';

/**
 * Checks access to pages and sets their security headers. Every request gets a new CSP nonce; Next
 * reads it from the policy on the request and adds it to its scripts and styles. No request header
 * skips this. `server.ts` has made the same checks before, `next start` and `next dev` have not.
 */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const { nextUrl } = request;
  const isPage = isPagePath(nextUrl.pathname) || nextUrl.pathname.startsWith('/_next/');
  // The gateway's origin serves no pages of the app.
  if (isPage && isGatewayHost(request.headers.get('host'), settings())) return new NextResponse(null, { status: 404 });
  const headers = new Headers(request.headers);
  headers.delete('x-not-found');
  headers.delete(PAGE_PROOF_HEADER);
  const forwarded = { request: { headers } };
  // Other paths belong to the gateway's catch-all route, which authenticates programs itself. If
  // the gateway has a separate host, they are unknown paths of the app.
  const { GATEWAY_ORIGIN: gatewayOrigin } = settings();
  const isGatewayOrigin = gatewayOrigin === undefined || isGatewayHost(request.headers.get('host'), settings());
  if (!isPage && gatewayPresence().isPresent && isGatewayOrigin) return NextResponse.next(forwarded);
  const refused = await refuse(request, isPage);
  if (refused !== undefined) return toNextResponse(refused, request);
  const nonce = btoa(crypto.randomUUID());
  const policy = contentSecurityPolicy(nonce, process.env.NODE_ENV === 'development');
  headers.set('x-nonce', nonce);
  headers.set('content-security-policy', policy);
  // next.config.mjs rewrites it to the not-found page: the catch-all route would send JSON.
  if (!isPage) headers.set('x-not-found', '1');
  const response = NextResponse.next(forwarded);
  response.headers.set('content-security-policy', policy);
  for (const [name, value] of SECURITY_HEADERS) response.headers.set(name, value);
  if (!isTrustworthy(request)) response.headers.delete(OPENER_POLICY);
  return response;
}

function toNextResponse({ status, headers, body }: Reply, { method, nextUrl }: NextRequest): NextResponse {
  const { location } = headers;
  // Next accepts absolute URLs only.
  if (location !== undefined) return NextResponse.redirect(new URL(location, nextUrl), { status, headers });
  return new NextResponse(method === 'HEAD' ? null : toWebBody(body), { status, headers });
}

function refuse(
  { nextUrl, method, headers }: NextRequest,
  isPage: boolean,
): Reply | undefined | Promise<Reply | undefined> {
  const hostError = checkHost(headers.get('host') ?? nextUrl.host, settings());
  if (hostError !== undefined) {
    const { status, body } = toErrorResponse(hostError);
    return json(body, status, { 'x-content-type-options': 'nosniff' });
  }
  const { TRUST_PROXY: trust } = settings();
  const address = clientSubnet(undefined, headers.get('x-forwarded-for'), trust);
  const target = nextUrl.pathname + nextUrl.search;
  const reader = { method, target, headers, peerAddress: undefined, address };
  const isIdentified = headers.get(PAGE_PROOF_HEADER) === pageProof();
  return checkPageAccess(reader, isPage ? 'page' : 'unknown', settings(), Date.now(), isIdentified);
}

export const config = {
  // Pages only: the API sets its own headers, and static files run no code. Only the path decides.
  matcher:
    '/((?!api/|v1/|tokenize$|detokenize$|rerank$|health$|gateway-health$|gateway/|_next/static/|.*\\.[a-z0-9]+$).*)',
};

/** Browsers ignore it for plain http from another machine, and log a warning. */
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
    // Browsers send this header to trustworthy origins only.
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

/** `development` allows what Next's dev tools need: to evaluate code and to connect back. */
function contentSecurityPolicy(nonce: string, development: boolean): string {
  const connect = ["'self'", ...foreignOrigins(), ...(development ? ['ws:'] : [])];
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ''}`,
    // A fallback for browsers without `style-src-elem` and `style-src-attr`.
    "style-src 'self' 'unsafe-inline'",
    development ? "style-src-elem 'self' 'unsafe-inline'" : `style-src-elem 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src ${connect.join(' ')}`,
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    // Frames with an opaque origin and their own policy: diagrams, and programs in demo mode.
    "frame-src 'self'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ');
}
