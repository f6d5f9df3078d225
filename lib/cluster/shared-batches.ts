import { type BatchLimits, mayGoAhead, maySkip, type OpenBatch } from '#lib/chat/scheduler/batcher';
import type { RedisKeys } from '#lib/cluster/keys';
import type { BatchableRun, LaneQueue } from '#lib/cluster/lane-queue';
import type { CommandConnection } from '#lib/cluster/redis';
import { execute, repliesOf } from '#lib/cluster/replies';
import { DAY_SECONDS, SECOND_MS } from '#lib/units';

/** How far from the head a batch looks for its next run, and how many it reads at once. */
const REACH = 1_000;
const READ_AT_ONCE = 100;

export interface SharedBatchesOptions {
  readonly connection: CommandConnection;
  readonly keys: RedisKeys;
  readonly limits: BatchLimits;
  readonly queueOf: (lane: string) => LaneQueue;
  /** Milliseconds, by one clock for all instances; that of Redis if absent. */
  readonly now?: () => number;
}

/**
 * The rule of `Batcher` over all instances. BullMQ gives a free slot to the head of the line, so a
 * run whose batch goes on is put before it: by the worker whose run ends, just before that frees
 * its slot. Which group was taken last, and how often in a row, is in Redis.
 *
 * Two runs that end at the same moment prepare the line for the same one: the other slot takes the
 * head. Thus a batch may be shorter than in one process, and never is longer; a head that was
 * skipped for `timeoutMs` is not skipped again.
 */
export class SharedBatches {
  readonly #options: SharedBatchesOptions;
  readonly #now: () => number;
  /** The last count of each lane that is on its way. */
  readonly #counting = new Map<string, Promise<void>>();
  #joined = 0;

  constructor(options: SharedBatchesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => options.connection.now());
  }

  /** Runs of this instance that went on with a batch. */
  get joined(): number {
    return this.#joined;
  }

  /** A worker of this instance works on a run of a group. Never throws. */
  noteTaken(lane: string, run: string, group: string): void {
    if (!this.#isOn) return;
    const counting = this.#count(lane, run, group)
      // The guard has recorded the failure: the next batch may be another one than in one process.
      .catch(() => {})
      .finally(() => {
        if (this.#counting.get(lane) === counting) this.#counting.delete(lane);
      });
    this.#counting.set(lane, counting);
  }

  /** A slot of this instance is about to be free. Never rejects. */
  async prepare(lane: string): Promise<void> {
    if (!this.#isOn || !this.#options.connection.isUsable) return;
    try {
      await this.#counting.get(lane);
      await this.#prepare(lane);
    } catch {
      // The guard has recorded a failure of Redis, or the run has just ended: the head is next.
    }
  }

  get #isOn(): boolean {
    const { maxSize, timeoutMs } = this.#options.limits;
    return maxSize > 1 && timeoutMs > 0;
  }

  async #count(lane: string, run: string, group: string): Promise<void> {
    const { connection, keys, limits, queueOf } = this.#options;
    const [batch, one] = [keys.batch(lane), keys.batchOne(lane)];
    const counting = connection.client
      .multi()
      // The intersection keeps the count of this group, and of no other.
      .zadd(one, 0, group)
      .zinterstore(batch, 2, batch, one)
      .del(one)
      .zincrby(batch, 1, group)
      .expire(batch, DAY_SECONDS)
      .zrem(keys.skipped(lane), run);
    queueOf(lane).addCounts(counting);
    const replies = await execute(counting);
    if (sizeOf(Number(replies[3]), limits) > 1) this.#joined += 1;
    // The next run finds an empty line: it begins a batch.
    if (queueOf(lane).countsOf(replies.slice(-3)).waiting === 0) await connection.client.del(batch);
  }

  async #prepare(lane: string): Promise<void> {
    const { connection, keys, limits, queueOf } = this.#options;
    const queue = queueOf(lane);
    const reading = connection.client.pipeline().zrange(keys.batch(lane), '0', '-1', 'WITHSCORES');
    queue.addHead(reading);
    const [counted, first, head] = repliesOf(await reading.exec());
    const batch = openBatch(counted, limits);
    // One that was lost, or moved ahead already, is next.
    if (batch === undefined || batch.size >= limits.maxSize || Number(first) > 0) return;
    const [skipped] = await queue.readBatchable(head);
    if (skipped === undefined || skipped.group === batch.group) return;
    const since = await connection.client.zscore(keys.skipped(lane), skipped.run);
    const now = this.#now();
    const skippedSince = since === null ? undefined : Number(since);
    if (!maySkip(batch, { group: skipped.group, skippedSince }, limits, now)) return;
    const next = await this.#firstOf(batch.group, queue);
    if (next === undefined || !mayGoAhead(next, skipped)) return;
    // Known before it happens: a head is never skipped for longer.
    await this.#noteSkipped(keys.skipped(lane), skipped.run, now);
    await queue.moveAhead(next.run);
  }

  async #firstOf(group: string, queue: LaneQueue): Promise<BatchableRun | undefined> {
    for (let from = 0; from < REACH; from += READ_AT_ONCE) {
      const runs = await queue.batchable(from, READ_AT_ONCE);
      const found = runs.find((run) => run.group === group);
      if (found !== undefined || runs.length === 0) return found;
    }
    return undefined;
  }

  async #noteSkipped(key: string, run: string, now: number): Promise<void> {
    const noting = this.#options.connection.client.multi().zadd(key, 'NX', Math.round(now), run);
    // Runs that were cancelled leave theirs behind.
    noting.zremrangebyscore(key, '-inf', now - DAY_SECONDS * SECOND_MS).expire(key, DAY_SECONDS);
    await execute(noting);
  }
}

/** Undefined without one. */
function openBatch(counted: unknown, limits: BatchLimits): OpenBatch | undefined {
  const [group, inARow] = Array.isArray(counted) ? counted : [];
  return typeof group === 'string' ? { group, size: sizeOf(Number(inARow), limits) } : undefined;
}

/** A batch with the most runs that it may have is followed by a new one of its group. */
function sizeOf(inARow: number, { maxSize }: BatchLimits): number {
  return ((inARow - 1) % maxSize) + 1;
}
