import { AppError } from '#lib/errors';

/** Paths below it are passed on whatever the app itself serves. */
export const GATEWAY_PREFIX = '/gateway/';

/**
 * The path and query that the backend is asked for: those of the request target `url`, byte for byte, without the prefix
 * that asks for the gateway by name.
 *
 * Throws `invalid_request` for targets that are no path (this is no forward proxy), and for paths that climb above their own
 * root, also where dots and slashes are encoded: whatever is above it at the backend is not ours to open.
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
    const plain = segment.replace(/%2e/gi, '.');
    if (plain === '..') depth -= 1;
    // An empty segment is none to servers that merge slashes.
    else if (plain !== '.' && plain !== '') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
