import type { AppError } from '#lib/errors';
import type { BufferLease } from '#lib/http-client/read-buffer';

/**
 * The client's end of an exchange. After `start` come any number of `sendInformational`, then
 * `sendHead`, `write` for each chunk, and `end`. A response that breaks off ends with `abort`
 * instead. If no head was sent, `reject` is the only call.
 */
export interface ResponseSink {
  start(exchange: ExchangeControl): void;
  /** A 1xx response. */
  sendInformational(status: number, headers: string[]): void;
  /** Throws if the client cannot be sent a header. The exchange then calls `reject`. */
  sendHead(status: number, message: string | undefined, headers: string[]): void;
  /** The turn of the head has ended: what waited for its body is sent now. */
  flush(): void;
  /**
   * `chunk` is valid during the call, and longer if `lease` is retained. Returns false to pause
   * the backend until `resume`.
   */
  write(chunk: Buffer, lease: BufferLease | undefined): boolean;
  end(trailers: [string, string][]): void;
  /** Breaks the response off so that its reader notices. */
  abort(): void;
  reject(error: AppError): void;
}

/** What a sink does to its exchange. All calls are ignored once the exchange is over. */
export interface ExchangeControl {
  /** Continues after `write` returned false. */
  resume(): void;
  /** The client has closed: ends the backend's work without a further call to the sink. */
  cancel(): void;
  /** Ends the exchange with an error of the client's side. */
  fail(error: AppError): void;
}
