import type { ErrorData } from '#lib/wire/error';
import { formatBytes, formatCount, formatSeconds } from './format.ts';
import { BROWSER_STRINGS } from './strings.ts';

/** The source of a sentence: an `ApiError`, or an error that came in a stream. */
export interface PageError {
  /** The server's own sentence, shown for a code that has none here. */
  message: string;
  code: string;
  data?: ErrorData | undefined;
  /** The `X-Request-Id` of the response. */
  requestId?: string | undefined;
}

/**
 * The sentence that a page shows for an error: in the words of someone who uses the page and cannot
 * change the server's settings.
 */
export function errorSentence(error: PageError): string {
  const wait = WAITS[error.code]?.(error.data ?? {});
  return wait === undefined ? errorReason(error) : `${errorReason(error)} ${wait}`;
}

/** The sentence without when to try again, for a place that counts this down. */
export function errorReason(error: PageError): string {
  const sentence = SENTENCES[error.code]?.(error.data ?? {}, error);
  if (sentence !== undefined) return sentence;
  return isForOperators(error.message) ? (OPERATOR_SENTENCES[error.code] ?? ASK_ADMINISTRATOR) : error.message;
}

/**
 * The server's own sentence where the page shows another one, for a fold "Details for operators".
 * Undefined if it says nothing more.
 */
export function errorDetails(error: PageError): string | undefined {
  if (error.code === 'internal_error' || error.code === 'unauthorized') return undefined;
  return isForOperators(error.message) && errorSentence(error) !== error.message ? error.message : undefined;
}

/** The id under which the server's log describes the error. Undefined if the log has no more. */
export function errorReference({ code, requestId }: PageError): string | undefined {
  return code === 'internal_error' ? requestId : undefined;
}

/**
 * Whether a sentence is for the person who runs the server: it names a URL, a setting such as
 * OLLAMA_API_URL, a header, or a command.
 */
