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

/** The end of a run here that another server has begun again. Shared instance. */
export const TAKEN_OVER: FinalEvent & { readonly type: 'error' } = {
  type: 'error',
  error: new AppError(
    'shutting_down',
    'Another server goes on with this request. Ask for it again by its id in a few seconds.',
  ),
};

/** The end of a run that is not wanted any more. */
export function cancelledEnd(by: CancelledBy | undefined): FinalEvent & { readonly type: 'error' } {
  return { type: 'error', error: by === undefined ? ABANDONED : CANCELLATIONS[by] };
}
