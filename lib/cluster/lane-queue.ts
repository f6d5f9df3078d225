import { hash } from 'node:crypto';
import { type Job, Queue } from 'bullmq';
import type { ChainableCommander } from 'ioredis';
import { z } from 'zod';
import { priorityOf } from '#lib/chat/scheduler/fair-queueing';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { repliesOf } from '#lib/cluster/replies';
import type { LaneWork } from '#lib/cluster/shared-types';
import type { SharedTurn } from '#lib/cluster/turns';
import { DAY_SECONDS } from '#lib/units';

/** A run that has left the line; with its turn, unless it was served before. */
export interface RemovedRun {
  readonly turn: SharedTurn | undefined;
}

/** The highest priority number of BullMQ. Later runs are served first come, first served. */
export const MAX_SORT_KEY = 2 ** 21;
/** BullMQ's score of a waiting job: its priority, and a count of arrivals below it. */
const ARRIVALS = 2 ** 32;
/** BullMQ reports each step of a job in a stream, which nothing reads. */
const MAX_EVENTS = 100;
const GROUP_CHARS = 12;
/** More than any priority: what seems to be above has a sort key that says nothing of it. */
const MAX_LEVEL = 100;
const READ_AT_ONCE = 100;

const jobDataSchema = z.object({ caller: z.string(), priority: z.number().int(), turn: z.number().int() });

/** Runs of one lane: those that wait, and those that a worker has. */
export interface LaneCounts {
  readonly waiting: number;
  readonly running: number;
}

/** A waiting run as the rule of batches sees it. */
export interface BatchableRun {
  readonly run: string;
  /** `groupOf` of its `batchGroup`. */
  readonly group: string;
  /** Its priority as it stands: that on arrival, and what raised it. */
  readonly level: number;
}

/** A run to add to the line. */
export interface QueuedRun {
  readonly run: string;
  /** `batchGroup` of its generation. */
  readonly group: string;
  readonly sortKey: number;
  readonly turn: SharedTurn;
}

/**
 * The line of one lane: a queue of BullMQ, whose jobs are the ids of runs. Its order is that of the
 * sort keys, and of arrival among equal ones; runs that a worker has lost come first. Every method
 * rejects if Redis does.
 */
export class LaneQueue {
  readonly lane: string;
  readonly #connection: CommandConnection;
  readonly #queue: Queue;
  readonly #prioritized: string;
  readonly #first: string;
  readonly #active: string;

  constructor(connection: CommandConnection, keys: RedisKeys, lane: string) {
    this.lane = lane;
    this.#connection = connection;
    this.#queue = new Queue(lane, {
      connection: connection.client,
      prefix: keys.lines,
      // Of the request path: it fails at once where Redis is away, and asks for nothing before.
      skipWaitingForReady: true,
      skipVersionCheck: true,
      skipMetasUpdate: true,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    // The guard of the connection reports it.
    this.#queue.on('error', () => {});
    this.#prioritized = this.#queue.toKey('prioritized');
    this.#first = this.#queue.toKey('wait');
    this.#active = this.#queue.toKey('active');
  }

