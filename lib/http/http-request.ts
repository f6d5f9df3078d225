import { Readable } from 'node:stream';
import { BodyBuffer, checkContentLength } from '#lib/http/body-budget';
import { bodyTooLarge } from '#lib/http/body-limit';
import { type BodyStream, boundedStream } from '#lib/http/body-stream';

/**
 * The part of the web's `Request` that handlers use. `server.ts` passes a `NodeRequest`, Next a
 * `WebRequest`. Making a `Request` out of a node:http message would cost more than a cached
 * response.
 */
export interface HttpRequest {
  readonly method: string;
  /** Absolute. Path and query are the client's, the host may be a placeholder. */
  readonly url: string;
  readonly headers: RequestHeaders;
  /** Aborts when the client disconnects before its response is complete. */
  readonly signal: AbortSignal;
  /** Whose memory budget the body is counted in while it is received. */
  caller: string;
  /** How many callers had been locked out before it was authenticated: lib/http/lock-outs.ts. */
  lockOutsBefore: number;
  /** `Principal.session` of the caller. */
  session: string | undefined;
  /** Bytes of the body that `bytes` has read so far. */
  readonly readBytes: number;
  /**
   * Reads the whole body; may be called once. Throws `body_too_large` as soon as the body is known
   * to exceed `limitBytes`, and `queue_full` if the memory for request bodies is used up.
   */
  bytes(limitBytes: number): Promise<Uint8Array>;
  /**
   * The body while it arrives, in place of `bytes`; may be called once. It may take any time as
   * long as bytes arrive. Throws `body_too_large` if its length is known to exceed `limitBytes`.
   */
  stream(limitBytes: number): BodyStream;
}

/** The declared length of a body, if it has one. Throws `body_too_large` above the limit. */
export function declaredLength({ headers }: Pick<HttpRequest, 'headers'>, limitBytes: number): number | undefined {
  const header = headers.get('content-length');
  if (header === null) return undefined;
  const sizeBytes = Number(header);
  if (sizeBytes > limitBytes) throw bodyTooLarge({ limitBytes, sizeBytes });
  return sizeBytes;
}

export interface RequestHeaders {
  /** `name` is in lower case. */
  get(name: string): string | null;
}

/** Adapter of a web `Request`, as Next, Vercel and tests make it. */
export class WebRequest implements HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: RequestHeaders;
  readonly signal: AbortSignal;
  caller = 'unknown';
  lockOutsBefore = 0;
  session: string | undefined;
  readBytes = 0;
  readonly #request: Request;

  constructor(request: Request) {
    this.method = request.method;
    this.url = request.url;
    this.headers = request.headers;
    // Some adapters watch the connection only if the signal is read before the first await.
    this.signal = request.signal;
    this.#request = request;
  }

  async bytes(limitBytes: number): Promise<Uint8Array> {
    const { headers, body } = this.#request;
    // The HTTP parser enforces a declared length. Without one, bytes are counted as they arrive.
    const declaredBytes = Number(headers.get('content-length') ?? 0);
    checkContentLength(declaredBytes, limitBytes, this.caller);
    if (body === null) return new Uint8Array();
    const buffer = new BodyBuffer(this.caller, limitBytes, declaredBytes);
    try {
      for await (const chunk of body) {
        this.readBytes += chunk.byteLength;
        buffer.append(chunk);
      }
      return buffer.finish();
    } finally {
      buffer.release();
    }
  }

  stream(limitBytes: number): BodyStream {
    const declaredBytes = declaredLength(this, limitBytes);
    const { body } = this.#request;
    const source = body === null ? Readable.from([]) : Readable.from(body);
    const content = boundedStream(source, limitBytes, (bytes) => {
      this.readBytes += bytes;
    });
    return { content, declaredBytes };
  }
}
