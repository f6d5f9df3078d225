import { ApiError, UNREACHABLE } from '#lib/browser/api-client';

/** The code of a stream that broke off. Not in `chat-api.ts`, which no first view needs. */
export const CONNECTION_LOST = 'connection_lost';
/** The code of a response that ended because its server stops. Another one may go on with it. */
export const SHUTTING_DOWN = 'shutting_down';

/** About a minute in all; while the browser is offline, no attempt counts. */
const DELAYS_MS = [300, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000, 8_000];

const RESUMABLE: ReadonlySet<string> = new Set([CONNECTION_LOST, UNREACHABLE, SHUTTING_DOWN]);

/**
 * Milliseconds before reconnecting after `error`. Undefined if reconnecting is useless: the server
 * refused, never accepted the request, or failed too often in a row.
 */
export function reconnectDelayMs(error: unknown, attempt: number, accepted: boolean): number | undefined {
  if (!accepted || !(error instanceof ApiError)) return undefined;
  return RESUMABLE.has(error.code) || isElsewhere(error) ? DELAYS_MS[attempt] : undefined;
}

/** A server of several that cannot ask the others for the request at the moment. */
function isElsewhere({ code, data }: ApiError): boolean {
  return code === 'queue_full' && data.reason === 'elsewhere';
}
