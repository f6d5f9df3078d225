import { randomUUID } from 'node:crypto';
import { BodyBuffer, checkContentLength } from '#lib/http/body-budget';

/**
 * What a handler sees of a request: the part of the web's own `Request` that can be had of node:http without making one,
 * which alone would cost more than a cached answer. `server.ts` gives a `NodeRequest`, Next a `WebRequest`.
 */
export interface HttpRequest {
  readonly method: string;
  /** Absolute. Its path and query are what the client sent, its host need not be. */
  readonly url: string;
  readonly headers: RequestHeaders;
  /** Aborts when the client goes before its answer is complete. */
  readonly signal: AbortSignal;
  /** Who the body counts for while it is received. */
  caller: string;
  /** How much of the body `bytes` has read so far. */
  readonly readBytes: number;
  /**
   * The whole body; to be called once. Throws `body_too_large` as soon as it is known to be above
   * `limitBytes`, and `queue_full` where the bodies that are being received leave no room for it.
   */
  bytes(limitBytes: number): Promise<Uint8Array>;
}

export interface RequestHeaders {
  /** By its lower-case name. */
  get(name: string): string | null;
}

/** A web `Request` as Next, Vercel and tests give it. */
export class WebRequest implements HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly signal: AbortSignal;
  caller = 'unknown';
  readBytes = 0;
  readonly #request: Request;

  constructor(request: Request) {
    this.method = request.method;
    this.url = request.url;
    this.headers = request.headers;
    // Some adapters only watch the connection for a signal that was asked for before the first await.
    this.signal = request.signal;
    this.#request = request;
  }

  async bytes(limitBytes: number): Promise<Uint8Array> {
    const { headers, body } = this.#request;
    // The HTTP parser holds a body to its declared length; a body without one is counted while it arrives.
    const declaredBytes = Number(headers.get('content-length') ?? 0);
    checkContentLength(declaredBytes, limitBytes, this.caller);
    if (body === null) return new Uint8Array();
    const growing = new BodyBuffer(this.caller, limitBytes, declaredBytes);
    try {
      for await (const chunk of body) {
        this.readBytes += chunk.byteLength;
        growing.append(chunk);
      }
      return growing.finish();
    } finally {
      growing.release();
    }
  }
}

/** The value of `X-Request-Id` if it can be used as an id: 1 to 128 letters, digits and `._:-`. */
export function parseRequestId(given: string | string[] | null | undefined): string | undefined {
  return typeof given === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(given) ? given : undefined;
}

/** The value of `X-Request-Id` if it can be used as an id, otherwise a new one. */
export function resolveRequestId(given: string | string[] | null | undefined): string {
  return parseRequestId(given) ?? randomUUID();
}
