import { AsyncLocalStorage } from 'node:async_hooks';

/** For which request the code that runs now works: what a call to a model server says about itself. */
const scope = new AsyncLocalStorage<string>();

/** Everything that `work` starts knows of `requestId`. */
export function runWithRequestId<T>(requestId: string, work: () => T): T {
  return scope.run(requestId, work);
}

export function currentRequestId(): string | undefined {
  return scope.getStore();
}
