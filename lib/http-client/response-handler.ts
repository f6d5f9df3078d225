import type { Readable } from 'node:stream';
import type { BufferLease } from '#lib/http-client/read-buffer';

/** A request as the HTTP client sends it. */
export interface HttpClientRequest {
  method: string;
  /** Path and query. */
  path: string;
  /** Names and values in turn, without those that belong to the connection: `Host`, `Connection`, `Transfer-Encoding` and their kind. */
  headers: readonly string[];
  /** Sent as long as `Content-Length` says where it is among the headers, and otherwise in chunks. */
  body: Readable | null;
  /**
   * What follows the last chunk, names and values in turn: asked for once the body has ended, and not at all where that has a length.
   * Trailers that cannot be sent fail the request with `REQUEST_REFUSED`, and the backend never sees its end.
   */
  trailers?: (() => readonly string[]) | undefined;
  /** Who shares the connections with others; requests without a name are one client's. */
  caller?: string | undefined;
}

/** One request's hold on its connection. Does nothing once the request is over, whoever has the connection then. */
export interface RequestController {
  /** Asks for no more of the answer; what was read already still comes. No timeout runs meanwhile. */
  pause(): void;
  resume(): void;
  /** Ends the request and its connection; `onResponseError` is called with `reason`. */
  abort(reason: Error): void;
}

/**
 * What is told about one request. `onRequestStart` comes first, where a connection could be had; then `onResponseStart` for any number of
 * informational answers and for the answer; then its data. Exactly one of `onResponseEnd` and `onResponseError` comes last.
 * What a method throws before that becomes the request's error.
 */
export interface ResponseHandler {
  onRequestStart(controller: RequestController): void;
  /** `headers`: names and values in turn, in their order and spelling, as latin1. */
  onResponseStart(status: number, message: string, headers: string[]): void;
  /** `chunk` is only there during the call: whoever keeps it copies it, or holds its `lease` until it is done with it. */
  onResponseData(chunk: Buffer, lease: BufferLease): void;
  onResponseEnd(trailers: string[]): void;
  onResponseError(error: Error): void;
}
