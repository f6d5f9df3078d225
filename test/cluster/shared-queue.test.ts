import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import type { Generation } from '#lib/chat/generation/generation';
import { type QueueItem, WaitingQueue } from '#lib/chat/scheduler/waiting-queue';
import type { LocalLane } from '#lib/cluster/shared-types';
import { allowances } from '../support/limits.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { counter, generationOf, LineGroup, type TestLine } from '../support/shared-line.ts';

/** Several instances of one process over a real Redis, with workers that only count. */
const lines = new LineGroup();
const closing: { close(): unknown }[] = [];

afterEach(async () => {
  await lines.close();
  await Promise.all(closing.splice(0).map((one) => one.close()));
});

async function redisServer(): Promise<RedisServer> {
  const redis = await startRedis();
  closing.push(redis);
  return redis;
}

const eventually = { timeout: 20_000, interval: 10 };

it('gives 200 runs of 5 callers to 3 workers, two at a time, in the order of one process', async () => {
  const redis = await redisServer();
  const front = await lines.joinFront(redis.port, { env: { QUEUE_MAX_SIZE: '1000' } });
  const order = new WaitingQueue<QueueItem>({
    ...{ maxSize: 1_000, maxBytes: 1e9, maxCallerBytes: 1e9, batch: { maxSize: 1, timeoutMs: 0 } },
  });
  const generations = new Map<string, Generation>();
  for (let index = 0; index < 200; index++) {
    const [id, caller, priority] = [`run ${index}`, `caller ${(index * 7) % 5}`, (index % 4) - 1];
    const generation = generationOf(id, caller, priority);
    generations.set(id, generation);
    front.submit(generation);
    order.add({ id, caller, priority, group: 'test', bytes: 1 }, 0);
  }
  await expect.poll(() => front.runs.admitted.length, eventually).toBe(200);
  const expected = [...order.waiting()].map(({ item }) => item.id);
  const { id: lane } = front.lane.server;
  const positionOf = async (run = '') => {
    const generation = generations.get(run) ?? expect.fail();
    return (await front.line.standingOf(generation, lane)).queue_position;
  };
  for (const [index, run] of [...expected.entries()].filter(([place]) => place % 40 === 0))
    expect(await positionOf(run)).toBe(index + 1);
  const counted = counter(10);
  for (let worker = 0; worker < 3; worker++) await (await lines.join(redis.port, counted.process)).line.start();
  const positions: number[] = [];
  while (counted.started.length < 200) {
    positions.push(await positionOf(expected.at(-1)));
    await delay(20);
  }
  expect(counted.most).toBe(2);
  // Two that start together may be seen the other way round.
  for (const [index, run] of counted.started.entries())
    expect(Math.abs(expected.indexOf(run) - index)).toBeLessThanOrEqual(2);
  expect(new Set(counted.started).size).toBe(200);
  expect(positions).toEqual([...positions].sort((a, b) => b - a));
  expect(new Set(positions).size).toBeGreaterThan(10);
  expect(positions[0]).toBeGreaterThan(150);
}, 60_000);

it('reports to readers of a waiting generation its position, and the position falls', async () => {
  const redis = await redisServer();
  const front = await lines.joinFront(redis.port, { slots: 1 });
  const generations = ['a', 'b', 'c'].map((id) => generationOf(id, 'caller'));
  for (const generation of generations) {
    front.submit(generation);
    generation.retain();
    front.line.watchPosition(generation);
  }
  const positions = () => generations.map((generation) => front.line.queueStatus(generation).queue_position);
  await expect.poll(positions, eventually).toEqual([1, 2, 3]);
  expect(front.line.queueStatus(generations[2] ?? generationOf('', ''))).toEqual({
    ...{ queue_position: 3, queue_length: 3, estimated_wait_time: 3_000 },
  });
  expect(await front.line.withdraw('a')).toBe(true);
  await expect.poll(positions, eventually).toEqual([1, 1, 2]);
  front.line.raisePriority(generations[2] ?? generationOf('', ''), 5);
  await expect.poll(() => positions().slice(1), eventually).toEqual([2, 1]);
  expect(front.line.view.queueLength).toBe(2);
  expect(front.line.view.waiting().map(({ item }) => item.id)).toContain('c');
});

