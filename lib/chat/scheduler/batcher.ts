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

/** The group that was released last, and how many requests its batch has. */
export interface OpenBatch {
  readonly group: string;
  readonly size: number;
}

/** Whether a batch may go on with a request that waits behind `first`, the head of the queue. */
export function maySkip(
  { group, size }: OpenBatch,
  first: Pick<Batchable, 'group' | 'skippedSince'>,
  { maxSize, timeoutMs }: BatchLimits,
  now: number,
): boolean {
  if (size >= maxSize || first.group === group || timeoutMs === 0) return false;
  return first.skippedSince === undefined || now - first.skippedSince < timeoutMs;
}

/** Whether `next`, the first request of the batch's group, may go ahead of the head. */
export function mayGoAhead(next: Pick<Batchable, 'level'>, first: Pick<Batchable, 'level'>): boolean {
  return next.level >= first.level;
}

/**
 * Chooses the waiting request for a free slot: the head of the queue, or the next request of the
 * open batch's group, which saves a reload of the model. A batch goes on while it has fewer than
 * `maxSize` requests, the skipped head is not of a higher level, and the head was not skipped for
 * `timeoutMs`. Only waiting requests are considered: a free slot never waits for a batch to fill.
 */
export class Batcher<T extends Batchable> {
  readonly #limits: BatchLimits;
  #open: { readonly group: string; size: number } | undefined;
  #batches = 0;
  #requests = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** `first` is the head of the queue; `nextInGroup` returns the first request of a group. */
  choose(first: T, nextInGroup: (group: string) => T | undefined, now: number): T {
    const chosen = this.#nextInBatch(first, nextInGroup, now) ?? first;
    if (chosen.group === this.#open?.group && this.#open.size < this.#limits.maxSize) this.#open.size += 1;
    else {
      this.#open = { group: chosen.group, size: 1 };
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
    this.#open = undefined;
  }

  get releasedBatches(): { batches: number; requests: number } {
    return { batches: this.#batches, requests: this.#requests };
  }

  #nextInBatch(first: T, nextInGroup: (group: string) => T | undefined, now: number): T | undefined {
    if (this.#open === undefined || !maySkip(this.#open, first, this.#limits, now)) return undefined;
    const next = nextInGroup(this.#open.group);
    if (next === undefined || !mayGoAhead(next, first)) return undefined;
    first.skippedSince ??= now;
    return next;
  }
}
