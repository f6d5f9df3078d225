import type { QueueStatusEvent } from '#lib/chat/generation/generation-log';

/**
 * The place in the queue as a comment of a server-sent event stream, which clients skip:
 * `: queued position=3 wait_ms=4000`. The position counts from 1, the wait is an estimate.
 */
export function queueComment({ queue_position: position, estimated_wait_time: waitMs }: QueueStatusEvent): string {
  return `: queued position=${position} wait_ms=${Math.round(waitMs)}\n\n`;
}
