import type { ClientRequest, Controller } from '#lib/gateway/answer-handler';
import { ClientError } from '#lib/gateway/client-error';
import type { HttpPool } from '#lib/gateway/http-pool';

/** Sends a request and resolves with the status of its answer, once that is complete; what it says is dropped. Rejects after `timeoutMs`. */
export function answerStatus(pool: HttpPool, request: ClientRequest, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let controller: Controller | undefined;
    let late: ClientError | undefined;
    const timer = setTimeout(() => {
      late = new ClientError('ANSWER_TIMEOUT', 'no answer in time');
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
