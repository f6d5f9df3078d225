/** An error of the client. Errors of the system have their own codes (`ECONNREFUSED`). */
export type HttpClientErrorCode =
  | 'REQUEST_REFUSED'
  | 'REQUEST_BODY_LENGTH'
  | 'CONNECT_TIMEOUT'
  | 'RESPONSE_TIMEOUT'
  | 'BODY_TIMEOUT'
  | 'CLOSED_BY_PEER'
  | 'RESPONSE_CUT_SHORT'
  | 'RESPONSE_INVALID'
  | 'HEAD_TOO_LARGE'
  | 'POOL_CLOSED'
  | 'POOL_FULL';

/** The message holds nothing of the request or the response, so that it can be logged. */
export class HttpClientError extends Error {
  readonly code: HttpClientErrorCode;

  constructor(code: HttpClientErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
