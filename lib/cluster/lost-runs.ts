import { ABANDONED, CANCELLATIONS } from '#lib/chat/generation/cancellation';
import type { FinalEvent } from '#lib/chat/generation/generation';
import { AppError } from '#lib/errors';
import type { CancelledBy } from '#lib/wire/chat-queue';

/** The end of a run whose server is lost, with a part of its response. Shared instance. */
export const WORKER_LOST: FinalEvent & { readonly type: 'error' } = {
  type: 'error',
  error: new AppError(
    'worker_lost',
    'The server that worked on this response was lost. What it had written is kept. Send the request again.',
  ),
};

/** The end of a run that is not wanted any more. */
export function cancelledEnd(by: CancelledBy | undefined): FinalEvent & { readonly type: 'error' } {
  return { type: 'error', error: by === undefined ? ABANDONED : CANCELLATIONS[by] };
}
