import { type CacheReaders, parseCacheControl } from '#lib/chat/cache/cache-policy';
import { rejectedLogFields } from '#lib/chat/http/access-log-fields';
import type { Submitter } from '#lib/chat/submitter';
import { AppError } from '#lib/errors';
import { endUserPrincipal } from '#lib/http/end-user';
import type { HttpRequest } from '#lib/http/http-request';
import { requestLimits } from '#lib/http/request-limits';
import type { RequestContext } from '#lib/http/route';
import { type CacheMode, cacheModeSchema } from '#lib/wire/chat';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The submitter of a request. Its id is the X-Request-Id, generated or sent by the client, if that
 * is a UUID that no other request has. `readsCache` is its API's rule for the cache, `endUser` the
 * end user that its body names. Throws `invalid_request` for a header of this server's own with
 * another value than it may have.
 */
export function submitterOf(
  { headers }: HttpRequest,
  context: RequestContext,
  bodyBytes?: number,
  readsCache: CacheReaders = 'sdk',
  endUser?: string,
): Submitter {
  const cacheControl = headers.get('cache-control');
  const cacheMode = headers.get('x-cache-policy');
  const dropParams = headers.get('x-drop-params');
  const principal = endUserPrincipal(context.principal, endUser);
  return {
    caller: principal.caller,
    principal,
    allowance: requestLimits()?.allowanceOf(principal),
    confirmCount: context.confirmCount,
    id: !context.hasClientRequestId || UUID.test(context.requestId) ? context.requestId : undefined,
    isIdGiven: context.hasClientRequestId,
    readsCache,
    cacheControl: cacheControl === null ? undefined : parseCacheControl(cacheControl),
    cacheMode: cacheMode === null ? undefined : readCacheMode(cacheMode),
    dropParams: dropParams === null ? undefined : readFlag('X-Drop-Params', dropParams),
    bodyBytes,
  };
}

function readCacheMode(value: string): CacheMode {
  const parsed = cacheModeSchema.safeParse(value.trim().toLowerCase());
  if (parsed.success) return parsed.data;
  throw invalidHeader('X-Cache-Policy', 'must be auto, on or off');
}

function readFlag(name: string, value: string): boolean {
  const word = value.trim().toLowerCase();
  if (word === 'true' || word === '1') return true;
  if (word === 'false' || word === '0') return false;
  throw invalidHeader(name, 'must be true or false');
}

function invalidHeader(name: string, message: string): AppError {
  return new AppError('invalid_request', `The header ${name} ${message}.`, { details: [{ field: name, message }] });
}

/** A rejection handler that adds caller and model to the access log, and rethrows. */
export function logRejection(context: RequestContext, model: string | undefined): (error: unknown) => never {
  return (error) => {
    context.failureLog = () => rejectedLogFields(context, model);
    throw error;
  };
}
