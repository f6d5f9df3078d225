import { type NextRequest, NextResponse } from 'next/server';
import { foreignOrigins } from '#lib/client/endpoints';
import { config as settings } from '#lib/config/index';
import { sessionKey } from '#lib/http/auth';
import { isGatewayHost } from '#lib/http/gateway-host';
import { PAGES } from '#lib/wire/pages';

/**
 * Who sees a page, and the pages' security headers. Every request gets a nonce of its own; Next finds it in the policy that is put on the
 * request, and puts it on each script and style that it writes.
 */
export function proxy(request: NextRequest): NextResponse {
  const isPage = PAGES.has(request.nextUrl.pathname);
  // The gateway's own origin has none of the app's pages.
  if (isPage && isGatewayHost(request.headers.get('host'), settings())) return new NextResponse(null, { status: 404 });
  // Not a page: its catch-all route speaks for itself, to programs too, which show their key otherwise than pages do.
  if (!isPage && settings().PRIVATE_BACKEND_URL.length > 0) return NextResponse.next();
  const signIn = signInFirst(request);
  if (signIn !== undefined) return NextResponse.redirect(signIn);
  const nonce = btoa(crypto.randomUUID());
  const policy = contentSecurityPolicy(nonce, process.env.NODE_ENV === 'development');
  const headers = new Headers(request.headers);
  headers.set('x-nonce', nonce);
  headers.set('content-security-policy', policy);
  // next.config.mjs shows the page that says so: the catch-all route would answer with JSON where people look.
  if (!isPage) headers.set('x-not-found', '1');
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  for (const [name, value] of SECURITY_HEADERS) response.headers.set(name, value);
  return response;
}

/** Where keys are set, every page but one asks for a session. */
function signInFirst({ nextUrl, headers }: NextRequest): URL | undefined {
  const { API_KEYS: keys } = settings();
  if (keys.length === 0 || nextUrl.pathname === SIGN_IN) return undefined;
  if (sessionKey(headers.get('cookie'), keys, Date.now()) !== undefined) return undefined;
  const url = new URL(SIGN_IN, nextUrl);
  url.searchParams.set('next', nextUrl.pathname + nextUrl.search);
  return url;
}

const SIGN_IN = '/sign-in';

export const config = {
  matcher: [
    {
      // Pages only: the API has headers of its own, and static files run nothing.
      source: '/((?!api/|v1/|health$|gateway-health$|gateway/|_next/static/|_next/image/|.*\\.[a-z0-9]+$).*)',
      missing: [
        { type: 'header', key: 'next-router-prefetch' },
        { type: 'header', key: 'purpose', value: 'prefetch' },
      ],
    },
  ],
};

const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
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
