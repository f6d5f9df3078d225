import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { localLine, redisLine } from '../support/compared-lines.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { linkTo } from '../support/shared-line.ts';

/** The line in Redis against that of one process, with the same requests. */
let redis: RedisServer;
let link: ClusterLink & { close(): void };

beforeAll(async () => {
  redis = await startRedis();
  link = await linkTo(redis.port, 'order');
});

afterAll(async () => {
  link.close();
  await redis.close();
});

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      caller: fc.nat(2),
      priority: fc.constantFrom(-1, 0, 2),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), at: fc.nat(30) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('raise' as const), at: fc.nat(30), levels: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), at: fc.nat(10) }) },
);

let lines = 0;

it('has the order of the line of one process, whatever is submitted, cancelled, raised, taken and lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 80 }), async (operations) => {
      lines += 1;
      const [local, shared] = [localLine(), redisLine(link, redis.url, `order${lines}`)];
      const running: string[] = [];
      let runs = 0;
      try {
        for (const one of operations) {
          const waiting = await local.order();
          if (one.do === 'submit') {
            runs += 1;
            const submitted = [`run ${runs}`, `caller ${one.caller}`, one.priority] as const;
            await Promise.all([local.submit(...submitted), shared.submit(...submitted)]);
          } else if (one.do === 'take') {
            const [expected, run] = [await local.take(), await shared.take()];
            expect(run).toBe(expected);
            if (run !== undefined) running.push(run);
          } else if (one.do === 'crash') {
            const run = running.splice(one.at % Math.max(1, running.length), 1)[0];
            if (run !== undefined) await Promise.all([local.crash(run), shared.crash(run)]);
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
    }),
    { numRuns: 40 },
  );
}, 120_000);

it.each([4, 20])(
  'moves the clock as one process does while %i runs of a low priority wait',
  async (low) => {
    const [local, shared] = [localLine(), redisLine(link, redis.url, `clock${low}`)];
    const both = [local, shared];
    for (const line of both) for (let run = 0; run < low; run++) await line.submit(`low ${run}`, 'low', 0);
    for (let run = 0; run < 200; run++) {
      for (const line of both) await line.submit(`high ${run}`, `caller ${run}`, 1);
      expect(await shared.take()).toBe(await local.take());
      expect(await shared.order()).toEqual(await local.order());
    }
    await shared.close();
  },
  60_000,
);

it('gives a turn back that was not used, as one process does', async () => {
  const [local, shared] = [localLine(), redisLine(link, redis.url, 'refund')];
  for (const line of [local, shared]) {
    for (const run of ['a', 'b', 'c']) await line.submit(run, 'one', 0);
    await line.cancel('c');
    await line.submit('d', 'one', 0);
    for (const run of ['e', 'f', 'g', 'h']) await line.submit(run, 'two', 0);
  }
  expect(await shared.order()).toEqual(await local.order());
  expect(await shared.order()).toEqual(['a', 'e', 'b', 'f', 'd', 'g', 'h']);
  await shared.close();
});

it('takes ids of clients, whatever is in them', async () => {
  const shared = redisLine(link, redis.url, 'ids');
  const ids = ['1', 'a:b:c:d', '50%3A', '%', 'ü'];
  for (const id of ids) await shared.submit(id, 'caller', 0);
  expect(await shared.order()).toEqual(ids);
  for (const id of ids) expect(await shared.take()).toBe(id);
  await shared.close();
});
