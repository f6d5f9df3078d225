import { ApiError, UNREACHABLE } from '#lib/browser/api-client';

/** The code of a stream that broke off. Not in `chat-api.ts`, which no first view needs. */
export const CONNECTION_LOST = 'connection_lost';

/** About a minute in all; while the browser is offline, no attempt counts. */
const DELAYS_MS = [300, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000, 8_000];

/**
 * Milliseconds before reconnecting after `error`. Undefined if reconnecting is useless: the server
 * refused, never accepted the request, or failed too often in a row.
 */
export function reconnectDelayMs(error: unknown, attempt: number, accepted: boolean): number | undefined {
  if (!accepted || !(error instanceof ApiError)) return undefined;
  const isNetwork = error.code === CONNECTION_LOST || error.code === UNREACHABLE;
  return isNetwork ? DELAYS_MS[attempt] : undefined;
}
