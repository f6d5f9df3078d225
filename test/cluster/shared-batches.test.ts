import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type QueueItem, WaitingQueue } from '#lib/chat/scheduler/waiting-queue';
import type { ClusterLink, RunProcessor } from '#lib/cluster/shared-types';
import { localLine, redisLine } from '../support/compared-lines.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { counter, generationOf, LineGroup, linkTo, SLOT_BATCHES, type TestLine } from '../support/shared-line.ts';

/** Batches of the line in Redis against those of one process, with the same requests. */
let redis: RedisServer;
let link: ClusterLink & { close(): void };
const lines = new LineGroup();
const eventually = { timeout: 20_000, interval: 10 };

beforeAll(async () => {
  redis = await startRedis();
  link = await linkTo(redis.port, 'batches');
});

afterEach(() => lines.close());

afterAll(async () => {
  link.close();
  await redis.close();
});

let compared = 0;

function both(maxSize: number, timeoutMs: number, now: () => number) {
  compared += 1;
  const options = { batch: { maxSize, timeoutMs }, now };
  return [localLine(options), redisLine(link, redis.url, `batches${compared}`, options)] as const;
}

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      caller: fc.nat(2),
      priority: fc.constantFrom(0, 0, 0, 1),
      group: fc.constantFrom('a', 'a', 'b', 'c'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), afterMs: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), at: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('raise' as const), at: fc.nat(30), levels: fc.nat(2) }) },
);

it('takes what one process takes, whatever is submitted, cancelled and raised in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 10, maxLength: 80 }),
      fc.constantFrom(2, 3, 8),
      async (operations, maxSize) => {
        let nowMs = 1_000;
        const [local, shared] = both(maxSize, 1_000, () => nowMs);
        let runs = 0;
        try {
          for (const one of operations) {
            const waiting = await local.order();
            if (one.do === 'submit') {
              runs += 1;
              const submitted = [`run ${runs}`, `caller ${one.caller}`, one.priority, one.group] as const;
              await Promise.all([local.submit(...submitted), shared.submit(...submitted)]);
            } else if (one.do === 'take') {
              nowMs += one.afterMs;
              expect(await shared.take()).toBe(await local.take());
            } else {
              const run = waiting[one.at % Math.max(1, waiting.length)];
              if (run === undefined) continue;
              for (const line of [local, shared])
                await (one.do === 'cancel' ? line.cancel(run) : line.raise(run, one.levels));
            }
            expect(await shared.order()).toEqual(await local.order());
          }
        } finally {
          await shared.close();
        }
      },
    ),
    { numRuns: 40 },
  );
}, 120_000);

it.each([
  ['goes on with a batch up to its size', 3, 100, ['a0', 'a2', 'a3', 'b1', 'a4', 'a5']],
  ['skips a head no longer than the timeout', 8, 450, ['a0', 'a2', 'a3', 'a4', 'b1', 'a5']],
] as const)('%s', async (_, maxSize, stepMs, expected) => {
  let nowMs = 0;
  const [local, shared] = both(maxSize, 1_000, () => nowMs);
  for (const line of [local, shared])
    for (const [index, group] of [...'abaaaa'].entries()) await line.submit(`${group}${index}`, 'caller', 0, group);
  const taken: (string | undefined)[] = [];
  for (let take = 0; take < expected.length; take++) {
    const run = await shared.take();
    expect(run).toBe(await local.take());
    taken.push(run);
    nowMs += stepMs;
  }
  expect(taken).toEqual(expected);
  await shared.close();
});

it('moves no run ahead of a head of a higher level', async () => {
  const [local, shared] = both(3, 60_000, () => 0);
  for (const line of [local, shared]) for (const run of ['a1', 'a2']) await line.submit(run, 'one', 0, 'a');
  expect([await local.take(), await shared.take()]).toEqual(['a1', 'a1']);
  for (const line of [local, shared]) await line.submit('urgent', 'two', 5, 'b');
  expect([await local.take(), await shared.take()]).toEqual(['urgent', 'urgent']);
  await shared.close();
});

