import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { SECOND_MS } from '#lib/units';
import { closeIdleConnections, closeServer } from './idle-connections.ts';

const IDLE_SWEEP_MS = 50;
/** Time for open responses to send their last bytes after `notify`. */
const LAST_BYTES_MS = SECOND_MS;

export interface DrainOptions {
  /** Has to end every open response, at the deadline. Without it connections are destroyed then. */
  readonly notify?: (() => unknown) | undefined;
  /** Whether work goes on that has no connection. It is waited for until the deadline. */
  readonly isBusy?: (() => boolean) | undefined;
}

/**
 * The second phase of a graceful shutdown: stops listening, closes connections as they become
 * idle, and resolves when all are closed and no work goes on. After `deadlineMs`, `notify` has to
 * end every open response; connections that are still open a second later are destroyed.
 * `deadlineMs` counts from now on.
 */
export async function drain(server: Server, deadlineMs: number, options: DrainOptions = {}): Promise<void> {
  const { notify, isBusy } = options;
  const closed = closeServer(server);
  // A connection whose response ends meanwhile would stay open for its next request.
  const sweep = setInterval(() => closeIdleConnections(server), IDLE_SWEEP_MS);
  const destroyAll = () => server.closeAllConnections();
  let isOver = false;
  let deadline = setTimeout(() => {
    isOver = true;
    if (notify === undefined) return destroyAll();
    deadline = setTimeout(destroyAll, LAST_BYTES_MS);
    notify();
  }, deadlineMs);
  await closed;
  clearInterval(sweep);
  while (!isOver && isBusy?.() === true) await delay(IDLE_SWEEP_MS);
  clearTimeout(deadline);
}
