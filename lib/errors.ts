import type { z } from 'zod';
import type { ErrorCode, ErrorData, ErrorDetail } from '#lib/wire/error';

export interface AppErrorOptions {
  details?: ErrorDetail[];
  /** The figures of the sentence, with their unit in the name. */
  data?: ErrorData;
  /** Sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** Instead of the message, for the people who run the server: with the command or setting. */
  operatorMessage?: string | undefined;
  /** For retries and circuit breakers; never part of a response. */
  upstream?: UpstreamFailure;
  /** For the log; never part of a response. */
  cause?: unknown;
}

/** What a model server did, as far as the error's code does not say it. */
export interface UpstreamFailure {
  /** No connection opened, so none of the server's models is available. */
  isUnreached?: boolean;
  /** The server is up and rejects more requests for now. */
  isRateLimited?: boolean;
  /** The server's own `Retry-After`. */
  waitSeconds?: number | undefined;
}

/**
 * An expected failure. Its message is sent to the caller as it is, so the message never holds a
 * path, a token or an upstream's credentials. Any other thrown value is a bug, and is reported as
 * `internal_error`.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetail[] | undefined;
  readonly data: ErrorData | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly operatorMessage: string | undefined;
  readonly upstream: UpstreamFailure | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = ERROR_NAME;
    this.code = code;
    this.details = options.details;
    this.data = options.data;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.operatorMessage = options.operatorMessage;
    this.upstream = options.upstream;
  }

  /** The same error with the sentence for the people who run the server, if it has one. */
  forOperators(): AppError {
    const { code, operatorMessage, details, data, retryAfterSeconds, upstream } = this;
    if (operatorMessage === undefined) return this;
    return new AppError(code, operatorMessage, {
      ...(details === undefined ? {} : { details }),
      ...(data === undefined ? {} : { data }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      ...(upstream === undefined ? {} : { upstream }),
      cause: this,
    });
  }

  /** The same error with more figures. */
  withData(data: ErrorData): AppError {
    const { code, message, details, retryAfterSeconds, operatorMessage, upstream } = this;
    return new AppError(code, message, {
      operatorMessage,
      ...(details === undefined ? {} : { details }),
      data: { ...this.data, ...data },
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      ...(upstream === undefined ? {} : { upstream }),
      cause: this,
    });
  }

  /**
   * Recognises an error by its shape: `instanceof` alone fails when two copies of this module are
   * loaded (see lib/singletons.ts).
   */
  static is(error: unknown): error is AppError {
    return error instanceof AppError || (error instanceof Error && error.name === ERROR_NAME && 'code' in error);
  }

  /**
   * One error for all valid fields that this server, or the chosen model server, does not support.
   */
  static unsupportedParameters(all: readonly ErrorDetail[]): AppError {
    const details = all.slice(0, MAX_DETAILS);
    const phrases = details.map(({ field, message }) => `${field} (${message})`);
    if (all.length > MAX_DETAILS) phrases.push(`and ${all.length - MAX_DETAILS} more`);
    const sentence = `The request asks for what cannot be done here: ${phrases.join(', ')}.`;
    return new AppError('unsupported_parameter', sentence, { details });
  }

  /**
   * One error for all fields that zod rejected. The message names at most `MAX_NAMED_FIELDS` of
   * them, the details hold at most `MAX_DETAILS`.
   */
  static fromZod(error: z.ZodError): AppError {
    const all = error.issues.flatMap((issue) => innermostIssues(issue, []));
    const details = all
      .slice(0, MAX_DETAILS)
      .map(({ path, message }) => ({ field: path.join('.') || '(body)', message }));
    const named = details.slice(0, MAX_NAMED_FIELDS).map(({ field, message }) => sentenceOf(field, message));
    // Validation of a list stops after MAX_DETAILS issues, so the total is unknown then.
    const others = all.length < MAX_DETAILS ? `${all.length - named.length} more` : 'more';
    const more = all.length > named.length ? `; and ${others}` : '';
    return new AppError('invalid_request', `The request is not valid: ${named.join('; ')}${more}.`, { details });
  }
}

/** The thrown value itself if it is an `Error`, else an `Error` with its text. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

const ERROR_NAME = 'AppError';
const MAX_DETAILS = 50;
const MAX_NAMED_FIELDS = 5;

/**
 * Descends into a union: if the value matches one alternative's type, the issues inside that
 * alternative are reported. The alternative with the fewest issues is the intended one.
 */
function innermostIssues(
  issue: z.core.$ZodIssue,
  outer: readonly PropertyKey[],
): { path: readonly PropertyKey[]; message: string }[] {
  const path = [...outer, ...issue.path];
  if (issue.code === 'invalid_union') {
    const intended = issue.errors
      .filter((errors) => errors.length > 0 && errors.every(hasRightType))
      .toSorted((one, other) => one.length - other.length)[0];
    if (intended !== undefined) return intended.flatMap((inner) => innermostIssues(inner, path));
  }
  return [{ path, message: issue.message }];
}

/** Whether the value has the expected type, and is only too long or wrong inside. */
function hasRightType({ path, code }: z.core.$ZodIssue): boolean {
  return path.length > 0 || code === 'too_big';
}

function sentenceOf(field: string, message: string): string {
  return /^(?:is|must|needs|takes|has|cannot|may)\b/.test(message) ? `${field} ${message}` : `${field}: ${message}`;
}
