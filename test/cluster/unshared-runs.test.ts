import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppCluster, ask, readJson, startAppCluster } from '../support/app-cluster.ts';
import { scriptOf } from '../support/obedient-model.ts';
import { cancel, enqueue, numbersOf, poll, readQueued, textOf } from '../support/queued-requests.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** What becomes of requests that a server has accepted while it did not reach Redis. */
const eventually = { timeout: 15_000, interval: 50 };
let cluster: AppCluster;
/** The way of the first server to Redis. */
let proxy: TcpProxy;

beforeAll(async () => {
  cluster = await startAppCluster([], { QUEUE_MAX_CONCURRENT: '8' });
  proxy = await startTcpProxy(cluster.redis.port);
  await cluster.add({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
  await cluster.add();
  cluster.model.choose(scriptOf);
  await Promise.all(cluster.apps.map((app, index) => ask(app, `warm ${index}`)));
}, 90_000);

afterAll(async () => {
  await cluster?.close();
  await proxy?.close();
});

const redisIs = (state: 'up' | 'unavailable') =>
  expect.poll(async () => (await readJson(cluster.at(0), '/api/ready')).parts.redis.state, eventually).toBe(state);

const whole = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1} `).join('');

it('makes them known to all servers once Redis is back: those that have ended, run and were cancelled', async () => {
  const [one, two] = [cluster.at(0), cluster.at(1)];
  proxy.cut();
  await redisIs('unavailable');
  const ended = await enqueue(one, 'ended alone');
  await expect.poll(async () => (await poll(one, ended)).body.status, eventually).toBe('completed');
  const cancelled = await enqueue(one, 'hang');
  expect(await cancel(one, cancelled)).toBe(200);
  const running = await enqueue(one, 'count to 60 each 100 ms');
  const reading = readQueued(one, running);
  const left = await readQueued(one, running, { isEnough: (events) => numbersOf(events).length >= 5 });
  const calls = cluster.model.requests.length;
  for (const id of [ended, cancelled, running]) expect((await poll(two, id)).status).toBe(404);
  proxy.mend();
  await redisIs('up');

  await expect.poll(async () => (await poll(two, running)).body.status, eventually).toBe('processing');
  // A reader that comes back to another server gets all of the text, and no part of it twice.
  const after = left.findLast(({ id }) => id !== undefined)?.id ?? expect.fail();
  const elsewhere = await readQueued(two, running, { after });
  expect(elsewhere[0]).toMatchObject({ type: 'status', data: { restarted: true } });
  expect(textOf(elsewhere)).toBe(whole(60));
  expect(elsewhere.at(-1)?.type).toBe('done');
  expect(textOf(await reading)).toBe(whole(60));

  await expect.poll(async () => (await poll(two, ended)).body.status, eventually).toBe('completed');
  expect((await poll(two, ended)).body.message).toMatchObject({ content: 'You said: ended alone' });
  await expect.poll(async () => (await poll(two, cancelled)).body.status, eventually).toBe('cancelled');
  // Nothing of it was done twice.
  expect(cluster.model.requests).toHaveLength(calls);
}, 60_000);

it('lets them be cancelled at another server once Redis is back', async () => {
  const [one, two] = [cluster.at(0), cluster.at(1)];
  proxy.cut();
  await redisIs('unavailable');
  const id = await enqueue(one, 'hang after one word');
  await expect.poll(() => cluster.model.running, eventually).toBe(1);
  proxy.mend();
  await redisIs('up');
  await expect.poll(async () => await cancel(two, id), eventually).toBe(200);
  await cluster.model.idle();
  for (const app of [one, two]) expect((await poll(app, id)).body.status).toBe('cancelled');
}, 60_000);
