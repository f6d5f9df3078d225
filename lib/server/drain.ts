import type { Server } from 'node:http';
import { SECOND_MS } from '#lib/units';

const IDLE_SWEEP_MS = 50;
/** Time for open responses to send their last bytes after `notify`. */
const LAST_BYTES_MS = SECOND_MS;

/**
 * Graceful shutdown: stops listening, closes connections as they become idle, and resolves when
 * all are closed. After `deadlineMs`, `notify` has to end every open response; connections that
 * are still open a second later are destroyed. Without `notify` they are destroyed at the
 * deadline.
 */
export async function drain(server: Server, deadlineMs: number, notify?: () => unknown): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection whose response ends meanwhile would stay open for its next request.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const destroyAll = () => server.closeAllConnections();
  let deadline = setTimeout(() => {
    if (notify === undefined) return destroyAll();
    deadline = setTimeout(destroyAll, LAST_BYTES_MS);
    notify();
  }, deadlineMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(deadline);
}
