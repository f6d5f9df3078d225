import { chatEngine } from '#lib/chat/engine-singleton';
import type { AcceptedRequest } from '#lib/chat/generation/accepted-request';
import type { Submitter } from '#lib/chat/submitter';
import { countEndUser } from '#lib/http/rate-limit';
import type { RequestContext } from '#lib/http/route';
import type { ChatRequest } from '#lib/wire/chat';

/**
 * Submission of requests that the route has not counted yet: those of a key that is trusted to name
 * its end users. Separate functions, because the closures of their callers would retain the request
 * for as long as it waits.
 */

/** `ChatEngine.submit`, within the rate limit of the end user. */
export function submitCounted(
  chat: ChatRequest,
  submitter: Submitter,
  context: RequestContext,
): Promise<AcceptedRequest> {
  const counted = count(submitter, context);
  if (counted === undefined) return chatEngine().submit(chat, submitter);
  return counted.then(() => chatEngine().submit(chat, submitter));
}

/** `ChatEngine.enqueue`, within the rate limit of the end user. */
export function enqueueCounted(
  chat: ChatRequest,
  submitter: Submitter,
  context: RequestContext,
): Promise<AcceptedRequest> {
  const counted = count(submitter, context);
  if (counted === undefined) return chatEngine().enqueue(chat, submitter);
  return counted.then(() => chatEngine().enqueue(chat, submitter));
}

function count({ principal }: Submitter, context: RequestContext): Promise<void> | undefined {
  const { isUncounted, settings } = context;
  const limits = { isUncounted, perMinute: settings.RATE_LIMIT_CHAT };
  return countEndUser('chat', principal ?? context.principal, limits);
}
