import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { processesBelow, redisSocket, runs, untilWorkersServe, workersOf } from '../support/worker-app.ts';

/** How servers with WORKERS end, and what they leave. */
const WORDS = ['one ', 'two ', 'three ', 'four'];
let app: RunningApp | undefined;
let model: FaultyModelServer;
let dataDir: string;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'workers-end-'));
  model = await startFaultyModelServer();
  model.choose(() => [
    ...WORDS.flatMap((word) => [{ send: ollama.text(word) }, { wait: delay(300) }]),
    { send: ollama.done() },
  ]);
});

afterEach(async () => {
  if (app !== undefined && runs(app.pid)) await app.stop(20_000);
  app = undefined;
  await model.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function startWorkers(env: Record<string, string> = {}): Promise<RunningApp> {
  app = await startApp('server', {
    ...NO_PROGRAMS,
    WORKERS: '2',
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    QUEUE_MAX_CONCURRENT: '40',
    CACHE_ENABLED: 'false',
    LOG_LEVEL: 'info',
    DATA_DIR: dataDir,
    SHUTDOWN_TIMEOUT_MS: '10000',
    ...env,
  });
  await untilWorkersServe(app, 2);
  return app;
}

/** The text of a stream on a connection for it alone; an error's code if it fails. */
async function stream(url: string, content: string): Promise<string> {
  try {
    const response = await fetch(`${url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ messages: [{ role: 'user', content }], stream: true }),
      signal: AbortSignal.timeout(20_000),
    });
    const events = (await response.text()).split('\n\n').filter((line) => line !== '');
    return events.map((line) => JSON.parse(line.slice('data: '.length)).content ?? '').join('');
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return cause?.code ?? name;
  }
}

async function expectNothingLeft(pids: readonly number[]): Promise<void> {
  await expect.poll(() => pids.filter(runs), { timeout: 10_000 }).toEqual([]);
  expect(existsSync(redisSocket(dataDir))).toBe(false);
  expect(existsSync(join(dataDir, 'redis', 'redis.pid'))).toBe(false);
}

const pidsOf = ({ pid }: RunningApp) => [pid, ...processesBelow(pid).map((child) => child.pid)];

it.each(['SIGTERM', 'SIGINT'] as const)(
  'fails no request and cuts no stream at %s, and leaves nothing',
  async (signal) => {
    const workers = await startWorkers({ SHUTDOWN_DELAY_MS: '5000' });
    const pids = pidsOf(workers);
    expect(pids.length).toBeGreaterThanOrEqual(4);
    const streams: Promise<string>[] = [];
    const begin = async (count: number, name: string) => {
      for (let index = 0; index < count; index++) {
        streams.push(stream(workers.url, `${name} ${index}`));
        await delay(50);
      }
    };
    await begin(10, 'before');
    // As a terminal or a service manager does, which signals all processes.
    for (const { pid } of [workers, ...workersOf(workers)]) process.kill(pid, signal);
    await begin(10, 'while stopping');
    expect((await fetch(`${workers.url}/api/ready`, { headers: { connection: 'close' } })).status).toBe(503);
    expect(await Promise.all(streams)).toEqual(streams.map(() => WORDS.join('')));
    expect(await workers.ended).toBe(0);
    await expectNothingLeft(pids);
  },
  120_000,
);

it('ends at once at a second signal', async () => {
  const workers = await startWorkers({ SHUTDOWN_TIMEOUT_MS: '60000' });
  const pids = pidsOf(workers);
  model.choose(() => [{ send: ollama.text('one') }, 'hang']);
  const open = [stream(workers.url, 'a'), stream(workers.url, 'b')];
  await expect.poll(() => model.running).toBe(2);
  process.kill(workers.pid, 'SIGTERM');
  await delay(500);
  expect(runs(workers.pid)).toBe(true);
  const secondMs = performance.now();
  process.kill(workers.pid, 'SIGTERM');
  expect(await workers.ended).toBe(1);
  // It would wait for a minute.
  expect(performance.now() - secondMs).toBeLessThan(30_000);
  await Promise.all(open);
  await expectNothingLeft(pids);
}, 120_000);

it('ends with all of its processes at SIGHUP, and when it is killed', async () => {
  const hungUp = await startWorkers();
  const first = pidsOf(hungUp);
  process.kill(hungUp.pid, 'SIGHUP');
  expect(await hungUp.ended).toBe(129);
  await expectNothingLeft(first);
  const killed = await startWorkers();
  const second = pidsOf(killed);
  process.kill(killed.pid, 'SIGKILL');
  await expectNothingLeft(second);
}, 120_000);

it('kills a worker that does not end in time, and says so', async () => {
  const workers = await startWorkers({ SHUTDOWN_TIMEOUT_MS: '0' });
  const pids = pidsOf(workers);
  process.kill(workersOf(workers)[0]?.pid ?? 0, 'SIGSTOP');
  process.kill(workers.pid, 'SIGTERM');
  expect(await workers.ended).toBe(1);
  expect(workers.output()).toContain('a worker did not end: it is killed');
  await expectNothingLeft(pids);
}, 120_000);

it('waits longer each time that a worker ends at once, and says so', async () => {
  const workers = await startWorkers();
  const kept = workersOf(workers)[0]?.pid;
  let victim = workersOf(workers)[1]?.pid;
  for (let round = 0; round < 3; round++) {
    process.kill(victim ?? 0, 'SIGKILL');
    const next = () => workersOf(workers).find(({ pid }) => pid !== kept && pid !== victim)?.pid;
    await expect.poll(next, { timeout: 10_000, interval: 20 }).toBeDefined();
    victim = next();
  }
  await expect.poll(workers.output).toMatch(/"again_in_ms":1000/);
  const delays = [...workers.output().matchAll(/a worker ends again and again|"again_in_ms":(\d+)/g)];
  expect(delays.map(([, ms]) => ms).filter(Boolean)).toEqual(['500', '1000']);
  expect((await fetch(`${workers.url}/health`)).status).toBe(200);
  await untilWorkersServe(workers, 2);
}, 120_000);

it('replaces a worker that an operator stops', async () => {
  const workers = await startWorkers();
  const before = workersOf(workers).map(({ pid }) => pid);
  const open = Array.from({ length: 8 }, (_, index) => stream(workers.url, `question ${index}`));
  await expect.poll(() => model.running, { interval: 10 }).toBeGreaterThanOrEqual(4);
  process.kill(before[0] ?? 0, 'SIGTERM');
  expect(await Promise.all(open)).toEqual(open.map(() => WORDS.join('')));
  await expect.poll(() => runs(before[0] ?? 0), { timeout: 10_000 }).toBe(false);
  await untilWorkersServe(workers, 2);
  await expect.poll(workers.output).toContain('a worker has stopped');
}, 120_000);