export function isForOperators(sentence: string): boolean {
  return /https?:\/\/|\b[A-Z][A-Z\d]*_[A-Z\d_]+\b|`[^`]+`|\bX-Request-Id\b|\bAuthorization\b/.test(sentence);
}

const ASK_ADMINISTRATOR = 'The server could not do this. Try again, or ask your administrator.';
const NOT_ALLOWED = 'This server does not accept requests from this address. Ask your administrator.';

type Sentence = (data: ErrorData, error: PageError) => string | undefined;

/** By the codes of `lib/wire/error`, and of errors that arise in the page. */
const SENTENCES: Record<string, Sentence> = {
  unauthorized: () => 'Your session has ended. Sign in again.',
  context_length_exceeded: () => 'This chat is too long for the model. Choose another model, or start a new chat.',
  rate_limited: ({ reason, limit, limit_name: name }) => {
    if (reason === 'wrong_keys') return 'Too many wrong keys from this address.';
    if (reason === 'wrong_passwords') return 'Too many wrong attempts.';
    if (reason === 'sign_ins') return 'Too many sign-ins from this network.';
    if (reason === 'mails') return 'Too many links were asked for.';
    if (typeof limit !== 'number') return 'Too many requests in a short time.';
    const own = reason === 'limit' && typeof name === 'string' ? OWN_LIMITS[name]?.(limit) : undefined;
    return own ?? `Rate limit: ${limit} requests per minute.`;
  },
  queue_full: ({ reason, queue_length: waiting, limit_bytes: limit }) => {
    if (reason === 'displaced') return 'The queue is full, and requests of less busy users go first.';
    if (reason === 'bytes') return 'The queue is full. A message with smaller images may still fit.';
    if (reason === 'caller')
      return `Your queued messages are at their limit${typeof limit === 'number' ? ` of ${formatBytes(limit)}` : ''}.`;
    return typeof waiting === 'number' && waiting > 0
      ? `The queue is full (${waiting} waiting).`
      : 'The server is busy with other requests.';
  },
  body_too_large: ({ size_bytes: size, limit_bytes: limit }) => tooLarge('Your message is too long', size, limit),
  code_too_large: ({ size_bytes: size, limit_bytes: limit }) => tooLarge('Your program is too long', size, limit),
  model_not_found: ({ model, reason }) => {
    if (reason === 'not_allowed')
      return 'This model is not available to you. Choose another model, or ask your administrator.';
    return typeof model === 'string'
      ? `${model} is not available. Choose another model.`
      : 'This model is not available. Choose another model.';
  },
  model_load_failed: () => 'The model could not be loaded. Choose another model, or try again later.',
  provider_unavailable: ({ model_server: server }) =>
    typeof server === 'string'
      ? `The model server ${server} is not responding. Choose another model, or ask your administrator.`
      : 'The model server is not responding. Try again, or ask your administrator.',
  upstream_truncated: () => 'The answer ended early.',
  worker_lost: () => 'The server that wrote this answer was lost.',
  runner_busy: () => 'The code runner is busy.',
  // It may be up again when this is read.
  shutting_down: () => 'The server was restarted before this was done.',
  cancelled: () => 'The request was cancelled.',
  already_finished: () => 'This request has already ended.',
  origin_not_allowed: () => NOT_ALLOWED,
  host_not_allowed: () => NOT_ALLOWED,
  internal_error: (_data, { requestId }) =>
    requestId === undefined
      ? 'Server error. Try again. If it happens again, ask your administrator.'
      : `Server error. Reference: ${shortReference(requestId)}`,
  unreachable: () => BROWSER_STRINGS.unreachable,
  connection_lost: () => 'The connection was lost before the answer was complete. Regenerate it.',
  unknown_response: () => 'Unexpected response. Reload the page.',
};

/** Limits of a person, by their names on the wire. */
const OWN_LIMITS: Record<string, (limit: number) => string> = {
  tokens_per_day: (limit) => `You have used up your ${formatCount(limit)} tokens of today.`,
  tokens_per_month: (limit) => `You have used up your ${formatCount(limit)} tokens of this month.`,
  code_seconds_per_day: (limit) => `Your programs have used up their ${formatSeconds(limit * 1000)} of today.`,
  requests_per_minute: (limit) => `Your limit is ${formatCount(limit)} messages a minute.`,
  code_runs_per_minute: (limit) => `Your limit is ${formatCount(limit)} programs a minute.`,
  concurrent_requests: (limit) => `${formatCount(limit)} of your requests are still running, which is your limit.`,
};

/** When to try again, for codes that are over after a time. */
const WAITS: Record<string, (data: ErrorData) => string> = {
  rate_limited: ({ retry_after_seconds: wait }) => tryAgainIn('in', wait),
  queue_full: ({ reason, retry_after_seconds: wait }) =>
    reason === 'caller' ? 'Try again when some are done.' : tryAgainIn('in about', wait),
  runner_busy: () => IN_A_MOMENT,
  shutting_down: () => IN_A_MOMENT,
};

const IN_A_MOMENT = 'Try again in a moment.';

function tryAgainIn(when: string, seconds: string | number | undefined): string {
  return typeof seconds === 'number' ? `Try again ${when} ${formatSeconds(seconds * 1000)}.` : IN_A_MOMENT;
}

/** Instead of a sentence of the server that is for operators. */
const OPERATOR_SENTENCES: Record<string, string> = {
  forbidden: NOT_ALLOWED,
  body_too_large: 'Your message is too long.',
  code_too_large: 'Your program is too long.',
  upstream_failed: 'The model stopped with an error. Try again, or ask your administrator.',
  upstream_timeout: 'No response in time. Try again, or ask your administrator.',
  sandbox_unavailable: 'Programs can’t run on this server. Ask your administrator.',
  language_unavailable: 'This language is not available on this server. Ask your administrator.',
  unsupported_language: 'This language is not available on this server. Choose another one.',
  not_configured: 'This is not set up on this server. Ask your administrator.',
  not_saved: 'The server could not save this. Try again, or ask your administrator.',
  not_found: 'The server does not have this.',
};

function tooLarge(what: string, size: string | number | undefined, limit: string | number | undefined) {
  if (typeof limit !== 'number') return undefined;
  const sizes = typeof size === 'number' ? `${formatBytes(size)}; the limit is ` : 'the limit is ';
  return `${what} (${sizes}${formatBytes(limit)}).`;
}

/** As much of an id as identifies it in a log. A button copies all of it. */
function shortReference(id: string): string {
  return id.length <= 8 ? id : `${id.slice(0, 8)}…`;
}
