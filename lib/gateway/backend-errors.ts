import { AppError } from '#lib/errors';

const FULL_RETRY_AFTER_SECONDS = 2;
const DRAINED_RETRY_AFTER_SECONDS = 30;

/** A failed attempt at a backend. */
export interface BackendFailure {
  error: AppError;
  /** For the statistics and the log. Holds nothing of the request. */
  reason: string;
  /** This machine has no resource left to connect with, so the backend is not at fault. */
  isLocal: boolean;
}

/**
 * Maps a connection error: `upstream_timeout` for timeouts, `queue_full` for exhausted local
 * resources, otherwise `upstream_failed`.
 */
export function toBackendFailure(error: unknown, timeoutMs: number): BackendFailure {
  const code = codeOf(error);
  if (EXHAUSTED_CODES.has(code))
    return {
      error: localResourcesExhausted(error),
      reason: `no connection left on this machine: ${code}`,
      isLocal: true,
    };
  const appError = TIMEOUT_CODES.has(code) ? backendTimeout(timeoutMs, error) : connectionFailed(error);
  return { error: appError, reason: REASONS[code] ?? code, isLocal: false };
}

export function connectionFailed(cause?: unknown): AppError {
  return new AppError('upstream_failed', 'Backend connection failed', { cause });
}

export function backendTimeout(timeoutMs: number, cause?: unknown): AppError {
  return new AppError(
    'upstream_timeout',
    `The backend did not respond within ${timeoutMs / 1000} s. Try again later.`,
    {
      cause,
    },
  );
}

export function tooManyWebSockets(): AppError {
  return new AppError(
    'queue_full',
    'Too many WebSocket connections are open. Close some, or try again in a few seconds.',
    {
      retryAfterSeconds: FULL_RETRY_AFTER_SECONDS,
    },
  );
}

/** All backends drain. */
export function noOpenBackend(): AppError {
  return new AppError(
    'not_configured',
    'The backend takes no requests for now: an administrator is draining it. Try again later.',
    { retryAfterSeconds: DRAINED_RETRY_AFTER_SECONDS },
  );
}

export function poolFull(): AppError {
  return new AppError('queue_full', 'Too many requests are waiting for the backend. Try again in a few seconds.', {
    retryAfterSeconds: FULL_RETRY_AFTER_SECONDS,
  });
}

/** Too many requests wait for the backend, which is not at fault. */
export function isPoolFull(error: unknown): boolean {
  return codeOf(error) === 'POOL_FULL';
}

/** The backend closed a kept connection when it was used again. */
export function isClosedByPeer(error: unknown): boolean {
  return CLOSED_CODES.has(codeOf(error));
}

/** The HTTP client did not send the request, because it is not valid HTTP. */
export function isInvalidRequest(error: unknown): boolean {
  return codeOf(error) === 'REQUEST_REFUSED';
}

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'CONNECT_TIMEOUT',
  'RESPONSE_TIMEOUT',
  'BODY_TIMEOUT',
  'ETIMEDOUT',
]);
const CLOSED_CODES: ReadonlySet<string> = new Set(['CLOSED_BY_PEER', 'ECONNRESET', 'EPIPE']);
/** File descriptors, kernel memory or local ports. */
const EXHAUSTED_CODES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no connection in time',
  CONNECT_TIMEOUT: 'no connection in time',
  RESPONSE_TIMEOUT: 'no answer in time',
  BODY_TIMEOUT: 'answer stalled',
  CLOSED_BY_PEER: 'connection closed',
  HEAD_TOO_LARGE: 'headers too large',
  RESPONSE_CUT_SHORT: 'answer cut short',
  REQUEST_BODY_LENGTH: 'request cut short',
  RESPONSE_INVALID: 'invalid answer',
  POOL_CLOSED: 'server closing',
  ERR_INVALID_CHAR: 'invalid header',
};

function localResourcesExhausted(cause: unknown): AppError {
  return new AppError('queue_full', 'The server has no free connections. Try again in a few seconds.', {
    retryAfterSeconds: FULL_RETRY_AFTER_SECONDS,
    cause,
  });
}

/**
 * The code of an error. An `AggregateError` has one error per address that was tried. The
 * backend's own response (connection refused) has precedence over a local one (no IPv6).
 */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const codes = error.errors.map(codeOf);
    return codes.find((code) => !EXHAUSTED_CODES.has(code)) ?? codes[0] ?? 'failed';
  }
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'failed';
}
