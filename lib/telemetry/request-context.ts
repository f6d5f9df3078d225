import { AsyncLocalStorage } from 'node:async_hooks';

/** The id of the request that the running code works for. */
const requestContext = new AsyncLocalStorage<string>();

/** Runs `work` with `requestId` as the current request, also in what `work` starts. */
export function runWithRequestId<T>(requestId: string, work: () => T): T {
  return requestContext.run(requestId, work);
}

export function currentRequestId(): string | undefined {
  return requestContext.getStore();
}
