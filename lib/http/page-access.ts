import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { keyRequired, verifyCredentials } from '#lib/http/auth';
import { toErrorResponse } from '#lib/http/errors';
import type { RequestHeaders } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import { PAGE_PATHS } from '#lib/wire/page-paths';

/**
 * Who gets a page, a static file or an unknown address, and what the others get: a redirect to the
 * sign-in page for a browser that opens the address, JSON for everyone else. No header decides
 * whether a key is asked for.
 */

/** What is at an address: `unknown` is nothing that the app serves. */
export type PageTarget = 'page' | 'file' | 'unknown';

interface PageRequest {
  method: string;
  /** The request target: path and query. */
  target: string;
  headers: RequestHeaders;
  /** The client's address as it is counted; undefined where the platform does not say. */
  address: string | undefined;
}

const SIGN_IN = '/sign-in';

/**
 * Returns the answer that keeps a request from the pages, or undefined if they may answer it, which
 * they do to GET and HEAD.
 */
export function checkPageAccess(
  request: PageRequest,
  what: PageTarget,
  settings: Config,
  nowMs: number,
): Reply | undefined {
  const { method, headers } = request;
  const isRead = method === 'GET' || method === 'HEAD';
  if (!isWellFormed(request.target))
    return refusal(new AppError('invalid_request', 'The address of this request is not a well-formed path.'));
  if (method === 'OPTIONS' && what !== 'unknown') return { status: 204, headers: { allow: ALLOW }, body: null };
  try {
    if (needsKey(request.target, what, settings)) {
      const shown = verifyCredentials(headers, settings.API_KEYS, request.address, nowMs, true);
      if (shown === undefined && isRead && isNavigation(headers)) return toSignIn(request.target);
      if (shown === undefined) throw keyRequired();
    }
    if (what === 'unknown' && !(isRead && isNavigation(headers)))
      throw new AppError('not_found', 'There is nothing at this address.');
    if (!isRead) throw new AppError('method_not_allowed', `This method is not allowed here. Allowed: ${ALLOW}.`);
    return undefined;
  } catch (error) {
    return refusal(error);
  }
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

function needsKey(target: string, what: PageTarget, { API_KEYS: keys }: Config): boolean {
  return keys.length > 0 && what !== 'file' && pathnameOf(target) !== SIGN_IN;
}

/**
 * Whether a browser opens the address, and its user sees the answer. Browsers that do not send
 * `Sec-Fetch-Mode` are known by accepting HTML by name.
 */
export function isNavigation(headers: RequestHeaders): boolean {
  const mode = headers.get('sec-fetch-mode');
  if (mode !== null) return mode === 'navigate';
  return /\btext\/html\b/i.test(headers.get('accept') ?? '');
}

/**
 * A path that the app can have: its escapes decode to text without control characters, `\\` and dot
 * segments.
 */
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
  return { status: 307, headers: { location, ...COMMON }, body: null };
}

function refusal(error: unknown): Reply {
  const { status, body, retryAfterSeconds } = toErrorResponse(error);
  return json(body, status, {
    ...COMMON,
    ...(status === 405 ? { allow: ALLOW } : {}),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
}

const COMMON = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