it('puts a run into the line that is the shortest when it enters, by what all servers have put there', async () => {
  const redis = await redisServer();
  const options = { slots: 1, urls: ['http://127.0.0.1:1', 'http://127.0.0.1:2'] };
  const loadOf = ({ shared }: LocalLane) => shared.waiting + shared.running;
  const choose = (lanes: readonly LocalLane[]) => lanes.toSorted((a, b) => loadOf(a) - loadOf(b))[0];
  const [first, second] = [
    await lines.joinFront(redis.port, options),
    await lines.joinFront(redis.port, { ...options, choose }),
  ];
  const submit = async (front: TestLine, ...runs: string[]) => {
    const admitted = front.runs.admitted.length + runs.length;
    for (const run of runs) front.submit(generationOf(run, 'caller'));
    await expect.poll(() => front.runs.admitted.length, eventually).toBe(admitted);
    const laneOf = async (run: string) => (await front.runs.read(run))?.lane;
    const lanes = front.lanes.map(({ server }) => server.id);
    return (await Promise.all(runs.map(laneOf))).map((lane) => lanes.indexOf(lane ?? ''));
  };
  expect(await submit(first, 'a', 'b')).toEqual([0, 0]);
  // This server has not read the lines since.
  expect(second.lanes.map(loadOf)).toEqual([0, 0]);
  expect(await submit(second, 'c')).toEqual([1]);
  expect(await submit(second, 'd')).toEqual([1]);
  // Two at a time see each other.
  expect((await submit(second, 'e', 'f')).toSorted()).toEqual([0, 1]);
  expect(second.lanes.map(loadOf)).toEqual([3, 3]);
});

it('shows a caller above its share how far, and how many callers are in front, at any server', async () => {
  const redis = await redisServer();
  const front = await lines.joinFront(redis.port, { slots: 1 });
  const other = await lines.joinFront(redis.port, { slots: 1 });
  const allowanceOf = allowances({ tokens_per_day: { limit: 100, kind: 'share' } });
  const allowance = allowanceOf('ann');
  allowance?.spendTokens(130);
  const above = () => generationOf('ann 1', 'ann', -2, 'test', { allowance, isBehind: true });
  const [ann, mirror] = [above(), above()];
  for (const { runs } of [front, other]) runs.behind.add('ann 1');
  const { id: lane } = front.lane.server;
  const share = { name: 'tokens_per_day', used: 130, limit: 100, over_percent: 30 };
  front.submit(generationOf('bob 1', 'bob'));
  await expect.poll(() => front.runs.admitted.length, eventually).toBe(1);
  front.submit(ann);
  await expect.poll(() => front.runs.admitted.length, eventually).toBe(2);
  // As the reply to its submission says.
  expect(front.line.queueStatus(ann)).toMatchObject({ queue_position: 2, share: { ...share, ahead: 1 } });
  ann.retain();
  front.line.watchPosition(ann);
  for (const [run, caller] of [
    ['bob 2', 'bob'],
    ['carl 1', 'carl'],
  ] as const)
    front.submit(generationOf(run, caller));
  const shown = () => [ann.log.status?.queue_position, ann.log.status?.share];
  await expect.poll(shown, eventually).toEqual([4, { ...share, ahead: 2 }]);
  expect(await other.line.standingOf(mirror, lane)).toMatchObject({ queue_position: 4, share: { ...share, ahead: 2 } });
  expect(await front.line.withdraw('carl 1')).toBe(true);
  await expect.poll(shown, eventually).toEqual([3, { ...share, ahead: 1 }]);
  // A caller within its share has asked for the same.
  for (const { runs } of [front, other]) runs.behind.delete('ann 1');
  await expect.poll(shown, eventually).toEqual([3, undefined]);
  expect(await other.line.standingOf(mirror, lane)).not.toHaveProperty('share');
});

it('knows positions behind the first thousand of a line', async () => {
  const redis = await redisServer();
  const front = await lines.joinFront(redis.port, { slots: 1, env: { QUEUE_MAX_SIZE: '5000' } });
  const generations = Array.from({ length: 1_450 }, (_, index) => generationOf(`run ${index}`, 'caller'));
  for (const generation of generations) front.submit(generation);
  await expect.poll(() => front.runs.admitted.length, eventually).toBe(1_450);
  const { client } = front.link.connection;
  // One that a worker has lost comes before all.
  const queue = `${front.link.keys.lines}:${front.lane.server.id}`;
  await client.multi().zrem(`${queue}:prioritized`, 'rrun 1440').lpush(`${queue}:wait`, 'rrun 1440').exec();
  const watch = (from: number) => {
    const watched = generations.slice(from);
    for (const generation of watched) {
      generation.retain();
      front.line.watchPosition(generation);
    }
    return () => watched.map((generation) => front.line.queueStatus(generation).queue_position);
  };
  const expected = (from: number) =>
    Array.from({ length: 1_450 - from }, (_, index) => {
      const place = from + index;
      return place === 1_440 ? 1 : place + (place < 1_440 ? 2 : 1);
    });
  const few = watch(1_400);
  await expect.poll(few, eventually).toEqual(expected(1_400));
  const many = watch(1_100);
  await expect.poll(many, eventually).toEqual(expected(1_100));
  expect(await front.line.withdraw('run 1440')).toBe(true);
  await expect.poll(() => many().at(-1), { timeout: 2_500, interval: 10 }).toBe(1_449);
}, 60_000);

