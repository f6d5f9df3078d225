import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { freePort } from '../support/free-port.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { startSteadyLoad } from '../support/steady-load.ts';
import { startTcpBalancer, type TcpBalancer } from '../support/tcp-balancer.ts';

/** Two servers that share nothing but a balancer, which are restarted one after the other. */
const CHECK_MS = 500;
const WORDS = ['one ', 'two ', 'three ', 'four'];
const apps: RunningApp[] = [];
let model: FaultyModelServer | undefined;
let balancer: TcpBalancer | undefined;

afterEach(async () => {
  await balancer?.close();
  await Promise.all(apps.splice(0).map((app) => app.stop(5_000)));
  await model?.close();
});

it('fails no request and cuts no stream while both are restarted', async () => {
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
    SHUTDOWN_DELAY_MS: '3000',
    SHUTDOWN_TIMEOUT_MS: '20000',
  };
  const ports = [String(await freePort()), String(await freePort())];
  const both = await Promise.all(ports.map((PORT) => startApp('server', { ...env, PORT })));
  apps.push(...both);
  balancer = await startTcpBalancer(
    both.map(({ url }) => url),
    CHECK_MS,
  );
  for (const { url } of both) await balancer.until(url, true);

  const load = startSteadyLoad(balancer.url, WORDS);
  await delay(1_000);
  for (const [index, app] of both.entries()) {
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
  // Requests of all kinds came to an end, and both servers had their part.
  for (const kind of ['health', 'whole', 'stream'] as const) expect(ended.get(kind)).toBeGreaterThan(20);
  for (const { url } of both) expect(balancer.counts.get(url)).toBeGreaterThan(5);
}, 180_000);
