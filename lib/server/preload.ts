import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { asError } from '#lib/errors';
import { log } from '#lib/telemetry/log';

/**
 * Routes whose first request finds its modules loaded, in the order in which they are: what the
 * pages, load balancers and most clients ask for. Each adds a part to what the ones before needed.
 */
export const PRELOADED_ROUTES = [
  '/health',
  '/api/me',
  '/api/models',
  '/api/v1/health',
  '/api/v1/code/run',
  '/api/chat-optimized',
  '/api/chat-stream',
  '/api/chat-queue',
  '/v1/chat/completions',
  '/v1/models',
  '/api/cache-stats',
  '/api/stats/history',
  '/api/ready',
] as const;

/**
 * Loads these routes while the server serves: between two of them, requests get a turn of the event
 * loop. The other routes are loaded by their first request. `root` is the project's folder.
 */
export async function preload(root: string): Promise<void> {
  for (const path of PRELOADED_ROUTES) {
    const file = join(root, 'app', path, 'route.ts');
    // A request for it fails, too, and its response says so.
    await import(pathToFileURL(file).href).catch((error: unknown) =>
      log().error({ err: asError(error), path }, 'a route could not be loaded'),
    );
    await nextTurn();
  }
}