it('refuses what is above the bound as one process does, and takes it once there is space', async () => {
  const redis = await redisServer();
  const options = { slots: 1, env: { QUEUE_MAX_SIZE: '3' } };
  const [one, two] = [await lines.joinFront(redis.port, options), await lines.joinFront(redis.port, options)];
  const ends = new Map<string, () => void>();
  const worker = await lines.join(
    redis.port,
    ({ run }) => new Promise((resolve) => ends.set(run, () => resolve('ended'))),
    options,
  );
  await worker.line.start();
  one.submit(generationOf('running', 'caller'));
  await expect.poll(() => ends.has('running'), eventually).toBe(true);
  const all = Array.from({ length: 8 }, (_, index) => generationOf(`run ${index}`, `caller ${index}`));
  let thrown = 0;
  // All at the same time, from both.
  for (const [index, generation] of all.entries())
    try {
      (index % 2 === 0 ? one : two).submit(generation);
    } catch (error) {
      expect(error).toMatchObject({ code: 'queue_full' });
      thrown += 1;
    }
  const refused = () => [...one.runs.refused, ...two.runs.refused];
  const admitted = () => one.runs.admitted.length + two.runs.admitted.length - 1;
  await expect.poll(() => refused().length + admitted() + thrown, eventually).toBe(8);
  // Those that came first stay, and no more are refused than have to be.
  expect(admitted()).toBe(3);
  expect(new Set(refused().map(({ code }) => code))).toEqual(new Set(['queue_full']));
  expect(refused()[0]?.message).toMatch(/^The queue is full \(3 waiting\)\. Try again in about \d+ s\.$/);
  const line = `${one.link.keys.lines}:${one.lane.server.id}:prioritized`;
  expect(await one.link.connection.client.zcard(line)).toBe(3);
  await delay(300);
  one.submit(generationOf('too many', 'caller'));
  await expect.poll(() => refused().some(({ run }) => run === 'too many'), eventually).toBe(true);
  expect(() => one.submit(generationOf('known to be too many', 'caller'))).toThrow(/The queue is full/);
  ends.get('running')?.();
  await expect.poll(() => ends.size, eventually).toBe(2);
  await expect.poll(() => one.lane.shared.waiting, eventually).toBe(2);
  one.submit(generationOf('fits again', 'caller'));
  await expect.poll(() => one.runs.admitted, eventually).toContain('fits again');
});

it('lets a caller displace the newest run of one that holds more, on whatever instance', async () => {
  const redis = await redisServer();
  const options = { slots: 1, env: { QUEUE_MAX_SIZE: '4' } };
  const [one, two] = [await lines.joinFront(redis.port, options), await lines.joinFront(redis.port, options)];
  const worker = await lines.join(redis.port, () => new Promise(() => {}), options);
  await worker.line.start();
  one.submit(generationOf('running', 'large'));
  await expect.poll(() => one.lane.shared.running, eventually).toBe(1);
  for (let index = 0; index < 4; index++) one.submit(generationOf(`large ${index}`, 'large'));
  await expect.poll(() => one.runs.admitted.length, eventually).toBe(5);
  for (const id of ['small 0', 'small 1']) {
    two.submit(generationOf(id, 'small'));
    await expect.poll(() => two.runs.admitted, eventually).toContain(id);
  }
  expect(two.runs.ended).toEqual([
    { run: 'large 3', code: 'queue_full' },
    { run: 'large 2', code: 'queue_full' },
  ]);
  // Both hold two: none displaces the other.
  two.submit(generationOf('small 2', 'small'));
  await expect.poll(() => two.runs.refused.map(({ run }) => run), eventually).toEqual(['small 2']);
  expect(two.line.view.queueLength).toBe(4);
});

