import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { GenerationEvent, QueueStatusEvent } from '#lib/chat/generation/generation-log';

/**
 * The place in the queue as a comment of a server-sent event stream, which clients skip:
 * `: queued position=3 wait_ms=4000`. The position counts from 1, the wait is an estimate.
 */
function queueComment({ queue_position: position, estimated_wait_time: waitMs }: QueueStatusEvent): string {
  return `: queued position=${position} wait_ms=${Math.round(waitMs)}\n\n`;
}

/** The heartbeat of a request that does not wait in the queue. */
const WAITING = ': waiting\n\n';

/** The server does not reach the one that works on the request. */
const LOST = ': connection to the other servers lost, waiting\n\n';

/** The comments of one stream: its heartbeat repeats the last known place in the queue. */
export class QueueComments {
  heartbeat = WAITING;

  /** The comment for a change of the request's state; empty if that is to run. */
  next(event: GenerationStatus): string {
    if (event.connection_lost === true) {
      this.heartbeat = LOST;
      return LOST;
    }
    this.heartbeat = event.status === 'queued' ? queueComment(event) : WAITING;
    return event.status === 'queued' ? this.heartbeat : '';
  }
}

type GenerationStatus = Extract<GenerationEvent, { type: 'status' }>;

/** An encoder of events whose stream has comments with the place in the queue. */
export function commentedEncoder(comments: QueueComments, encode: StreamEncoder['encode']): StreamEncoder {
  return {
    preamble: '',
    get heartbeat() {
      return comments.heartbeat;
    },
    encode,
  };
}