it('finds the next run of a batch far behind the head', async () => {
  const [local, shared] = both(3, 60_000, () => 0);
  for (const line of [local, shared]) {
    await line.submit('a first', 'caller', 0, 'a');
    for (let run = 0; run < 250; run++) await line.submit(`b${run}`, 'caller', 0, 'b');
    await line.submit('a last', 'caller', 0, 'a');
  }
  const taken = [await shared.take(), await shared.take(), await shared.take()];
  expect(taken).toEqual(['a first', 'a last', 'b0']);
  expect([await local.take(), await local.take(), await local.take()]).toEqual(taken);
  await shared.close();
});

/** Two models of one server, and callers of several priorities. */
const REQUESTS = Array.from({ length: 40 }, (_, index) => ({
  id: `run ${index}`,
  caller: `caller ${(index * 5) % 3}`,
  priority: index % 7 === 0 ? 1 : 0,
  group: (index * 3) % 5 < 3 ? 'first model' : 'second model',
}));

/** The order of one process, and its batches. */
function ordered(batch: { maxSize: number; timeoutMs: number }) {
  const queue = new WaitingQueue<QueueItem>({ maxSize: 1_000, maxBytes: 1e9, maxCallerBytes: 1e9, batch });
  for (const request of REQUESTS) queue.add({ ...request, bytes: 1 }, 0);
  const runs = Array.from({ length: REQUESTS.length }, () => queue.take(0)?.id ?? '');
  return { runs, batches: queue.releasedBatches.batches };
}

const batchesOf = ({ line }: TestLine) => line.view.releasedBatches.batches;
const groupOf = (run: string) => REQUESTS.find(({ id }) => id === run)?.group;
const loadsOf = (runs: readonly string[]) =>
  runs.filter((run, index) => groupOf(run) !== groupOf(runs[index - 1] ?? '')).length;

it.each([1, 3, 5])(
  'starts runs of two models over two instances as one process does, %i in a batch',
  async (size) => {
    const own = await startRedis();
    const options = { slots: 1, env: { BATCH_MAX_SIZE: String(size), BATCH_TIMEOUT_MS: '600000' } };
    try {
      const front = await lines.joinFront(own.port, options);
      for (const { id, caller, priority, group } of REQUESTS) front.submit(generationOf(id, caller, priority, group));
      await expect.poll(() => front.runs.admitted.length, eventually).toBe(REQUESTS.length);
      const counted = counter(5);
      const by: number[] = [];
      const processor =
        (instance: number): RunProcessor =>
        (taken) => {
          by.push(instance);
          return counted.process(taken);
        };
      const one = await lines.join(own.port, processor(1), options);
      const two = await lines.join(own.port, processor(2), options);
      await one.line.start();
      await expect.poll(() => counted.started.length, eventually).toBeGreaterThan(REQUESTS.length / 3);
      // The other one goes on where it stops.
      await two.line.start();
      one.line.pause();
      await expect.poll(() => counted.started.length, eventually).toBe(REQUESTS.length);
      const expected = ordered({ maxSize: size, timeoutMs: 600_000 });
      expect(counted.started).toEqual(expected.runs);
      expect(counted.most).toBe(1);
      expect(new Set(by)).toEqual(new Set([1, 2]));
      if (size > 1) expect(loadsOf(expected.runs)).toBeLessThan(loadsOf(ordered({ maxSize: 1, timeoutMs: 0 }).runs));
      // The slots of both count a batch for each run.
      const joined = () => 2 * SLOT_BATCHES - batchesOf(one) - batchesOf(two);
      await expect.poll(joined, eventually).toBe(size > 1 ? REQUESTS.length - expected.batches : 0);
    } finally {
      await lines.close();
      await own.close();
    }
  },
  60_000,
);
