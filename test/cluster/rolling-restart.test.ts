import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { freePort } from '../support/free-port.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { startSteadyLoad } from '../support/steady-load.ts';
import { startTcpBalancer, type TcpBalancer } from '../support/tcp-balancer.ts';

/** Servers behind a balancer, which are restarted one after the other. */
const WORDS = ['one ', 'two ', 'three ', 'four'];
const apps: RunningApp[] = [];
let model: FaultyModelServer | undefined;
let balancer: TcpBalancer | undefined;
let redis: RedisServer | undefined;
let dataDir: string | undefined;

afterEach(async () => {
  await balancer?.close();
  await Promise.all(apps.splice(0).map((app) => app.stop(5_000)));
  await model?.close();
  await redis?.close();
  if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
  balancer = undefined;
  redis = undefined;
  dataDir = undefined;
});

/** Restarts each of `count` servers, and reports what a steady load has seen of it. */
async function restartEach(
  count: number,
  more: Record<string, string>,
  { checkMs, hasQueue }: { checkMs: number; hasQueue: boolean },
) {
  model = await startFaultyModelServer();
  model.choose(() => [
    ...WORDS.flatMap((word) => [{ send: ollama.text(word) }, { wait: delay(60) }]),
    { send: ollama.done() },
  ]);
  const env = {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    QUEUE_MAX_CONCURRENT: '20',
    CACHE_ENABLED: 'false',
    SHUTDOWN_TIMEOUT_MS: '20000',
    ...more,
  };
  const ports = await Promise.all(Array.from({ length: count }, async () => String(await freePort())));
  const all = await Promise.all(ports.map((PORT) => startApp('server', { ...env, PORT })));
  apps.push(...all);
  const urls = all.map(({ url }) => url);
  balancer = await startTcpBalancer(urls, checkMs);
  for (const url of urls) await balancer.until(url, true);

  const load = startSteadyLoad(balancer.url, WORDS, {}, { hasQueue });
  await delay(1_000);
  for (const [index, app] of all.entries()) {
    const exit = app.stop(30_000);
    await balancer.until(app.url, false);
    expect(await exit).toBe(0);
    const next = await startApp('server', { ...env, PORT: ports[index] ?? '' });
    apps[index] = next;
    await balancer.until(next.url, true);
    await delay(1_000);
  }
  const { failures, ended } = await load.stop();
  expect(failures).toEqual([]);
  // Each server had its part.
  for (const url of urls) expect(balancer.counts.get(url)).toBeGreaterThan(5);
  return ended;
}

it('fails no request and cuts no stream while two that share nothing are restarted', async () => {
  const ended = await restartEach(2, { SHUTDOWN_DELAY_MS: '5000' }, { checkMs: 500, hasQueue: false });
  for (const kind of ['health', 'whole', 'stream'] as const) expect(ended.get(kind)).toBeGreaterThan(20);
}, 180_000);

it('fails no request and cuts no stream while three that share a queue are restarted', async () => {
  redis = await startRedis();
  dataDir = mkdtempSync(join(tmpdir(), 'restart-'));
  const shared = { REDIS_URL: redis.url, DATA_DIR: dataDir, SHUTDOWN_DELAY_MS: '6000' };
  const ended = await restartEach(3, shared, { checkMs: 1_000, hasQueue: true });
  for (const kind of ['health', 'whole', 'stream', 'queued'] as const) expect(ended.get(kind)).toBeGreaterThan(50);
}, 240_000);
