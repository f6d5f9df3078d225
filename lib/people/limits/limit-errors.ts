import { AppError } from '#lib/errors';
import { WINDOW_MS } from '#lib/people/limits/minute-windows';
import { MINUTE_MS, SECOND_MS } from '#lib/units';
import type { LimitName } from '#lib/wire/limits';

/** A limit that refuses a request. */
export interface ExceededLimit {
  readonly name: LimitName;
  readonly limit: number;
  /** In the unit of the limit. */
  readonly used: number;
  /** Milliseconds since 1970. Undefined for a limit of what is open now. */
  readonly resetsAtMs: number | undefined;
}

/** `Retry-After` where an open request has to end first: no time is known. */
const OPEN_RETRY_SECONDS = 5;

/** 429 `rate_limited` with the limit's name, its figures and when it resets. */
export function limitExceeded(exceeded: ExceededLimit, nowMs: number): AppError {
  const { name, limit, used, resetsAtMs } = exceeded;
  const seconds = retrySeconds(exceeded, nowMs);
  return new AppError(
    'rate_limited',
    `${SENTENCES[name](count(limit), count(used))} ${resetSentence(exceeded, seconds)}`,
    {
      retryAfterSeconds: seconds,
      data: {
        reason: 'limit',
        limit_name: name,
        limit,
        used,
        ...(resetsAtMs === undefined ? {} : { resets_at: new Date(resetsAtMs).toISOString() }),
        retry_after_seconds: seconds,
      },
    },
  );
}

const SENTENCES: Readonly<Record<LimitName, (limit: string, used: string) => string>> = {
  tokens_per_day: (limit, used) => `Your limit of ${limit} tokens a day is used up (${used} used).`,
  tokens_per_month: (limit, used) => `Your limit of ${limit} tokens a month is used up (${used} used).`,
  requests_per_minute: (limit) => `Your limit of ${limit} chat requests a minute is reached.`,
  code_runs_per_minute: (limit) => `Your limit of ${limit} code runs a minute is reached.`,
  code_seconds_per_day: (limit, used) =>
    `Your limit of ${limit} seconds of program time a day is used up (${used} used).`,
  concurrent_requests: (limit) => `Your limit of ${limit} open requests is reached.`,
  context_tokens: (limit) => `Your limit of ${limit} tokens of context is reached.`,
  output_tokens: (limit) => `Your limit of ${limit} tokens in a response is reached.`,
};

function retrySeconds({ name, resetsAtMs }: ExceededLimit, nowMs: number): number {
  if (resetsAtMs === undefined) return OPEN_RETRY_SECONDS;
  const seconds = Math.max(1, Math.ceil((resetsAtMs - nowMs) / SECOND_MS));
  return name.endsWith('_per_minute') ? Math.min(WINDOW_MS / SECOND_MS, seconds) : seconds;
}

function resetSentence({ name, resetsAtMs }: ExceededLimit, seconds: number): string {
  if (resetsAtMs === undefined) return 'Try again when one of them has ended.';
  if (name.endsWith('_per_minute')) return `Try again in ${seconds} s.`;
  return `It resets in ${inWords(seconds * SECOND_MS)}, at ${localTime(resetsAtMs)}.`;
}

function count(number: number): string {
  return number.toLocaleString('en-US', { maximumFractionDigits: 1 });
}

/** `45 s`, `12 min`, `5 h 12 min`, `12 days`. */
function inWords(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.ceil(ms / SECOND_MS)} s`;
  const minutes = Math.ceil(ms / MINUTE_MS);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.ceil(hours / 24)} days`;
}

/** In the time zone of the server. */
function localTime(ms: number): string {
  const time = new Date(ms);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
