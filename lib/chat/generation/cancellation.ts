import { AppError } from '#lib/errors';
import type { CancelledBy } from '#lib/wire/chat-queue';

/**
 * The errors of cancelled requests. Shared instances: thousands of cancelled results may be
 * retained, and an Error with its stack is as big as the rest.
 */
export const CANCELLATIONS: Readonly<Record<CancelledBy, AppError>> = {
  user: new AppError('cancelled', 'The request was cancelled.'),
  operator: new AppError('cancelled', 'The request was cancelled by the operator.', {
    data: { cancelled_by: 'operator' },
  }),
};

/** The end of what no client was connected to. */
export const ABANDONED = new AppError('cancelled', 'The request was cancelled because no client was connected.');
