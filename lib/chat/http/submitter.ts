import type { Submitter } from '#lib/chat/chat-engine';
import { rejectedLogFields } from '#lib/chat/http/access-log-fields';
import type { HttpRequest } from '#lib/http/http-request';
import type { RequestContext } from '#lib/http/route';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The submitter of a request. Its id is the X-Request-Id, generated or sent by the client, if that
 * is a UUID that no other request has.
 */
export function submitterOf(request: HttpRequest, context: RequestContext, bodyBytes?: number): Submitter {
  const cacheControl = request.headers.get('cache-control');
  return {
    caller: context.caller,
    id: !context.hasClientRequestId || UUID.test(context.requestId) ? context.requestId : undefined,
    isIdGiven: context.hasClientRequestId,
    bypassCache: cacheControl !== null && /\bno-cache\b/i.test(cacheControl),
    bodyBytes,
  };
}

/** A rejection handler that adds caller and model to the access log, and rethrows. */
export function logRejection(context: RequestContext, model: string | undefined): (error: unknown) => never {
  return (error) => {
    context.failureLog = () => rejectedLogFields(context.caller, model);
    throw error;
  };
}
