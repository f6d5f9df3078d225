import { AppError } from '#lib/errors';
import { formatBytes } from '#lib/units';

/** `subject` begins the sentence: what is larger than `limitBytes`. */
export function bodyTooLarge(limitBytes: number, subject = 'The body'): AppError {
  return new AppError(
    'body_too_large',
    `${subject} is too large: at most ${formatBytes(limitBytes)} are accepted here.`,
  );
}