  /** Sets how many runs all workers may have at a time, and renews the time to live of the line. */
  async configure(slots: number): Promise<void> {
    const renewing = this.#connection.client.pipeline();
    this.addBound(renewing, slots);
    for (const kind of ['meta', 'pc']) renewing.expire(this.#queue.toKey(kind), DAY_SECONDS);
    this.addRenewal(renewing);
    repliesOf(await renewing.exec());
  }

  /** Adds a run. One that is in the line, or that a worker has, is left as it is. */
  async add({ run, group, sortKey, turn }: QueuedRun): Promise<void> {
    await this.#queue.add(groupOf(group), turn, {
      jobId: jobIdOf(run),
      priority: Math.min(Math.max(sortKey, 1), MAX_SORT_KEY),
    });
  }

  /** Adds a run before all others: it had its turn. */
  async addFirst({ run, group, turn }: Omit<QueuedRun, 'sortKey'>): Promise<void> {
    await this.#queue.add(groupOf(group), turn, { jobId: jobIdOf(run), lifo: true });
  }

  /**
   * Puts a waiting run before all others, and marks it: the priority of its job is 0, which no run
   * has otherwise. Rejects if it has ended meanwhile.
   */
  async moveAhead(run: string): Promise<void> {
    const job = await this.#queue.getJob(jobIdOf(run));
    await job?.changePriority({ priority: 0, lifo: true });
  }

  /**
   * Adds the commands with these replies: how many runs come first, as they were lost or moved
   * ahead, and the head of the others for `readBatchable`.
   */
  addHead(commands: ChainableCommander): void {
    commands.llen(this.#first).zrange(this.#prioritized, '0', '0', 'WITHSCORES');
  }

  /** Waiting runs in their order, from place `from` on; without those that come first. */
  async batchable(from: number, count: number): Promise<BatchableRun[]> {
    const range = [String(from), String(from + count - 1)] as const;
    return await this.readBatchable(await this.#connection.client.zrange(this.#prioritized, ...range, 'WITHSCORES'));
  }

  /** The runs of a reply with scores. Those that were taken meanwhile are left out. */
  async readBatchable(reply: unknown): Promise<BatchableRun[]> {
    const members = z.array(z.string()).parse(reply);
    const commands = this.#connection.client.pipeline();
    for (let index = 0; index < members.length; index += 2)
      commands.hmget(this.#queue.toKey(members[index] ?? ''), 'name', 'data');
    if (commands.length === 0) return [];
    return repliesOf(await commands.exec()).flatMap((found, index) => {
      const [group, data] = z.array(z.string().nullable()).parse(found);
      const turn = readTurn(data);
      if (typeof group !== 'string' || turn === undefined) return [];
      const sortKey = Math.floor(Number(members[2 * index + 1]) / ARRIVALS);
      return [{ run: runOf(members[2 * index] ?? ''), group, level: levelOf(turn, sortKey) }];
    });
  }

  /** Removes a run. `taken` if a worker has it, `gone` if there was none. */
  async remove(run: string): Promise<'taken' | 'gone' | RemovedRun> {
    // Sent in this turn, and so before the removal: both are one trip.
    const reading = this.#connection.client.hmget(this.#queue.toKey(jobIdOf(run)), 'data', 'ats');
    const [[data, attempts], removed] = await Promise.all([reading, this.#queue.remove(jobIdOf(run))]);
    if (data == null) return 'gone';
    if (removed === 0) return 'taken';
    return { turn: Number(attempts ?? 0) === 0 ? readTurn(data) : undefined };
  }

  /** Whether the line or a worker has the run. */
  async has(run: string): Promise<boolean> {
    return (await this.#connection.client.exists(this.#queue.toKey(jobIdOf(run)))) === 1;
  }

  /** Gives a waiting run another sort key. It keeps its time of arrival among equal ones. */
  async move(run: string, change: (sortKey: number) => number): Promise<void> {
    const { client } = this.#connection;
    const id = jobIdOf(run);
    const score = await client.zscore(this.#prioritized, id);
    // It was taken, or comes first already.
    if (score === null) return;
    const sortKey = Math.floor(Number(score) / ARRIVALS);
    const moved = Math.min(Math.max(change(sortKey), 1), MAX_SORT_KEY);
    if (moved === sortKey) return;
    const job = await this.#queue.getJob(id);
    await job?.changePriority({ priority: moved });
    // BullMQ puts it behind equal ones. Nothing happens if it was taken meanwhile.
    await client.zadd(this.#prioritized, 'XX', String(moved * ARRIVALS + (Number(score) % ARRIVALS)), id);
  }

  /**
   * Adds the command that sets how many runs all workers may have at a time, as BullMQ's
   * `setGlobalConcurrency`. It goes before each run: a Redis that has come back empty has no bound.
   */
  addBound(commands: ChainableCommander, slots: number): void {
    const meta = { concurrency: slots, 'opts.maxLenEvents': MAX_EVENTS };
    commands.hset(this.#queue.toKey('meta'), meta);
  }

  /** Adds the commands by which what BullMQ keeps of a line does not outlive its instances. */
  addRenewal(commands: ChainableCommander): void {
    for (const kind of ['id', 'events']) commands.expire(this.#queue.toKey(kind), DAY_SECONDS);
  }

  /** Waiting runs that arrived before this one, which has to wait; undefined if it does not. */
  async countEarlier(run: string): Promise<number | undefined> {
    const id = jobIdOf(run);
    const commands = this.#connection.client
      .pipeline()
      .llen(this.#first)
      .zrange(this.#prioritized, '0', '-1', 'WITHSCORES');
    const [first, found] = repliesOf(await commands.exec());
    const members = z.array(z.string()).parse(found);
    const own = members.indexOf(id);
    if (own === -1) return undefined;
    const arrivalAt = (index: number) => Number(members[index + 1]) % ARRIVALS;
    let earlier = Number(first);
    for (let index = 0; index < members.length; index += 2) if (arrivalAt(index) < arrivalAt(own)) earlier += 1;
    return earlier;
  }

  /** The waiting run of a caller, a digest, that arrived last. */
  async newestOf(caller: string): Promise<string | undefined> {
    const { client } = this.#connection;
    const members = await client.zrange(this.#prioritized, '0', '-1', 'WITHSCORES');
    const arrivals: { readonly id: string; readonly arrival: number }[] = [];
    for (let index = 0; index < members.length; index += 2)
      arrivals.push({ id: members[index] ?? '', arrival: Number(members[index + 1]) % ARRIVALS });
    arrivals.sort((a, b) => b.arrival - a.arrival);
    for (let from = 0; from < arrivals.length; from += READ_AT_ONCE) {
      const commands = client.pipeline();
      const ids = arrivals.slice(from, from + READ_AT_ONCE).map(({ id }) => id);
      for (const id of ids) commands.hget(this.#queue.toKey(id), 'data');
      const found = repliesOf(await commands.exec()).findIndex((data) => readTurn(data)?.caller === caller);
      if (found !== -1) return runOf(ids[found] ?? '');
    }
    return undefined;
  }

  /** Digests of the callers of waiting runs. Those that were taken meanwhile are left out. */
  async callersOf(runs: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const commands = this.#connection.client.pipeline();
    for (const run of runs) commands.hget(this.#queue.toKey(jobIdOf(run)), 'data');
    const replies = commands.length === 0 ? [] : repliesOf(await commands.exec());
    return new Map(
      runs.flatMap((run, at) => {
        const caller = readTurn(replies[at])?.caller;
        return caller === undefined ? [] : [[run, caller]];
      }),
    );
  }

  /** Adds the commands whose three replies `countsOf` reads. */
  addCounts(commands: ChainableCommander): void {
    commands.zcard(this.#prioritized).llen(this.#first).llen(this.#active);
  }

  countsOf([prioritized, first, active]: readonly unknown[]): LaneCounts {
    return { waiting: Number(prioritized) + Number(first), running: Number(active) };
  }

  /** The position of a waiting run from 1, undefined if it does not wait; and the counts. */
  async standing(run: string): Promise<LaneCounts & { readonly position: number | undefined }> {
    const commands = this.#connection.client.pipeline();
    this.addCounts(commands);
    const id = jobIdOf(run);
    commands.zrank(this.#prioritized, id).lpos(this.#first, id);
    const replies = repliesOf(await commands.exec());
    const first = Number(replies[1]);
    return { ...this.countsOf(replies), position: positionOf(first, replies[3], replies[4]) };
  }

  /**
   * Adds the commands with these replies: 1 if the line or a worker has the run, and three that
   * `positionIn` reads.
   */
  addPosition(commands: ChainableCommander, run: string): void {
    const id = jobIdOf(run);
    commands.exists(this.#queue.toKey(id)).llen(this.#first).zrank(this.#prioritized, id).lpos(this.#first, id);
  }

  /** The position of a waiting run from 1; undefined if it does not wait. */
  positionIn([first, rank, index]: readonly unknown[]): number | undefined {
    return positionOf(Number(first), rank, index);
  }

  /** Positions of waiting runs, as `standing`. Those that do not wait are left out. */
  async positions(runs: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const commands = this.#connection.client.pipeline().llen(this.#first);
    for (const run of runs) commands.zrank(this.#prioritized, jobIdOf(run)).lpos(this.#first, jobIdOf(run));
    const [first, ...replies] = repliesOf(await commands.exec());
    return new Map(
      runs.flatMap((run, at) => {
        const position = positionOf(Number(first), replies[2 * at], replies[2 * at + 1]);
        return position === undefined ? [] : [[run, position]];
      }),
    );
  }

  /** Runs from place `from` on behind those that come `first`, which are counted. */
  async page(from: number, count: number): Promise<{ readonly runs: readonly string[]; readonly first: number }> {
    const commands = this.#connection.client.pipeline().llen(this.#first);
    commands.zrange(this.#prioritized, String(from), String(from + count - 1));
    const [first, members] = repliesOf(await commands.exec());
    return { runs: z.array(z.string()).parse(members).map(runOf), first: Number(first) };
  }

  /** The first runs of the line in its order, how many of all come `first`, and the counts. */
  async front(count: number): Promise<LaneCounts & { readonly runs: readonly string[]; readonly first: number }> {
    const commands = this.#connection.client.pipeline();
    this.addCounts(commands);
    commands.lrange(this.#first, -count, -1).zrange(this.#prioritized, '0', String(count - 1));
    const replies = repliesOf(await commands.exec());
    const [first, others] = z.tuple([z.array(z.string()), z.array(z.string())]).parse(replies.slice(3));
    const runs = [...first.reverse(), ...others].slice(0, count).map(runOf);
    return { ...this.countsOf(replies), runs, first: first.length };
  }

  /** The runs that workers have, the first `count` that wait in their order, and the counts. */
  async work(count: number): Promise<Omit<LaneWork, 'lane'> & { readonly counts: LaneCounts }> {
    const [active, { runs: waiting, ...counts }] = await Promise.all([
      this.#connection.client.lrange(this.#active, 0, -1),
      this.front(count),
    ]);
    return { running: active.map(runOf), waiting, counts };
  }

  async counts(): Promise<LaneCounts> {
    const commands = this.#connection.client.pipeline();
    this.addCounts(commands);
    return this.countsOf(repliesOf(await commands.exec()));
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }
}

/** By the rank of a run, or its index among those that come first, of which the last is next. */
function positionOf(first: number, rank: unknown, index: unknown): number | undefined {
  if (typeof rank === 'number') return first + rank + 1;
  return typeof index === 'number' ? first - index : undefined;
}

/** The name of a run's job. */
function groupOf(group: string): string {
  return hash('sha256', group, 'hex').slice(0, GROUP_CHARS);
}

/** What a raise has added is in the sort key, unless that is at a bound or of another turn. */
export function levelOf({ priority, turn }: SharedTurn, sortKey: number): number {
  const level = priorityOf(sortKey, turn);
  return Number.isInteger(level) && Math.abs(level) <= MAX_LEVEL ? level : priority;
}

/** BullMQ takes no ids with a colon, and no numbers: a run may have the id of its client. */
function jobIdOf(run: string): string {
  return `r${run.replaceAll('%', '%25').replaceAll(':', '%3A')}`;
}

export function runOf(jobId: string): string {
  return jobId.slice(1).replaceAll('%3A', ':').replaceAll('%25', '%');
}

/** Undefined for a job of another version. */
export function turnOf(job: Pick<Job, 'data'>): SharedTurn | undefined {
  return jobDataSchema.safeParse(job.data).data;
}

function readTurn(data: unknown): SharedTurn | undefined {
  try {
    return turnOf({ data: JSON.parse(String(data)) });
  } catch {
    // It was taken meanwhile.
    return undefined;
  }
}
