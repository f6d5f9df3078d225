import type { z } from 'zod';
import type { ErrorCode, ErrorDetail } from '#lib/wire/error';

export interface AppErrorOptions {
  details?: ErrorDetail[];
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  retryAfterSeconds?: number;
  /** For the retries and circuit breakers around a model server: never part of an answer. */
  upstream?: UpstreamFailure;
  /** For the log only: never part of an answer. */
  cause?: unknown;
}

/** What a model server did that is not in the code of its fault. */
export interface UpstreamFailure {
  /** No connection opened, so that none of its models can answer. */
  isUnreached?: boolean;
  /** It answers, and takes no more of these requests for now. */
  isRateLimited?: boolean;
  /** Seconds to wait, in the server's own words. */
  waitSeconds?: number | undefined;
}

/**
 * A failure that is expected: its message is a sentence that the caller can act on, and is sent as it is.
 * It therefore never holds a path, a token or an upstream's credentials. Anything else that is thrown is a bug of ours,
 * and is answered as `internal_error`.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetail[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly upstream: UpstreamFailure | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.upstream = options.upstream;
  }

  /**
   * Two copies of this module can live in one process (see lib/singletons.ts), so `instanceof` is not enough:
   * what crossed a room is recognised by its shape.
   */
  static is(error: unknown): error is AppError {
    return error instanceof AppError || (error instanceof Error && error.name === 'Fault' && 'code' in error);
  }

  /**
   * One fault that names every field, up to `MAX_DETAILS`, that is valid and that nothing here, or
   * not the chosen model server, can do.
   */
  static unsupportedParameters(all: readonly ErrorDetail[]): AppError {
    const details = all.slice(0, MAX_DETAILS);
    const words = details.map(({ field, message }) => `${field} (${message})`);
    if (all.length > MAX_DETAILS) words.push(`and ${all.length - MAX_DETAILS} more`);
    const named = words.join(', ');
    return new AppError('unsupported_parameter', `The request asks for what cannot be done here: ${named}.`, {
      details,
    });
  }

  /**
   * One fault that names the fields that zod refused: the first of them in its sentence, at most
   * `MAX_DETAILS` in its details. The messages are those of `validationMessage`, or a schema's own.
   */
  static fromZod(error: z.ZodError): AppError {
    const all = error.issues.flatMap((issue) => innermostIssues(issue, []));
    const details = all
      .slice(0, MAX_DETAILS)
      .map(({ path, message }) => ({ field: path.join('.') || '(body)', message }));
    const named = details.slice(0, MAX_NAMED_FIELDS).map(({ field, message }) => sentenceOf(field, message));
    // A list is not read beyond so many faults: how many there are is not known then.
    const others = all.length < MAX_DETAILS ? `${all.length - named.length} more` : 'more';
    const more = all.length > named.length ? `; and ${others}` : '';
    return new AppError('invalid_request', `The request is not valid: ${named.join('; ')}${more}.`, { details });
  }
}

const MAX_DETAILS = 50;
const MAX_NAMED_FIELDS = 5;

/**
 * Where a value is one of several kinds and has the right one, what is wrong is further inside. The
 * kind that has the fewest faults is the one that was meant.
 */
function innermostIssues(
  issue: z.core.$ZodIssue,
  outer: readonly PropertyKey[],
): { path: readonly PropertyKey[]; message: string }[] {
  const path = [...outer, ...issue.path];
  if (issue.code === 'invalid_union') {
    const meant = issue.errors
      .filter((errors) => errors.length > 0 && errors.every(hasRightType))
      .toSorted((one, other) => one.length - other.length)[0];
    if (meant !== undefined) return meant.flatMap((inner) => innermostIssues(inner, path));
  }
  return [{ path, message: issue.message }];
}

/** Whether the value itself is of the kind that was expected, but too long or wrong inside. */
function hasRightType({ path, code }: z.core.$ZodIssue): boolean {
  return path.length > 0 || code === 'too_big';
}

function sentenceOf(field: string, message: string): string {
  return /^(?:is|must|needs|takes|has|cannot|may)\b/.test(message) ? `${field} ${message}` : `${field}: ${message}`;
}
