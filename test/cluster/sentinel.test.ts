import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type AppCluster, ask, readJson, startAppCluster } from '../support/app-cluster.ts';
import { scriptOf } from '../support/obedient-model.ts';
import { enqueue, numbersOf, poll, readQueued, textOf } from '../support/queued-requests.ts';
import { startWatchedRedis, type WatchedRedis } from '../support/redis-sentinels.ts';

/** The master of a Redis with a replica is lost, and three sentinels replace it. */
const eventually = { timeout: 20_000, interval: 50 };
const closing: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close();
});

async function begin(): Promise<{ watched: WatchedRedis; cluster: AppCluster }> {
  const watched = await startWatchedRedis();
  closing.push(watched);
  const cluster = await startAppCluster([{}, {}], { REDIS_URL: watched.url, QUEUE_MAX_CONCURRENT: '16' });
  closing.push(cluster);
  cluster.model.choose(scriptOf);
  await Promise.all(cluster.apps.map((app, index) => ask(app, `warm ${index}`)));
  return { watched, cluster };
}

it('goes on within 10 s after its master was killed, and loses nothing that was accepted', async () => {
  const { watched, cluster } = await begin();
  const count = 120;
  const streamed = await Promise.all(
    cluster.apps.map((app, index) => enqueue(app, `count to ${count} each 100 ms, ${index}`)),
  );
  const reading = streamed.flatMap((id) => cluster.apps.map((app) => readQueued(app, id)));
  const accepted: string[] = [];
  for (let round = 0; round < 6; round++) {
    accepted.push(await enqueue(cluster.at(round), `slow, accepted ${round}`));
    await delay(100);
  }
  await watched.master.kill();
  const killedMs = performance.now();
  const statuses: number[] = [];
  const isUp = async () => {
    const replies = await Promise.all(cluster.apps.map((app) => ask(app, `away ${statuses.length}`)));
    statuses.push(...replies.map(({ status }) => status));
    const states = await Promise.all(cluster.apps.map((app) => readJson(app, '/api/ready')));
    // It is noticed by the time that the first requests are served.
    return performance.now() - killedMs > 2_000 && states.every(({ parts }) => parts.redis.state === 'up');
  };
  await expect.poll(isUp, { ...eventually, interval: 100 }).toBe(true);
  const upMs = performance.now() - killedMs;
  const degraded = async () => (await ask(cluster.at(0), `back ${performance.now()}`)).degraded;
  await expect.poll(degraded, eventually).toBe(null);
  expect(upMs).toBeLessThan(10_000);
  expect(performance.now() - killedMs).toBeLessThan(12_000);
  expect(new Set(statuses)).toEqual(new Set([200]));
  const text = Array.from({ length: count }, (_, index) => `${index + 1} `).join('');
  for (const events of await Promise.all(reading)) {
    expect(textOf(events)).toBe(text);
    expect(numbersOf(events)).toEqual(Array.from({ length: count + 1 }, (_, index) => index + 1));
  }
  for (const id of [...accepted, ...streamed])
    for (const app of cluster.apps)
      await expect.poll(async () => (await poll(app, id)).body.status, eventually).toBe('completed');
  // The line is common again, also for what each of them accepts.
  for (const app of cluster.apps) {
    const id = await enqueue(app, `after ${app.pid}`);
    for (const reader of cluster.apps) expect(textOf(await readQueued(reader, id))).toBe(`You said: after ${app.pid}`);
  }
}, 90_000);
