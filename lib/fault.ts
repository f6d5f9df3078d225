import type { z } from 'zod';
import type { FaultCode, FaultDetail } from '#lib/wire/error';

export interface FaultOptions {
  details?: FaultDetail[];
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  retryAfterSeconds?: number;
  /** For the log only: never part of an answer. */
  cause?: unknown;
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

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /**
   * Two copies of this module can live in one process (see lib/process.ts), so `instanceof` is not enough:
   * what crossed a room is recognised by its shape.
   */
  static is(error: unknown): error is Fault {
    return error instanceof Fault || (error instanceof Error && error.name === 'Fault' && 'code' in error);
  }

  /** One fault that names every field that zod refused. */
  static fromZod(error: z.ZodError): Fault {
    const details = error.issues.map((issue) => ({ field: issue.path.join('.') || '(body)', message: issue.message }));
    const named = details.map((detail) => `${detail.field}: ${detail.message}`).join('; ');
    return new Fault('invalid_request', `The request is not valid: ${named}.`, { details });
  }
}
