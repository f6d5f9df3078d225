/** A waiting request as the batching rule sees it. */
export interface Batchable {
  /** Requests of one group run one after another without a reload of the model. */
  readonly group: string;
  /** The current priority. A batch never moves a request ahead of one of a higher level. */
  readonly level: number;
  /** When it was first skipped for a batch while at the head of the queue; milliseconds. */
  skippedSince: number | undefined;
}

export interface BatchLimits {
  maxSize: number;
  /** How long one request may be skipped for a batch. */
  timeoutMs: number;
}

/**
 * Chooses the waiting request for a free slot: the head of the queue, or the next request of the
 * open batch's group, which saves a reload of the model. A batch goes on while it has fewer than
 * `maxSize` requests, the skipped head is not of a higher level, and the head was not skipped for
 * `timeoutMs`. Only waiting requests are considered: a free slot never waits for a batch to fill.
 */
export class Batcher<T extends Batchable> {
  readonly #limits: BatchLimits;
  #group: string | undefined;
  #size = 0;
  #batches = 0;
  #requests = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** `first` is the head of the queue; `nextInGroup` returns the first request of a group. */
  choose(first: T, nextInGroup: (group: string) => T | undefined, now: number): T {
    const chosen = this.#nextInBatch(first, nextInGroup, now) ?? first;
    if (chosen.group === this.#group && this.#size < this.#limits.maxSize) this.#size += 1;
    else {
      this.#group = chosen.group;
      this.#size = 1;
      this.#batches += 1;
    }
    this.#requests += 1;
    return chosen;
  }

  /** Counts a request that found a free slot and never waited: a batch of one. */
  recordImmediateStart(): void {
    this.close();
    this.#batches += 1;
    this.#requests += 1;
  }

  /** Closes the open batch: the queue is empty, and the next request begins a new batch. */
  close(): void {
    this.#group = undefined;
    this.#size = 0;
  }

  get releasedBatches(): { batches: number; requests: number } {
    return { batches: this.#batches, requests: this.#requests };
  }

  #nextInBatch(first: T, nextInGroup: (group: string) => T | undefined, now: number): T | undefined {
    if (this.#group === undefined || this.#size >= this.#limits.maxSize || first.group === this.#group)
      return undefined;
    if (first.skippedSince !== undefined && now - first.skippedSince >= this.#limits.timeoutMs) return undefined;
    const next = this.#limits.timeoutMs > 0 ? nextInGroup(this.#group) : undefined;
    if (next === undefined || next.level < first.level) return undefined;
    first.skippedSince ??= now;
    return next;
  }
}
