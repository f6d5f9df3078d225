import type { CapacityCheck, QueueBounds } from '#lib/chat/scheduler/queue-bounds';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { MemoryAccounting } from '#lib/memory-accounting';
import { MIB } from '#lib/units';

/** Share of QUEUE_MAX_MB that one caller may hold, so that some is always left for another. */
export const CALLER_SHARE = 1 / 2;

/** Lets requests into the queue within its bounds, or refuses them. */
export class QueueAdmission<T extends QueuedWork> {
  readonly #settings: Pick<Config, 'QUEUE_MAX_SIZE' | 'QUEUE_MAX_MB'>;
  readonly #bounds: QueueBounds<T>;
  /** Milliseconds until a request of the full queue starts. */
  readonly #nextStartMs: () => number;
  /** Bytes of requests that are neither in line nor running yet, by caller. */
  readonly #arriving = new MemoryAccounting();

  constructor(
    settings: Pick<Config, 'QUEUE_MAX_SIZE' | 'QUEUE_MAX_MB'>,
    bounds: QueueBounds<T>,
    nextStartMs: () => number,
  ) {
    this.#settings = settings;
    this.#bounds = bounds;
    this.#nextStartMs = nextStartMs;
  }

  /**
   * Counts a large request whose model is not resolved yet. Returns the function that stops the
   * count. Throws `queue_full` if there is no memory for it.
   */
  reserve(caller: string, bytes: number): () => void {
    this.makeRoom(caller, bytes, false);
    this.#arriving.add(caller, bytes);
    return () => this.#arriving.release(caller, bytes);
  }

  /** Displaces requests of callers who hold more. Throws `queue_full` if there are none. */
  makeRoom(caller: string, bytes: number, takesPlace: boolean, mayDisplace = true): void {
    const reserved = { total: this.#arriving.total, caller: this.#arriving.bytesOf(caller) };
    const check = (isDisplaceable: (work: T) => boolean) =>
      this.#bounds.checkCapacity({ caller, bytes, takesPlace, reserved, isDisplaceable });
    let capacity = check((work) => mayDisplace && !work.isShared);
    // Else a client with two addresses could join its own requests, and none could be displaced.
    if ('full' in capacity && capacity.full !== 'caller') capacity = check(() => mayDisplace);
    if ('full' in capacity) throw this.#queueFull(capacity.full);
    for (const work of capacity.displaced) work.finish({ type: 'error', error: this.#queueFull('displaced') });
  }

  #queueFull(reason: QueueFullReason): AppError {
    return queueFullError(reason, this.#settings, this.#bounds.size, this.#nextStartMs());
  }
}

/** Which bound of the queue was reached, or that another caller has displaced the request. */
export type QueueFullReason = 'displaced' | Extract<CapacityCheck<never>, { full: string }>['full'];

/** The error that refuses a request, with the requests that wait and the time until one starts. */
export function queueFullError(
  reason: QueueFullReason,
  { QUEUE_MAX_SIZE: size, QUEUE_MAX_MB: megabytes }: Pick<Config, 'QUEUE_MAX_SIZE' | 'QUEUE_MAX_MB'>,
  queueLength: number,
  nextStartMs: number,
): AppError {
  const seconds = Math.ceil(nextStartMs / 1000);
  const message = {
    requests: `The queue is full (${size} waiting). Try again in about ${seconds} s.`,
    bytes: `The queue is full (${megabytes} MB waiting). Try again in about ${seconds} s, or with smaller images.`,
    caller: `Your queued requests are at their limit of ${megabytes * CALLER_SHARE} MB. Try again when some are done.`,
    displaced: `The queue is full, and this was the newest request of its largest user. Try again in about ${seconds} s.`,
  }[reason];
  return new AppError('queue_full', message, {
    retryAfterSeconds: seconds,
    data: {
      ...{ reason, queue_length: queueLength, retry_after_seconds: seconds },
      ...(reason === 'caller' ? { limit_bytes: megabytes * MIB * CALLER_SHARE } : {}),
    },
  });
}
