import type { Generation } from '#lib/chat/generation/generation';

/** Bound on the text of all running responses, as a multiple of the bound on one. */
const MAX_RESPONSES_AT_FULL_SIZE = 3;

interface RunningCall {
  /** The part of the response's log that is counted. */
  countedBytes: number;
  cancelAbortTimer: (() => void) | undefined;
}

/**
 * The generations that hold a slot, and the memory of their requests and responses. A generation
 * that has finished may hold its slot until its provider returns; its response counts no more.
 */
export class RunningCalls {
  readonly #calls = new Map<Generation, RunningCall>();
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

  [Symbol.iterator](): IterableIterator<Generation> {
    return this.#calls.keys();
  }

  has(generation: Generation): boolean {
    return this.#calls.has(generation);
  }

  /** Whether there is memory for one more request. A single one may take as much as it needs. */
  fits({ requestBytes }: Generation): boolean {
    return this.#calls.size === 0 || this.#requestBytes + requestBytes <= this.#maxRequestBytes;
  }

  add(generation: Generation): void {
    this.#calls.set(generation, { countedBytes: 0, cancelAbortTimer: undefined });
    this.#requestBytes += generation.requestBytes;
  }

  /** Returns false if it held no slot any more. */
  delete(generation: Generation): boolean {
    const call = this.#calls.get(generation);
    if (call === undefined) return false;
    call.cancelAbortTimer?.();
    this.#calls.delete(generation);
    this.#requestBytes -= generation.requestBytes;
    this.#responseBytes -= call.countedBytes;
    return true;
  }

  /** Stops counting the response of a finished generation. */
  uncountResponse(generation: Generation): void {
    const call = this.#calls.get(generation);
    if (call === undefined) return;
    this.#responseBytes -= call.countedBytes;
    call.countedBytes = 0;
  }

  /** Starts the timer after which the slot is freed without the provider's return. */
  setAbortTimer(generation: Generation, start: () => () => void): void {
    const call = this.#calls.get(generation);
    if (call !== undefined) call.cancelAbortTimer ??= start();
  }

  /**
   * Counts the growth of a response. Returns the generation that is too large: this one if it is
   * above its own bound, else the largest if all of them together are above theirs.
   */
  countResponse(generation: Generation): Generation | undefined {
    const call = this.#calls.get(generation);
    if (call === undefined) return undefined;
    const { bytes } = generation.log;
    this.#responseBytes += bytes - call.countedBytes;
    call.countedBytes = bytes;
    if (bytes > this.#maxResponseBytes) return generation;
    if (this.#responseBytes <= MAX_RESPONSES_AT_FULL_SIZE * this.#maxResponseBytes) return undefined;
    let largest = generation;
    let largestBytes = bytes;
    for (const [other, { countedBytes }] of this.#calls)
      if (other.finishedAt === undefined && countedBytes > largestBytes)
        [largest, largestBytes] = [other, countedBytes];
    return largest;
  }
}
