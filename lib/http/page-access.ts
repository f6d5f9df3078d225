import { randomUUID } from 'node:crypto';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { keyRequired } from '#lib/http/auth';
import { retryAfterHeader, toErrorResponse } from '#lib/http/errors';
import type { RequestHeaders } from '#lib/http/http-request';
import { type Identity, identify } from '#lib/http/identity';
import { requireRight } from '#lib/http/principal';
import { json, plainText, type Reply } from '#lib/http/reply';
import { singleton } from '#lib/singletons';
import { PAGE_PATHS, PAGE_RIGHTS, type PageRight } from '#lib/wire/page-paths';

/**
 * Access to pages, static files and unknown paths. A browser that opens a page without a key is
 * redirected to the sign-in page, other clients get JSON. No header decides whether a key is
 * needed. At `/`, a client that is no browser gets what Ollama responds there.
 */

/** Kind of a path. The app does not serve an `unknown` one. */
export type PageTarget = 'page' | 'file' | 'unknown';

interface PageRequest {
  method: string;
  /** The request target: path and query. */
  target: string;
  headers: RequestHeaders;
  /** The connection's remote address, undefined if the platform hides it. */
  peerAddress: string | undefined;
  /** The client's subnet, undefined if the platform does not report the address. */
  address: string | undefined;
}

const SIGN_IN = '/sign-in';

/**
 * Returns the reply that keeps a request from the pages, or undefined for a GET or HEAD that they
 * may serve. A promise only for credentials that memory does not know. `isIdentified`: the same
 * was checked before for this request.
 */
export function checkPageAccess(
  request: PageRequest,
  kind: PageTarget,
  settings: Config,
  nowMs: number,
  isIdentified = false,
): Reply | undefined | Promise<Reply | undefined> {
  const { method, headers } = request;
  const isRead = isReading(method);
  if (!isWellFormed(request.target))
    return toReply(new AppError('invalid_request', 'The address of this request is not a well-formed path.'));
  if (isRead && request.target === '/' && kind === 'page' && !isBrowser(headers))
    return plainText(OLLAMA_IS_RUNNING, COMMON_HEADERS);
  if (method === 'OPTIONS' && kind !== 'unknown') return { status: 204, headers: { allow: ALLOW }, body: null };
  const right = kind === 'file' ? 'open' : pageRight(pathnameOf(request.target));
  try {
    if (right === 'open' || isIdentified) return checkMethod(request, kind);
    const identity = identify(request, settings, nowMs, true);
    if (identity instanceof Promise)
      return identity.then((found) => checkReader(request, kind, right, found)).catch(toReply);
    return checkReader(request, kind, right, identity);
  } catch (error) {
    return toReply(error);
  }
}

/** Throws what refuses the request. */
function checkReader(
  request: PageRequest,
  kind: PageTarget,
  right: PageRight,
  identity: Identity | undefined,
): Reply | undefined {
  const { method, headers, target } = request;
  const isOpenedByBrowser = isReading(method) && isNavigation(headers);
  if (identity === undefined) {
    if (isOpenedByBrowser) return toSignIn(target);
    throw keyRequired();
  }
  try {
    requireRight(identity.principal, right);
  } catch (error) {
    if (!isOpenedByBrowser || !AppError.is(error)) throw error;
    return { ...plainText(error.message, COMMON_HEADERS), status: 403 };
  }
  return checkMethod(request, kind);
}

/** Throws what refuses a method, or a path without a page. */
function checkMethod({ method, headers }: PageRequest, kind: PageTarget): undefined {
  const isRead = isReading(method);
  if (kind === 'unknown' && !(isRead && isNavigation(headers)))
    throw new AppError('not_found', 'Not found: no page or endpoint has this address.');
  if (!isRead) throw new AppError('method_not_allowed', `This method is not allowed here. Allowed: ${ALLOW}.`);
  return undefined;
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

const ALLOW = 'GET, HEAD, OPTIONS';

/** The path of a request target. */
export function pathnameOf(target: string): string {
  const end = target.indexOf('?');
  return end === -1 ? target : target.slice(0, end);
}

/** Whether a path is a page, with or without a slash at its end. */
export function isPage(pathname: string): boolean {
  return (
    PAGE_PATHS.has(pathname) || (pathname.length > 2 && pathname.endsWith('/') && PAGE_PATHS.has(pathname.slice(0, -1)))
  );
}

/**
 * The right of a page, in whatever spelling Next would find it. A path below a page has its right;
 * any other one is for authenticated callers, because the reply says what is not there.
 */
export function pageRight(pathname: string): PageRight {
  const segments = decodeURIComponent(pathname)
    .split('/')
    .filter((segment) => segment !== '');
  const own = PAGE_RIGHTS.get(`/${segments.join('/')}`);
  if (own !== undefined) return own;
  for (let depth = segments.length - 1; depth > 0; depth--) {
    const above = PAGE_RIGHTS.get(`/${segments.slice(0, depth).join('/')}`);
    if (above !== undefined && above !== 'open') return above;
  }
  return 'signed-in';
}

/** The request header by which `proxy.ts` learns that `server.ts` has identified the reader. */
export const PAGE_PROOF_HEADER = 'x-page-proof';

/** Its value, which no client can know. */
export function pageProof(): string {
  return singleton('http.page-proof', () => randomUUID());
}

/**
 * Whether a browser opens the address for its user to see. Browsers without `Sec-Fetch-Mode` are
 * recognised by `text/html` in `Accept`.
 */
export function isNavigation(headers: RequestHeaders): boolean {
  const mode = headers.get('sec-fetch-mode');
  if (mode !== null) return mode === 'navigate';
  return acceptsHtml(headers);
}

/** Whether `Accept` names HTML, and not with the weight 0, which refuses it (RFC 9110, 12.4.2). */
function acceptsHtml(headers: RequestHeaders): boolean {
  const accept = headers.get('accept') ?? '';
  return accept.split(',').some((range) => HTML.test(range) && !REFUSED.test(range));
}

const HTML = /^\s*text\/html\b/i;
const REFUSED = /;\s*q=0(?:\.0*)?\s*(?:;|$)/i;

/** What Ollama's clients look for at `/` before they do anything else, without a key. */
const OLLAMA_IS_RUNNING = 'Ollama is running';

/**
 * Browsers name themselves Mozilla. The router of Next fetches pages without `text/html`, and Next
 * hides its headers and its query from proxy.ts. The fetch of Node sends `Sec-Fetch-Mode`, too.
 */
function isBrowser(headers: RequestHeaders): boolean {
  if (headers.get('sec-fetch-mode') === 'navigate') return true;
  return acceptsHtml(headers) || /^mozilla\//i.test(headers.get('user-agent') ?? '');
}

/** Whether the path decodes to text without control characters, backslashes and dot segments. */
function isWellFormed(target: string): boolean {
  const pathname = pathnameOf(target);
  if (!pathname.startsWith('/')) return false;
  try {
    return !/[\p{Cc}\\]|\/\.\.?(?:\/|$)/u.test(decodeURIComponent(pathname));
  } catch {
    return false;
  }
}

function toSignIn(target: string): Reply {
  const location = `${SIGN_IN}?${new URLSearchParams({ next: target })}`;
  return { status: 307, headers: { location, ...COMMON_HEADERS }, body: null };
}

function toReply(error: unknown): Reply {
  const { status, body, retryAfterSeconds } = toErrorResponse(error);
  return json(body, status, {
    ...COMMON_HEADERS,
    ...(status === 405 ? { allow: ALLOW } : {}),
    ...retryAfterHeader(retryAfterSeconds),
  });
}

const COMMON_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
