import type { ErrorData } from '#lib/wire/error';
import { formatBytes, formatSeconds } from './format.ts';

/** What the sentence is made of: an `ApiError`, or an error that came in a stream. */
export interface PageError {
  /** The server's own sentence, shown for a code that has none here. */
  message: string;
  code: string;
  data?: ErrorData | undefined;
}

/**
 * The sentence that a page shows for an error: in the words of someone who uses the page and cannot
 * change the server's settings.
 */
export function errorSentence({ message, code, data = {} }: PageError): string {
  return SENTENCES[code]?.(data) ?? message;
}

const SENTENCES: Record<string, (data: ErrorData) => string | undefined> = {
  unauthorized: () => 'Your session has ended. Sign in again.',
  rate_limited: ({ limit, retry_after_seconds: wait }) =>
    typeof limit === 'number' && typeof wait === 'number'
      ? `Rate limit: ${limit} requests per minute. Try again in ${formatSeconds(wait * 1000)}.`
      : undefined,
  queue_full: ({ queue_length: waiting, retry_after_seconds: wait }) =>
    typeof waiting === 'number' && typeof wait === 'number'
      ? `The queue is full (${waiting} waiting). Try again in about ${formatSeconds(wait * 1000)}.`
      : undefined,
  body_too_large: ({ size_bytes: size, limit_bytes: limit }) => {
    if (typeof limit !== 'number') return undefined;
    const sizes = typeof size === 'number' ? `${formatBytes(size)}; the limit is ` : 'the limit is ';
    return `Your message is too long (${sizes}${formatBytes(limit)}).`;
  },
};
