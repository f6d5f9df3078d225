/** What the batching rule needs to know of a request that waits. */
export interface Batchable {
  /** Requests of one group can follow one another without the model being loaded anew. */
  readonly group: string;
  /** Its priority now: a batch never carries a request past one of a higher level. */
  readonly level: number;
  /** Since when it has been first in line and passed over for a batch; milliseconds. */
  skippedSince: number | undefined;
}

export interface BatchLimits {
  maxSize: number;
  /** How long one request may be held back for a batch, in milliseconds. */
  timeoutMs: number;
}

/**
 * Decides which waiting request a free slot takes. Normally the first in line; but a batch that is
 * open goes on with the next of its group, so that a model is not loaded again for every request,
 * as long as it has fewer than `maxSize`, the one that is passed over is not of a higher level, and
 * that one has not been held back for `timeoutMs`. It only ever chooses among requests that already
 * wait, so that a free slot never waits for a batch to fill.
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

  /** `first` is the first in line; `mateOf` gives the first in line of a group. */
  choose(first: T, mateOf: (group: string) => T | undefined, now: number): T {
    const chosen = this.#mate(first, mateOf, now) ?? first;
    if (chosen.group === this.#group && this.#size < this.#limits.maxSize) this.#size += 1;
    else {
      this.#group = chosen.group;
      this.#size = 1;
      this.#batches += 1;
    }
    this.#requests += 1;
    return chosen;
  }

  /** Counts a request that found a free slot and so never waited: a batch of one. */
  recordImmediateStart(): void {
    this.close();
    this.#batches += 1;
    this.#requests += 1;
  }

  /** Ends the open batch: nothing waits any more, so that what comes next is a batch of its own. */
  close(): void {
    this.#group = undefined;
    this.#size = 0;
  }

  get releasedBatches(): { batches: number; requests: number } {
    return { batches: this.#batches, requests: this.#requests };
  }

  #mate(first: T, mateOf: (group: string) => T | undefined, now: number): T | undefined {
    if (this.#group === undefined || this.#size >= this.#limits.maxSize || first.group === this.#group)
      return undefined;
    if (first.skippedSince !== undefined && now - first.skippedSince >= this.#limits.timeoutMs) return undefined;
    const mate = this.#limits.timeoutMs > 0 ? mateOf(this.#group) : undefined;
    if (mate === undefined || mate.level < first.level) return undefined;
    first.skippedSince ??= now;
    return mate;
  }
}
