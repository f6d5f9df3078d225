import { AppError } from '#lib/errors';
import type { Logger } from '#lib/telemetry/log';

/** The error of a model call as an `AppError`. Anything else is a bug, and is logged. */
export function toAppError(error: unknown, log: Logger): AppError {
  if (AppError.is(error)) return error;
  log.error({ err: error }, 'model call failed unexpectedly');
  return new AppError('internal_error', 'Server error. The log has the details.', {
    cause: error,
  });
}
