import { Readable } from 'node:stream';
import type { AppError } from '#lib/errors';
import { forward } from '#lib/gateway/exchange';
import type { Gateway } from '#lib/gateway/gateway';
import { type ClientInfo, headersByToken, requestHeaders } from '#lib/gateway/headers/request-headers';
import { hasBody } from '#lib/gateway/headers/response-headers';
import type { ExchangeControl, ResponseSink } from '#lib/gateway/response-sink';

const HIGH_WATER_MARK_BYTES = 64 * 1024;

/**
 * Forwards a web `Request`, for servers without `node:http` types (Next, Vercel). Paths come as
 * the URL standard normalizes them. Informational responses, trailers and upgrades are not
 * supported.
 *
 * Rejects with the `AppError` of a backend that does not respond. A response that breaks off fails
 * its body.
 */
export function forwardFetchRequest(
  gateway: Gateway,
  request: Request,
  path: string,
  client: ClientInfo,
  addedHeaders: readonly string[],
): Promise<Response> {
  const { method, headers, body } = request;
  // Some adapters watch the connection only for a signal that is read before the first await.
  const { signal } = request;
  return new Promise((resolve, reject) => {
    forward(
      gateway,
      {
        method,
        path,
        headersFor: headersByToken((token) => requestHeaders([...headers].flat(), client, token, false), gateway),
        body: body === null ? null : Readable.from(body, { objectMode: false }),
        trailers: undefined,
        client,
        addedHeaders,
        allowsTrailers: () => false,
      },
      new FetchResponseSink(method, signal, resolve, reject),
    );
  });
}

/** Resolves with a `Response` whose body is a stream with backpressure. */
class FetchResponseSink implements ResponseSink {
  readonly #method: string;
  readonly #signal: AbortSignal;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: AppError) => void;
  #exchange: ExchangeControl | undefined;
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(
    method: string,
    signal: AbortSignal,
    resolve: (response: Response) => void,
    reject: (error: AppError) => void,
  ) {
    this.#method = method;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(exchange: ExchangeControl): void {
    this.#exchange = exchange;
    this.#signal.addEventListener('abort', () => exchange.cancel(), { once: true });
  }

  sendInformational(): void {}

  sendHead(status: number, message: string | undefined, raw: string[]): void {
    const headers = new Headers();
    for (let index = 0; index + 1 < raw.length; index += 2) headers.append(raw[index] ?? '', raw[index + 1] ?? '');
    disableTransforms(headers);
    const body = hasBody(this.#method, status) ? this.#stream() : null;
    this.#resolve(new Response(body, { status, headers, ...(message === undefined ? {} : { statusText: message }) }));
  }

  flush(): void {}

  write(chunk: Buffer): boolean {
    if (this.#body === undefined) return true;
    this.#body.enqueue(new Uint8Array(chunk));
    return (this.#body.desiredSize ?? 0) > 0;
  }

  end(): void {
    this.#body?.close();
  }

  abort(): void {
    this.#body?.error(new Error('the response of the backend broke off'));
  }

  reject(error: AppError): void {
    this.#reject(error);
  }

  #stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller;
        },
        pull: () => this.#exchange?.resume(),
        cancel: () => this.#exchange?.cancel(),
      },
      { highWaterMark: HIGH_WATER_MARK_BYTES, size: (chunk) => chunk.byteLength },
    );
  }
}

/** Adds `no-transform` to an event stream: Next compresses what it may, and then delays events. */
function disableTransforms(headers: Headers): void {
  const control = headers.get('cache-control');
  if (headers.get('content-type')?.startsWith('text/event-stream') !== true) return;
  if (control?.includes('no-transform') !== true)
    headers.set('cache-control', control === null ? 'no-transform' : `${control}, no-transform`);
}
