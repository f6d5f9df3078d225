import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppCluster, ask, startAppCluster } from '../support/app-cluster.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** How many trips to Redis are in the way of a request, as seen over a slow network. */
const TRIP_MS = 160;
let cluster: AppCluster;
let proxy: TcpProxy;

beforeAll(async () => {
  cluster = await startAppCluster([], { QUEUE_MAX_CONCURRENT: '4' });
  proxy = await startTcpProxy(cluster.redis.port);
  await cluster.add({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
  for (let index = 0; index < 3; index++) await ask(cluster.at(0), `warm ${index}`);
}, 90_000);

afterAll(async () => {
  await cluster?.close();
  await proxy?.close();
});

it('begins a request that finds a free slot after four trips', async () => {
  // In each direction.
  proxy.delay(TRIP_MS / 2);
  const times: number[] = [];
  for (let index = 0; index < 4; index++) {
    const { status, degraded, ms } = await ask(cluster.at(0), `question ${index}`);
    expect([status, degraded]).toEqual([200, null]);
    times.push(ms);
    // What is written after the end is not in the way of the next one.
    await delay(6 * TRIP_MS);
  }
  proxy.delay(0);
  // The flight and the line; the run and its turn; its job; the worker takes that.
  expect(Math.min(...times)).toBeGreaterThan(3 * TRIP_MS);
  expect(Math.min(...times)).toBeLessThan(5 * TRIP_MS);
}, 60_000);
