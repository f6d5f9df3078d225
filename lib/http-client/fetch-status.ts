import { HttpClientError } from '#lib/http-client/errors';
import type { HttpPool } from '#lib/http-client/pool';
import type { HttpClientRequest, RequestController } from '#lib/http-client/response-handler';

/**
 * Sends a request and resolves with the status once the response is complete. Discards its body.
 * Rejects after `timeoutMs`.
 */
export function fetchStatus(pool: HttpPool, request: HttpClientRequest, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let controller: RequestController | undefined;
    let timeout: HttpClientError | undefined;
    const timer = setTimeout(() => {
      timeout = new HttpClientError('RESPONSE_TIMEOUT', 'no response in time');
      reject(timeout);
      (controller ?? waiting)?.abort(timeout);
    }, timeoutMs);
    const waiting = pool.dispatch(request, {
      onRequestStart: (started) => {
        controller = started;
        if (timeout !== undefined) started.abort(timeout);
      },
      onResponseStart: (responseStatus) => {
        status = responseStatus;
      },
      onResponseData: () => {},
      onResponseEnd: () => {
        clearTimeout(timer);
        resolve(status);
      },
      onResponseError: (error) => {
        clearTimeout(timer);
        reject(error);
      },
    });
  });
}
