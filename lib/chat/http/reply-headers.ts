import { chatEngine } from '#lib/chat/engine-singleton';
import type { ReadableRequest } from '#lib/chat/generation/request-view';
import { SECOND_MS } from '#lib/units';

/** Response headers that say how a chat request was served. See docs/contract.md. */

type Headers = Record<string, string>;

/** The place in the queue, counted from 1; 0 if the request does not wait. */
export function queuePosition(request: ReadableRequest): number {
  return chatEngine().queueStatusHere(request).queue_position;
}

/**
 * `position` is the one at arrival. The wait is measured once the model has started, and estimated
 * before: the head of a stream may be sent while its request waits.
 */
export function queueHeaders(request: ReadableRequest, position: number): Headers {
  const isWaiting = request.state === 'queued';
  const waitMs = isWaiting ? chatEngine().queueStatusHere(request).estimated_wait_time : request.timings().queued_ms;
  return { 'x-queue-position': String(position), 'x-queue-wait-ms': String(Math.round(waitMs)) };
}

/** Says that a response is made without the other servers: Redis is away. Else empty. */
export function degradedHeader(requests: readonly Pick<ReadableRequest, 'isDegraded'>[]): Readonly<Headers> {
  return requests.some(({ isDegraded }) => isDegraded) ? DEGRADED : {};
}

/** Of a reply that names what is known to this server alone for now. */
export const DEGRADED: Readonly<Headers> = { 'x-degraded': 'redis' };

/** `Age` of a response from the cache, in seconds; empty for another one. */
export function ageHeader({ storedAt, createdAt }: Pick<ReadableRequest, 'storedAt' | 'createdAt'>): Headers {
  return storedAt === undefined ? {} : { age: ageSeconds(storedAt, createdAt) };
}

export function ageSeconds(storedAt: number, now: number): string {
  return String(Math.max(0, Math.floor((now - storedAt) / SECOND_MS)));
}