it('gives a turn back that was withdrawn, and does not withdraw what a worker has', async () => {
  const redis = await redisServer();
  const front = await lines.joinFront(redis.port, { slots: 1 });
  for (const id of ['a', 'b', 'c']) front.submit(generationOf(id, 'one'));
  await expect.poll(() => front.runs.admitted.length, eventually).toBe(3);
  expect(await front.line.withdraw('c')).toBe(true);
  expect(await front.line.withdraw('c')).toBe(true);
  for (const id of ['d', 'e']) front.submit(generationOf(id, id === 'd' ? 'one' : 'two'));
  await expect.poll(() => front.runs.admitted.length, eventually).toBe(5);
  const { client } = front.link.connection;
  expect(await client.hget(front.link.keys.run('d'), 'turn')).toBe('2');
  let isHeld = true;
  const worker = await lines.join(
    redis.port,
    async () => {
      while (isHeld) await delay(10);
      return 'ended';
    },
    { slots: 1 },
  );
  await worker.line.start();
  await expect.poll(() => worker.lane.shared.waiting, eventually).toBe(3);
  expect(await front.line.withdraw('a')).toBe(false);
  isHeld = false;
});

it('puts back what it has when it stops, and takes nothing more', async () => {
  const redis = await redisServer();
  const front = await lines.joinFront(redis.port, { slots: 1 });
  let isStopping = false;
  const stopped = await lines.join(
    redis.port,
    async () => {
      while (!isStopping) await delay(10);
      return 'again';
    },
    { slots: 1 },
  );
  await stopped.line.start();
  const [first, second] = [generationOf('first', 'caller'), generationOf('second', 'caller')];
  front.submit(first);
  front.submit(second);
  await expect.poll(() => stopped.lane.shared.waiting, eventually).toBe(1);
  stopped.line.pause();
  isStopping = true;
  await stopped.line.stop(2_000);
  const { id: lane } = front.lane.server;
  await expect.poll(async () => (await front.line.standingOf(first, lane)).queue_position, eventually).toBe(1);
  expect((await front.line.standingOf(second, lane)).queue_position).toBe(2);
  const counted = counter(5);
  await (await lines.join(redis.port, counted.process, { slots: 1 })).line.start();
  await expect.poll(() => counted.started, eventually).toEqual(['first', 'second']);
});

it('gives a run without a job one, and ends one that is not wanted', async () => {
  const redis = await redisServer();
  const front = await lines.joinFront(redis.port);
  const { client } = front.link.connection;
  const { keys } = front.link;
  // An instance has ended between the transaction and the job.
  for (const id of ['orphan', 'unwanted', 'dead owner']) {
    const creating = client.multi();
    front.runs.addCreation(creating, { generation: generationOf(id, 'caller'), lane: front.lane.server.id });
    await creating.exec();
    await client.zadd(keys.openRuns, Date.now() - 60_000, id);
  }
  await client.hset(keys.run('dead owner'), { state: 'running' });
  front.runs.unwanted.add('unwanted');
  const counted = counter(5);
  const worker = await lines.join(redis.port, counted.process);
  worker.runs.unwanted.add('unwanted');
  await worker.line.start();
  await expect.poll(() => counted.started, eventually).toEqual(['orphan']);
  const ended = () => [...front.runs.ended, ...worker.runs.ended].sort((a, b) => a.run.localeCompare(b.run));
  await expect.poll(ended, eventually).toEqual([
    { run: 'dead owner', code: 'worker_lost' },
    { run: 'unwanted', code: 'cancelled' },
  ]);
}, 60_000);

it('leaves no key without a time to live when all runs have ended', async () => {
  const redis = await redisServer();
  const front = await lines.joinFront(redis.port);
  const counted = counter(1);
  const worker = await lines.join(redis.port, counted.process);
  await worker.line.start();
  for (let index = 0; index < 20; index++) front.submit(generationOf(`run ${index}`, `caller ${index % 3}`, index % 3));
  await expect.poll(() => counted.started.length, eventually).toBe(20);
  const client = new Redis(redis.url);
  closing.push({ close: () => client.disconnect() });
  const { lines: prefix } = front.link.keys;
  await expect.poll(async () => (await client.keys(`${prefix}:*rrun*`)).length, eventually).toBe(0);
  expect((await client.keys('*')).length).toBeGreaterThan(20);
  const forever = async () => {
    const names = await client.keys('*');
    const ages = await Promise.all(names.map((name) => client.pttl(name)));
    return names.filter((_, index) => ages[index] === -1);
  };
  // A worker that waits takes the marker by which it is woken.
  await expect.poll(forever, eventually).toEqual([]);
});
