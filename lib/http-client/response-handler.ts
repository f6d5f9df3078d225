import type { Readable } from 'node:stream';
import type { BodySource } from '#lib/http-client/body-source';
import type { BufferLease } from '#lib/http-client/read-buffer';

export interface HttpClientRequest {
  method: string;
  /** Path and query. */
  path: string;
  /**
   * Names and values in turn, without the headers of the connection: `Host`, `Connection`,
   * `Transfer-Encoding` and the like.
   */
  headers: readonly string[];
  /**
   * Read once the request has a connection. Sent with its `Content-Length` if the headers have one,
   * otherwise chunked.
   */
  body: Readable | BodySource | null;
  /** A whole body, sent in UTF-8 with its `Content-Length`, instead of `body`. */
  text?: string | undefined;
  /**
   * Returns the trailers of a chunked body, names and values in turn. Called after the body has
   * ended. Invalid trailers fail the request with `REQUEST_REFUSED`, and the server receives no
   * end of the body.
   */
  trailers?: (() => readonly string[]) | undefined;
  /** Who shares the connections with other callers. Requests without one count as one caller. */
  caller?: string | undefined;
}

/** Controls one request. All calls are ignored once the request is over. */
export interface RequestController {
  /**
   * Stops reading. Bytes that were read already are still delivered. No timeout runs meanwhile.
   */
  pause(): void;
  resume(): void;
  /** Closes the connection. `onResponseError` is called with `reason`. */
  abort(reason: Error): void;
}

/**
 * Receives the events of one request. `onRequestStart` is first, once the request has a
 * connection. `onResponseStart` follows for each informational response and for the response, then
 * `onResponseData`. Exactly one of `onResponseEnd` and `onResponseError` is last. An error that an
 * earlier method throws ends the request with that error.
 */
export interface ResponseHandler {
  onRequestStart(controller: RequestController): void;
  /** `headers`: names and values in turn, in received order and spelling, as latin1. */
  onResponseStart(status: number, message: string, headers: string[]): void;
  /** `chunk` is valid during the call, and longer if `lease` is retained. */
  onResponseData(chunk: Buffer, lease: BufferLease): void;
  onResponseEnd(trailers: string[]): void;
  onResponseError(error: Error): void;
}
