import { AppError } from '#lib/errors';

/** Paths below it are forwarded even if the app serves the rest of the path itself. */
export const GATEWAY_PREFIX = '/gateway/';

/**
 * The path and query for the backend: the request target `url`, byte for byte, without
 * `GATEWAY_PREFIX`.
 *
 * Throws `invalid_request` for a target that is not a path, since this is not a forward proxy, and
 * for a path whose `..` segments, also encoded ones, leave the root (path traversal).
 */
export function backendPath(url: string): string {
  if (url.charCodeAt(0) !== SLASH)
    throw new AppError('invalid_request', 'Only paths are passed on: ask for /path, not for a whole URL.');
  if (url.includes('#')) throw new AppError('invalid_request', 'A request has no fragment: encode # as %23.');
  const path = url.startsWith(GATEWAY_PREFIX) ? url.slice(GATEWAY_PREFIX.length - 1) : url;
  if (DOT_SEGMENT.test(path) && escapesRoot(path))
    throw new AppError('invalid_request', 'The path leads above its own root. Ask for the path that is meant.');
  return path;
}

const SLASH = 47;
const DOT_SEGMENT = /(?:[/\\]|%2f|%5c)(?:\.|%2e){2}(?:[/\\?]|%2f|%5c|$)/i;

function escapesRoot(path: string): boolean {
  const end = path.indexOf('?');
  const segments = (end === -1 ? path : path.slice(0, end)).split(/[/\\]|%2f|%5c/i).slice(1);
  let depth = 0;
  for (const segment of segments) {
    const decoded = segment.replace(/%2e/gi, '.');
    if (decoded === '..') depth -= 1;
    // Servers that merge slashes drop empty segments.
    else if (decoded !== '.' && decoded !== '') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
