import { readFileSync } from 'node:fs';
import type { Config } from '#lib/config/config';

/** Connections of clients, where descriptors would allow more. */
const MAX_CLIENT_CONNECTIONS = 20_000;
/** Where descriptors would allow fewer, the server could not serve a page. */
const MIN_CLIENT_CONNECTIONS = 32;
/** Descriptors for files, sandboxes and model servers. */
const RESERVED_DESCRIPTORS = 128;

/**
 * How many descriptors this process may have; undefined if the system does not tell or sets no
 * limit.
 */
export function fileDescriptorLimit(): number | undefined {
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
export function maxClientConnections(limit: number | undefined, settings: Config): number {
  if (limit === undefined) return MAX_CLIENT_CONNECTIONS;
  const pools = settings.PRIVATE_BACKEND_URL.length * settings.GATEWAY_POOL_SIZE;
  const left = limit - pools - RESERVED_DESCRIPTORS;
  const webSockets = pools === 0 ? 0 : Math.min(settings.GATEWAY_MAX_WEBSOCKETS, Math.floor(left / 3));
  return Math.min(MAX_CLIENT_CONNECTIONS, Math.max(MIN_CLIENT_CONNECTIONS, left - webSockets));
}
