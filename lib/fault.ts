import type { z } from 'zod';
import type { FaultCode, FaultDetail } from '#lib/wire/error';

export interface FaultOptions {
  details?: FaultDetail[];
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  retryAfterSeconds?: number;
  /** For the retries and circuit breakers around a model server: never part of an answer. */
  upstream?: UpstreamState;
  /** For the log only: never part of an answer. */
  cause?: unknown;
}

/** What a model server did that is not in the code of its fault. */
export interface UpstreamState {
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
export class Fault extends Error {
  readonly code: FaultCode;
  readonly details: FaultDetail[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly upstream: UpstreamState | undefined;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.upstream = options.upstream;
  }

  /**
   * Two copies of this module can live in one process (see lib/process.ts), so `instanceof` is not enough:
   * what crossed a room is recognised by its shape.
   */
  static is(error: unknown): error is Fault {
    return error instanceof Fault || (error instanceof Error && error.name === 'Fault' && 'code' in error);
  }

  /**
   * One fault that names every field, up to `MOST_DETAILS`, that is valid and that nothing here, or
   * not the chosen model server, can do.
   */
  static unsupportedParameters(all: readonly FaultDetail[]): Fault {
    const details = all.slice(0, MOST_DETAILS);
    const words = details.map(({ field, message }) => `${field} (${message})`);
    if (all.length > MOST_DETAILS) words.push(`and ${all.length - MOST_DETAILS} more`);
    const named = words.join(', ');
    return new Fault('unsupported_parameter', `The request asks for what cannot be done here: ${named}.`, { details });
  }

  /**
   * One fault that names the fields that zod refused: the first of them in its sentence, at most
   * `MOST_DETAILS` in its details. The messages are those of `issueWords`, or a schema's own.
   */
  static fromZod(error: z.ZodError): Fault {
    const all = error.issues.flatMap((issue) => innermost(issue, []));
    const details = all
      .slice(0, MOST_DETAILS)
      .map(({ path, message }) => ({ field: path.join('.') || '(body)', message }));
    const named = details.slice(0, MOST_NAMED).map(({ field, message }) => sentenceOf(field, message));
    // A list is not read beyond so many faults: how many there are is not known then.
    const others = all.length < MOST_DETAILS ? `${all.length - named.length} more` : 'more';
    const more = all.length > named.length ? `; and ${others}` : '';
    return new Fault('invalid_request', `The request is not valid: ${named.join('; ')}${more}.`, { details });
  }
}

const MOST_DETAILS = 50;
const MOST_NAMED = 5;

/**
 * Where a value is one of several kinds and has the right one, what is wrong is further inside. The
 * kind that has the fewest faults is the one that was meant.
 */
function innermost(
  issue: z.core.$ZodIssue,
  outer: readonly PropertyKey[],
): { path: readonly PropertyKey[]; message: string }[] {
  const path = [...outer, ...issue.path];
  if (issue.code === 'invalid_union') {
    const meant = issue.errors
      .filter((errors) => errors.length > 0 && errors.every(isOfRightKind))
      .toSorted((one, other) => one.length - other.length)[0];
    if (meant !== undefined) return meant.flatMap((inner) => innermost(inner, path));
  }
  return [{ path, message: issue.message }];
}

/** Whether the value itself is of the kind that was expected, but too long or wrong inside. */
function isOfRightKind({ path, code }: z.core.$ZodIssue): boolean {
  return path.length > 0 || code === 'too_big';
}

function sentenceOf(field: string, message: string): string {
  return /^(?:is|must|needs|takes|has|cannot|may)\b/.test(message) ? `${field} ${message}` : `${field}: ${message}`;
}
