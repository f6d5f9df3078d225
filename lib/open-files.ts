import { readFileSync } from 'node:fs';
import type { Config } from '#lib/config/index';

/** Connections of clients, where descriptors would allow more. */
const MOST_CONNECTIONS = 20_000;
/** Where descriptors would allow fewer, the server could not serve a page. */
const LEAST_CONNECTIONS = 32;
/** Descriptors for files, sandboxes and model servers. */
const OTHER_FILES = 128;

/**
 * How many descriptors this process may have; undefined if the system does not tell or sets no
 * limit.
 */
export function openFilesLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    // Only Linux has the file.
    return undefined;
  }
}

/**
 * How many connections clients may have, so that descriptors are left for all else: the pools, and
 * a second one for each WebSocket, which are at most half of the connections.
 */
export function mostConnections(limit: number | undefined, settings: Config): number {
  if (limit === undefined) return MOST_CONNECTIONS;
  const pools = settings.PRIVATE_BACKEND_URL.length * settings.GATEWAY_POOL_SIZE;
  const left = limit - pools - OTHER_FILES;
  const webSockets = pools === 0 ? 0 : Math.min(settings.GATEWAY_MAX_WEBSOCKETS, Math.floor(left / 3));
  return Math.min(MOST_CONNECTIONS, Math.max(LEAST_CONNECTIONS, left - webSockets));
}
