import type { Generation } from '#lib/chat/generation/generation';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';

/** Bound on the text of all running responses, as a multiple of the bound on one. */
const MAX_RESPONSES_AT_FULL_SIZE = 3;

interface RunningCall {
  /** The part of the response's log that is counted. */
  countedBytes: number;
  cancelAbortTimer: (() => void) | undefined;
}

/**
 * The work that holds a slot, and the memory of its requests and responses. A generation that has
 * finished may hold its slot until its provider returns; its response counts no more.
 */
export class RunningCalls {
  readonly #calls = new Map<QueuedWork, RunningCall>();
  readonly #maxRequestBytes: number;
  readonly #maxResponseBytes: number;
  #requestBytes = 0;
  #responseBytes = 0;

  constructor(limits: { maxRequestBytes: number; maxResponseBytes: number }) {
    this.#maxRequestBytes = limits.maxRequestBytes;
    this.#maxResponseBytes = limits.maxResponseBytes;
  }

  get size(): number {
    return this.#calls.size;
  }

  [Symbol.iterator](): IterableIterator<QueuedWork> {
    return this.#calls.keys();
  }

  has(work: QueuedWork): boolean {
    return this.#calls.has(work);
  }

  /** Whether there is memory for one more request. A single one may take as much as it needs. */
  fits({ requestBytes }: QueuedWork): boolean {
    return this.#calls.size === 0 || this.#requestBytes + requestBytes <= this.#maxRequestBytes;
  }

  add(work: QueuedWork): void {
    this.#calls.set(work, { countedBytes: 0, cancelAbortTimer: undefined });
    this.#requestBytes += work.requestBytes;
  }

  /** Returns false if it held no slot any more. */
  delete(work: QueuedWork): boolean {
    const call = this.#calls.get(work);
    if (call === undefined) return false;
    call.cancelAbortTimer?.();
    this.#calls.delete(work);
    this.#requestBytes -= work.requestBytes;
    this.#responseBytes -= call.countedBytes;
    return true;
  }

  /** Stops counting the response of a finished generation. */
  uncountResponse(work: QueuedWork): void {
    const call = this.#calls.get(work);
    if (call === undefined) return;
    this.#responseBytes -= call.countedBytes;
    call.countedBytes = 0;
  }

  /** Starts the timer after which the slot is freed without the provider's return. */
  setAbortTimer(work: QueuedWork, start: () => () => void): void {
    const call = this.#calls.get(work);
    if (call !== undefined) call.cancelAbortTimer ??= start();
  }

  /**
   * Counts the growth of a response. Returns the generation that is too large: this one if it is
   * above its own bound, else the largest if all of them together are above theirs.
   */
  countResponse(generation: Generation): QueuedWork | undefined {
    const call = this.#calls.get(generation);
    if (call === undefined) return undefined;
    const { bytes } = generation.log;
    this.#responseBytes += bytes - call.countedBytes;
    call.countedBytes = bytes;
    if (bytes > this.#maxResponseBytes) return generation;
    if (this.#responseBytes <= MAX_RESPONSES_AT_FULL_SIZE * this.#maxResponseBytes) return undefined;
    let largest: QueuedWork = generation;
    let largestBytes = bytes;
    for (const [other, { countedBytes }] of this.#calls)
      if (other.finishedAt === undefined && countedBytes > largestBytes)
        [largest, largestBytes] = [other, countedBytes];
    return largest;
  }
}
