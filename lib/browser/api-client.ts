import { reportSignal } from '#lib/browser/server-signals';
import { isErrorBody } from '#lib/browser/service-guards';
import type { TypeGuard } from '#lib/browser/type-guards';
import type { ErrorData } from '#lib/wire/error';
import { BROWSER_STRINGS } from './strings.ts';

/** The server's error message, or why the server could not be reached. */
export class ApiError extends Error {
  /** 0 if no response arrived. */
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  /** The figures of the message. */
  readonly data: ErrorData;
  /** The `X-Request-Id` of the response: the server's log has more under it. */
  readonly requestId: string | undefined;

  constructor(
    message: string,
    status: number,
    code: string,
    retryAfterSeconds?: number,
    data: ErrorData = {},
    requestId?: string,
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
    this.data = data;
    this.requestId = requestId;
  }
}

export const UNREACHABLE = 'unreachable';

/**
 * `fetch` that resolves only for a 2xx response. Throws `ApiError` for all others. An abort of
 * `init.signal` is rethrown unchanged.
 */
export async function request(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    reportSignal('unreachable');
    throw new ApiError(BROWSER_STRINGS.unreachable, 0, UNREACHABLE);
  }
  if (response.ok) return response;
  if (response.status === 401) reportSignal('unauthorized');
  throw await errorFrom(response);
}

/** The validated JSON of a response. Throws `ApiError`, also for an unknown shape. */
export async function requestJson<T>(check: TypeGuard<T>, url: string, init: RequestInit = {}): Promise<T> {
  const response = await request(url, init);
  // Cut off, or a page of a proxy: no body passes the check then.
  const body: unknown = await response.json().catch(() => undefined);
  if (check(body)) return body;
  throw new ApiError(BROWSER_STRINGS.unexpectedResponse, response.status, 'unknown_response');
}

export function jsonBody(body: unknown): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

async function errorFrom(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const seconds = Number.isFinite(retryAfter) ? retryAfter : undefined;
  const requestId = response.headers.get('x-request-id') ?? undefined;
  // A proxy's error is a page. Its status is all that is known of it.
  const body: unknown = await response.json().catch(() => undefined);
  if (isErrorBody(body)) return new ApiError(body.error, response.status, body.code, seconds, body.data, requestId);
  const sentence = BROWSER_STRINGS.unexpectedStatus(response.status);
  return new ApiError(sentence, response.status, 'unknown_error', seconds, {}, requestId);
}
