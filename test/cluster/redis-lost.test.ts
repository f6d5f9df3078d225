import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppCluster, ask, readJson, startAppCluster } from '../support/app-cluster.ts';
import { scriptOf } from '../support/obedient-model.ts';
import { cancel, enqueue, numbersOf, poll, readQueued, textOf } from '../support/queued-requests.ts';
import type { RunningApp } from '../support/running-app.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** Redis is lost in each way, under load: what is running, waiting and new does not notice much. */
const eventually = { timeout: 20_000, interval: 50 };
/** Each server has half of them while Redis is away, more than the tests use. */
const SLOTS = 16;
let cluster: AppCluster;
/** The way of the first server to Redis. */
let proxy: TcpProxy;

beforeAll(async () => {
  cluster = await startAppCluster([], { QUEUE_MAX_CONCURRENT: String(SLOTS) });
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

interface Fault {
  readonly awayMs: number;
  /** The servers that lose Redis. */
  readonly losers: () => readonly RunningApp[];
  readonly begin: () => unknown;
  readonly end: () => unknown;
}

const killed = (awayMs: number, isEmpty = false): Fault => ({
  awayMs,
  losers: () => cluster.apps,
  begin: () => cluster.redis.kill(),
  end: () => cluster.redis.restart({ isEmpty }),
});

const FAULTS: Record<string, Fault> = {
  'is killed for 2 s': killed(2_000),
  'is killed for 8 s': killed(8_000),
  'is frozen for 10 s': {
    awayMs: 10_000,
    losers: () => cluster.apps,
    begin: () => cluster.redis.freeze(),
    end: () => cluster.redis.resume(),
  },
  'is cut off from one server for 6 s': {
    awayMs: 6_000,
    losers: () => cluster.apps.slice(0, 1),
    begin: () => proxy.cut(),
    end: () => proxy.mend(),
  },
  // Last: it would come back with the data of before.
  'is killed, and comes back empty': killed(2_000, true),
};

const lines = (app: RunningApp, text: string) =>
  app
    .output()
    .split('\n')
    .filter((line) => line.includes(text)).length;

/** Lines of the log of a server about Redis that is lost, and that is back. */
const linesOf = (app: RunningApp) => [lines(app, 'Redis does not respond'), lines(app, 'Redis responds again')];

async function redisIsUp(): Promise<void> {
  for (const app of cluster.apps)
    await expect.poll(async () => (await readJson(app, '/api/ready')).parts.redis, eventually).toEqual({ state: 'up' });
}

it('ends a waiting request that is cancelled while Redis is away', async () => {
  const busy = await Promise.all(
    Array.from({ length: SLOTS }, (_, index) => enqueue(cluster.at(index), `count to 30 each 100 ms, busy ${index}`)),
  );
  await expect.poll(() => cluster.model.running, eventually).toBe(SLOTS);
  const id = await enqueue(cluster.at(1), 'hang, cancelled without Redis');
  await cluster.redis.kill();
  await expect.poll(async () => (await poll(cluster.at(0), id)).status, eventually).toBe(503);
  expect(await cancel(cluster.at(1), id)).toBe(200);
  await delay(3_000);
  await cluster.redis.restart();
  await redisIsUp();
  await expect.poll(async () => (await poll(cluster.at(0), id)).body.status, eventually).toBe('cancelled');
  for (const each of busy)
    await expect.poll(async () => (await poll(cluster.at(0), each)).body.status, eventually).toBe('completed');
  // A worker that was faster does not go on with it.
  await cluster.model.idle();
}, 60_000);

const whole = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1} `).join('');

it.each(Object.entries(FAULTS))(
  'goes on while Redis %s, and has lost nothing afterwards',
  async (name, { awayMs, losers, begin, end }) => {
    const before = cluster.apps.map(linesOf);
    // Responses that are written all the time, of each server: for readers of both, and for none.
    const count = Math.round((awayMs + 3_000) / 100);
    const begun = (what: string) =>
      Promise.all(
        cluster.apps.map((app, index) => enqueue(app, `count to ${count} each 100 ms, ${name} ${what} ${index}`)),
      );
    const streamed = await begun('read');
    const reading = streamed.flatMap((id) => cluster.apps.map((app) => readQueued(app, id)));
    const accepted = await begun('accepted');
    // Redis may lose its last second.
    await delay(1_200);
    await begin();
    const replies: Awaited<ReturnType<typeof ask>>[] = [];
    const beganMs = performance.now();
    for (let round = 0; performance.now() - beganMs < awayMs; round++) {
      replies.push(...(await Promise.all(cluster.apps.map((app, index) => ask(app, `${name} ${round} ${index}`)))));
      await delay(150);
    }
    const alone = await Promise.all(cluster.apps.map((app, index) => enqueue(app, `away ${name} ${index}`)));
    await end();
    const backMs = performance.now();
    // Its workers take what is in the common line.
    for (const [index, app] of losers().entries()) {
      let round = 0;
      const degraded = async () => (await ask(app, `back ${name} ${index} ${++round}`)).degraded;
      await expect.poll(degraded, eventually).toBe(null);
    }
    expect(performance.now() - backMs).toBeLessThan(6_000);
    expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
    const took = replies.map(({ ms }) => ms).sort((a, b) => a - b);
    expect(took[Math.floor(took.length / 2)]).toBeLessThan(1_000);
    expect(took.at(-1)).toBeLessThan(4_000);
    for (const events of await Promise.all(reading)) {
      expect(textOf(events)).toBe(whole(count));
      expect(numbersOf(events)).toEqual(Array.from({ length: count + 1 }, (_, index) => index + 1));
    }
    await redisIsUp();
    for (const id of [...accepted, ...streamed])
      for (const app of cluster.apps)
        await expect.poll(async () => (await poll(app, id)).body.status, eventually).toBe('completed');
    // What a server has accepted by itself is known to that one.
    for (const [index, id] of alone.entries())
      await expect.poll(async () => (await poll(cluster.at(index), id)).body.status, eventually).toBe('completed');
    const lost = losers();
    const expected = cluster.apps.map((app, index) =>
      (before[index] ?? []).map((seen) => seen + (lost.includes(app) ? 1 : 0)),
    );
    // The log is written in batches.
    await expect.poll(() => cluster.apps.map(linesOf), eventually).toEqual(expected);
  },
  60_000,
);
