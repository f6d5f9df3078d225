import type { Dispatcher } from 'undici';
import type { BufferLease } from '#lib/http-client/read-buffer';
import type { ResponseHandler } from '#lib/http-client/response-handler';
import { toRawHeaders } from '#lib/upstream-http/response-headers';

/** Passes the events of an undici request to a handler of `lib/http-client`. */
export class ProxiedHandler implements Dispatcher.DispatchHandler {
  readonly #handler: ResponseHandler;

  constructor(handler: ResponseHandler) {
    this.#handler = handler;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#handler.onRequestStart(controller);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    message = '',
  ): void {
    this.#handler.onResponseStart(status, message, toRawHeaders(headers));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.onResponseData(chunk, NO_LEASE);
  }

  onResponseEnd(): void {
    this.#handler.onResponseEnd([]);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#handler.onResponseError(error);
  }
}

const NO_LEASE: BufferLease = { retain: () => undefined };
