import { chatEngine } from '#lib/chat/engine-singleton';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { restoreResponse } from '#lib/chat/http/responses-adapter';
import { asError } from '#lib/errors';
import { log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';

/** A route does not wait longer for the database. */
const WAIT_MS = 5 * SECOND_MS;

/**
 * Resolves when the requests that were accepted before a restart are known by their ids, or when
 * that takes too long. Undefined if they are, so that later requests wait for nothing.
 */
export function restoredRequests(): Promise<unknown> | undefined {
  const restoring = chatEngine().restore(restoreApi);
  return restoring && inTime(restoring);
}

/**
 * Like `restoredRequests`, for readers of the queue and for requests that join it: resolves when
 * those of before have their places in it, too.
 */
export function restoredQueue(): Promise<unknown> | undefined {
  const engine = chatEngine();
  const restoring = engine.restore(restoreApi);
  if (restoring !== undefined) return inTime(restoring.then(() => engine.resuming));
  const { resuming } = engine;
  return resuming && inTime(resuming);
}

async function inTime(task: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, WAIT_MS).unref();
  await Promise.race([task, promise]).finally(() => clearTimeout(timer));
}

/**
 * Lets the cache and the saved requests use the database, which has been opened. Both open it with
 * their first request if nothing else has. Never rejects.
 */
export async function useDatabase(): Promise<void> {
  await restoredRequests();
  await chatEngine().persistentCache?.open();
}

function restoreApi(name: string, pending: PendingRequest, data: Uint8Array): void {
  try {
    if (name === 'responses') restoreResponse(pending, data);
  } catch (error) {
    log().warn({ request_id: pending.id, err: asError(error) }, 'a stored response could not be read');
  }
}
