import { AppError } from '#lib/errors';

/** How an attempt at a backend failed, as far as anyone can act on it. */
export interface BackendFailure {
  fault: AppError;
  /** For the statistics and the log: a word without anything of the request in it. */
  reason: string;
  /** This machine had nothing left to connect with: the backend is not to blame. */
  isLocal: boolean;
}

const TIMEOUT_CODES: ReadonlySet<string> = new Set(['CONNECT_TIMEOUT', 'ANSWER_TIMEOUT', 'BODY_TIMEOUT', 'ETIMEDOUT']);

/** What became of an attempt whose connection broke or could not be made: 504 where it took too long, else 502 (SPEC §4). */
export function toBackendFailure(error: unknown, timeoutMs: number): BackendFailure {
  const code = codeOf(error);
  if (EXHAUSTED_CODES.has(code))
    return {
      fault: localResourcesExhausted(error),
      reason: `no connection left on this machine: ${code}`,
      isLocal: true,
    };
  const fault = TIMEOUT_CODES.has(code) ? backendTimeout(timeoutMs, error) : connectionFailed(error);
  return { fault, reason: REASONS[code] ?? code, isLocal: false };
}

export function connectionFailed(cause?: unknown): AppError {
  return new AppError('upstream_failed', 'Backend connection failed', { cause });
}

export function backendTimeout(timeoutMs: number, cause?: unknown): AppError {
  return new AppError('upstream_timeout', `The backend did not answer within ${timeoutMs / 1000} s. Try again later.`, {
    cause,
  });
}

/** Descriptors, memory of the kernel, or local ports. */
const EXHAUSTED_CODES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

function localResourcesExhausted(cause: unknown): AppError {
  return new AppError('queue_full', 'This server has no connection left. Try again in a few seconds.', {
    retryAfterSeconds: FULL_RETRY_AFTER_SECONDS,
    cause,
  });
}

/** This client, or all clients together, hold as many WebSockets as they may. */
export function tooManyWebSockets(): AppError {
  return new AppError('queue_full', 'Too many WebSockets are open. Close some, or try again in a few seconds.', {
    retryAfterSeconds: FULL_RETRY_AFTER_SECONDS,
  });
}

/** Too many requests wait for this backend: it is not to blame. */
export function isPoolFull(error: unknown): boolean {
  return codeOf(error) === 'POOL_FULL';
}

export function poolFull(): AppError {
  return new AppError('queue_full', 'Too many requests wait for the backend. Try again in a few seconds.', {
    retryAfterSeconds: FULL_RETRY_AFTER_SECONDS,
  });
}

const FULL_RETRY_AFTER_SECONDS = 2;

/** A connection that was kept and that the backend closed at the moment it was used again. */
export function isClosedByPeer(error: unknown): boolean {
  return ['CLOSED_BY_PEER', 'ECONNRESET', 'EPIPE'].includes(codeOf(error));
}

/** The request was not even tried: it has something in it that HTTP does not allow to be sent. */
export function isInvalidRequest(error: unknown): boolean {
  return codeOf(error) === 'REQUEST_REFUSED';
}

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
  ANSWER_TIMEOUT: 'no answer in time',
  BODY_TIMEOUT: 'answer stalled',
  CLOSED_BY_PEER: 'connection closed',
  HEAD_TOO_LARGE: 'headers too large',
  ANSWER_CUT_SHORT: 'answer cut short',
  REQUEST_BODY_LENGTH: 'request cut short',
  ANSWER_INVALID: 'invalid answer',
  POOL_CLOSED: 'server closing',
  ERR_INVALID_CHAR: 'invalid header',
};

/**
 * Errors of several addresses tried at once hold one for each. What a backend did says more than
 * that this machine has no IPv6, say.
 */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const codes = error.errors.map(codeOf);
    return codes.find((code) => !EXHAUSTED_CODES.has(code)) ?? codes[0] ?? 'failed';
  }
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'failed';
}
