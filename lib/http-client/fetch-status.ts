import { HttpClientError } from '#lib/http-client/errors';
import type { HttpPool } from '#lib/http-client/pool';
import type { HttpClientRequest, RequestController } from '#lib/http-client/response-handler';

/** Sends a request and resolves with the status of its answer, once that is complete; what it says is dropped. Rejects after `timeoutMs`. */
export function fetchStatus(pool: HttpPool, request: HttpClientRequest, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let controller: RequestController | undefined;
    let late: HttpClientError | undefined;
    const timer = setTimeout(() => {
      late = new HttpClientError('RESPONSE_TIMEOUT', 'no answer in time');
      reject(late);
      (controller ?? waiting)?.abort(late);
    }, timeoutMs);
    const waiting = pool.dispatch(request, {
      onRequestStart: (started) => {
        controller = started;
        if (late !== undefined) started.abort(late);
      },
      onResponseStart: (answered) => {
        status = answered;
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
