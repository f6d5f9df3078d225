import { AppError } from '#lib/errors';
import { formatBytes } from '#lib/units';

interface OversizedBody {
  limitBytes: number;
  /** Undefined if the body was not read to its end. */
  sizeBytes?: number | undefined;
  /** Begins the sentence: what is larger than the limit. */
  subject?: string;
}

/** The error for a body above its limit, with both sizes in its data. */
export function bodyTooLarge({ limitBytes, sizeBytes, subject = 'The body' }: OversizedBody): AppError {
  const size = sizeBytes === undefined ? '' : `${formatBytes(sizeBytes)}; `;
  return new AppError('body_too_large', `${subject} is too large (${size}the limit is ${formatBytes(limitBytes)}).`, {
    data: { limit_bytes: limitBytes, ...(sizeBytes === undefined ? {} : { size_bytes: sizeBytes }) },
  });
}
