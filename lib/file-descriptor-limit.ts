import { readFileSync } from 'node:fs';
import type { Config } from '#lib/config/config';

/** Upper limit of client connections, however many descriptors are available. */
const MAX_CLIENT_CONNECTIONS = 20_000;
/** Lower limit of client connections: with fewer, a page does not load. */
const MIN_CLIENT_CONNECTIONS = 32;
/** Reserved for files, sandboxes and model servers. */
const RESERVED_DESCRIPTORS = 128;

/** The soft limit of this process; undefined if the system reports none or sets no limit. */
export function fileDescriptorLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    // Only Linux has /proc.
    return undefined;
  }
}

/**
 * The maximum number of client connections. It leaves descriptors for the gateway's pools and for
 * the second connection of each WebSocket; at most half of the connections are WebSockets.
 */
export function maxClientConnections(limit: number | undefined, settings: Config): number {
  if (limit === undefined) return MAX_CLIENT_CONNECTIONS;
  const pools = settings.PRIVATE_BACKEND_URL.length * settings.GATEWAY_POOL_SIZE;
  const left = limit - pools - RESERVED_DESCRIPTORS;
  const webSockets = pools === 0 ? 0 : Math.min(settings.GATEWAY_MAX_WEBSOCKETS, Math.floor(left / 3));
  return Math.min(MAX_CLIENT_CONNECTIONS, Math.max(MIN_CLIENT_CONNECTIONS, left - webSockets));
}
