import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { AppError } from '#lib/errors';

const RETRY_AFTER_SECONDS = 2;

/** A client that gets `not_found` would send the whole request again. */
export function elsewhere(): AppError {
  return new AppError(
    'queue_full',
    'Requests of other servers cannot be looked up for a moment. Try again in a few seconds.',
    { retryAfterSeconds: RETRY_AFTER_SECONDS, data: { reason: 'elsewhere', retry_after_seconds: RETRY_AFTER_SECONDS } },
  );
}

/** A request once it is in the line. Throws the error with which the line refuses it. */
export async function admitted(submitting: Promise<PendingRequest>): Promise<PendingRequest> {
  const pending = await submitting;
  if (pending.saved?.isShared !== true) return pending;
  await pending.saved.written;
  const { error, saved } = pending;
  if (saved?.isShared !== true && error?.code === 'queue_full') throw error;
  return pending;
}
