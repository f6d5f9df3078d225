import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import type { BatchLimits } from '#lib/chat/scheduler/batcher';
import { sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import { type QueueItem, WaitingQueue } from '#lib/chat/scheduler/waiting-queue';
import { LaneQueue, runOf, turnOf } from '#lib/cluster/lane-queue';
import { SharedBatches } from '#lib/cluster/shared-batches';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { SharedTurns } from '#lib/cluster/turns';

/** The line of one process, or the one in Redis, for the same requests. */
export interface ComparedLine {
  submit(run: string, caller: string, priority: number, group?: string): Promise<void>;
  cancel(run: string): Promise<void>;
  raise(run: string, levels: number): Promise<void>;
  take(): Promise<string | undefined>;
  /** The worker of a taken run dies. */
  crash(run: string): Promise<void>;
  order(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface ComparedLineOptions {
  readonly batch?: BatchLimits;
  readonly now?: () => number;
}

const NO_BATCHES: BatchLimits = { maxSize: 1, timeoutMs: 0 };

/** A run that a worker has lost comes first, the newest of several before, and is free. */
export function localLine({ batch = NO_BATCHES, now = () => 0 }: ComparedLineOptions = {}): ComparedLine {
  const queue = new WaitingQueue<QueueItem>({ maxSize: 10_000, maxBytes: 1e9, maxCallerBytes: 1e9, batch });
  const lost: string[] = [];
  return {
    submit: async (id, caller, priority, group = 'group') => queue.add({ id, caller, priority, group, bytes: 1 }, 0),
    cancel: async (run) => {
      if (lost.includes(run)) lost.splice(lost.indexOf(run), 1);
      else queue.remove(run);
    },
    raise: async (run, levels) => queue.raisePriority(run, levels),
    take: async () => lost.shift() ?? queue.take(now())?.id,
    crash: async (run) => void lost.unshift(run),
    order: async () => [...lost, ...[...queue.waiting()].map(({ item }) => item.id)],
    close: async () => {},
  };
}

/** What `SharedQueue` and `LaneWorker` do in Redis, one at a time. */
export function redisLine(
  link: ClusterLink,
  url: string,
  lane: string,
  { batch = NO_BATCHES, now = () => 0 }: ComparedLineOptions = {},
): ComparedLine {
  const queue = new LaneQueue(link.connection, link.keys, lane);
  const turns = new SharedTurns(link.connection, link.keys);
  const { connection, keys } = link;
  const batches = new SharedBatches({ connection, keys, limits: batch, queueOf: () => queue, now });
  const client = new Redis(url, { maxRetriesPerRequest: null });
  const worker = new Worker(lane, null, { connection: client, prefix: link.keys.lines, stalledInterval: 1 });
  const key = (kind: string) => worker.toKey(kind);
  let taken = 0;
  return {
    submit: async (run, caller, priority, group = 'group') => {
      const turn = { caller, priority, turn: await turns.assign(lane, { caller, priority }) };
      await queue.add({ run, group, sortKey: sortKeyOf(turn.turn, priority), turn });
    },
    cancel: async (run) => {
      const removed = await queue.remove(run);
      expect(removed).not.toBe('taken');
      if (typeof removed === 'object' && removed.turn !== undefined) await turns.refund(lane, removed.turn);
    },
    raise: (run, levels) => queue.move(run, (sortKey) => sortKey + sortKeyOf(0, levels) - sortKeyOf(0, 0)),
    take: async () => {
      await batches.prepare(lane);
      taken += 1;
      const job = await worker.getNextJob(`token ${taken}`, { block: false });
      if (job === undefined) return undefined;
      const turn = turnOf(job);
      if (job.attemptsStarted === 1 && turn !== undefined) await turns.markServed(lane, turn, job.priority > 0);
      const run = runOf(job.id ?? '');
      batches.noteTaken(lane, run, job.name);
      return run;
    },
    crash: async (run) => {
      const active = await client.lrange(key('active'), 0, -1);
      const id = active.find((job) => runOf(job) === run);
      await client.del(key(`${id}:lock`));
      for (let look = 0; look < 2; look++) {
        await client.del(key('stalled-check'));
        await worker.getBackend().moveStalledJobsToWait();
      }
    },
    order: async () => (await queue.front(1_000)).runs,
    close: async () => {
      await worker.close(true);
      await queue.close();
      client.disconnect();
    },
  };
}
