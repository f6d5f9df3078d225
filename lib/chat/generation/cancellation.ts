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

/**
 * The end of a request whose caller was locked out. `cancelled_by` stays for readers that know no
 * `reason`.
 */
export const LOCKED_OUT = new AppError(
  'cancelled',
  'The request was ended because its caller may not use this server any more: the account was disabled or deleted, or the key was revoked.',
  { data: { cancelled_by: 'operator', reason: 'locked_out' } },
);

/** The end of what no client was connected to. */
export const ABANDONED = new AppError('cancelled', 'The request was cancelled because no client was connected.');
