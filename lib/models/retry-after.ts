import type { HeaderRecord } from '#lib/upstream-http/response-headers';

const MAX_RETRY_AFTER_SECONDS = 3_600;

/** Milliseconds, of OpenAI and Azure. More exact than `Retry-After`, which they send too. */
const MILLISECOND_HEADERS = ['retry-after-ms', 'x-ms-retry-after-ms'];

/** The time at which a rate limit is refilled, and what is left of it. */
const RATE_LIMITS: readonly (readonly [reset: string, remaining: string])[] = [
  // OpenAI, Azure, Groq: a Go duration such as `6m0s`.
  ['x-ratelimit-reset-requests', 'x-ratelimit-remaining-requests'],
  ['x-ratelimit-reset-tokens', 'x-ratelimit-remaining-tokens'],
  // Anthropic: a date of RFC 3339.
  ['anthropic-ratelimit-requests-reset', 'anthropic-ratelimit-requests-remaining'],
  ['anthropic-ratelimit-tokens-reset', 'anthropic-ratelimit-tokens-remaining'],
  ['anthropic-ratelimit-input-tokens-reset', 'anthropic-ratelimit-input-tokens-remaining'],
  ['anthropic-ratelimit-output-tokens-reset', 'anthropic-ratelimit-output-tokens-remaining'],
  // OpenRouter: milliseconds since the epoch. Gateways: seconds.
  ['x-ratelimit-reset', 'x-ratelimit-remaining'],
  ['ratelimit-reset', 'ratelimit-remaining'],
];

/**
 * The whole seconds that a model server asks its client to wait, at most an hour; undefined if it
 * asks for no wait. Without a header for that, the longest reset of the rate limits that are used
 * up counts: a limit with something left is not the one that refused the request.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterSeconds(headers: HeaderRecord, now = Date.now()): number | undefined {
  for (const name of MILLISECOND_HEADERS) {
    const milliseconds = Number(headers[name] ?? Number.NaN);
    if (!Number.isNaN(milliseconds)) return bounded(milliseconds / 1_000);
  }
  const header = headers['retry-after'];
  if (header !== undefined) return bounded(secondsUntil(header, now));
  const resets = RATE_LIMITS.flatMap(([reset, remaining]) => {
    const value = headers[reset];
    return value === undefined || headers[remaining]?.trim() !== '0' ? [] : [secondsUntil(value, now)];
  });
  return bounded(Math.max(...resets.filter((seconds) => !Number.isNaN(seconds))));
}

function bounded(seconds: number): number | undefined {
  return seconds > 0 ? Math.min(Math.ceil(seconds), MAX_RETRY_AFTER_SECONDS) : undefined;
}

/** A number this large is a time since the epoch, in seconds or milliseconds. */
const EPOCH_SECONDS = 1e9;
const EPOCH_MILLISECONDS = 1e12;
const GO_DURATION = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/** NaN for a value that is neither a number, a Go duration nor a date. */
function secondsUntil(value: string, now: number): number {
  const text = value.trim();
  const number = text === '' ? Number.NaN : Number(text);
  if (number >= EPOCH_MILLISECONDS) return (number - now) / 1_000;
  if (number >= EPOCH_SECONDS) return number - now / 1_000;
  if (!Number.isNaN(number)) return number;
  const duration = text === '' ? null : GO_DURATION.exec(text);
  if (duration !== null) {
    const [h = 0, m = 0, s = 0, ms = 0] = duration.slice(1).map((part) => Number(part ?? 0));
    return h * 3_600 + m * 60 + s + ms / 1_000;
  }
  return (Date.parse(text) - now) / 1_000;
}
