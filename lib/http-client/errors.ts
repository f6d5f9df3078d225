/** What can go wrong between this server and a backend that is no error of the system's own. */
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

/** An error of the HTTP client; its message has nothing of the request or the answer in it. */
export class HttpClientError extends Error {
  readonly code: HttpClientErrorCode;

  constructor(code: HttpClientErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
