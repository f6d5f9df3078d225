import { ApiError, UNREACHABLE } from '#lib/browser/api-client';
import { CONNECTION_LOST } from './chat-api.ts';

const DELAYS_MS = [300, 1_000, 2_000, 4_000, 8_000];

/**
 * How long to wait before a stream that ended with `error` is taken up again, in ms; undefined where that is of no use:
 * the server refused it, never had it (`accepted` is false), or it failed too often in a row.
 */
export function reconnectDelayMs(error: unknown, attempt: number, accepted: boolean): number | undefined {
  if (!accepted || !(error instanceof ApiError)) return undefined;
  const isNetwork = error.code === CONNECTION_LOST || error.code === UNREACHABLE;
  return isNetwork ? DELAYS_MS[attempt] : undefined;
}
