import { mkdtempSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import {
  modelsOf,
  redisCommand,
  redisOf,
  redisSocket,
  runs,
  scrape,
  untilWorkersServe,
  workersOf,
} from '../support/worker-app.ts';

/** Two servers that share a port on this machine, and their Redis. */
let app: RunningApp | undefined;
let model: FaultyModelServer;
let dataDir: string;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'workers-'));
  model = await startFaultyModelServer();
  let calls = 0;
  model.choose(() => {
    calls += 1;
    return [{ send: ollama.text(`response ${calls}`) }, { send: ollama.done() }];
  });
});

afterEach(async () => {
  await app?.stop(20_000);
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
    LOG_LEVEL: 'info',
    DATA_DIR: dataDir,
    SHUTDOWN_TIMEOUT_MS: '2000',
    ...env,
  });
  // With accounts the metrics need a key.
  if (env.AUTH === undefined) await untilWorkersServe(app, 2);
  return app;
}

/** A request on a connection for it alone, so that any worker may get it. */
async function send(
  url: string,
  body?: object,
  deadlineMs = 10_000,
): Promise<{ status: number; ms: number; text: string; error?: string }> {
  const startedMs = performance.now();
  try {
    const response = await fetch(url, {
      headers: { connection: 'close', 'content-type': 'application/json' },
      signal: AbortSignal.timeout(deadlineMs),
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text(), ms: performance.now() - startedMs };
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return { status: 0, text: '', ms: performance.now() - startedMs, error: cause?.code ?? name };
  }
}

const ask = (url: string, content: string) =>
  send(`${url}/api/chat-optimized`, { messages: [{ role: 'user', content }], stream: false });

/** Requests of `path` that a worker has served. */
function servedBy(metrics: string, worker: number, path: string): number {
  const series = `chill_space_http_request_duration_seconds_count\\{worker="${worker}",route="${path}"[^}]*\\} (\\d+)`;
  return Number(new RegExp(series).exec(metrics)?.[1] ?? 0);
}

const linesWith = ({ output }: RunningApp, text: string) =>
  output()
    .split('\n')
    .filter((line) => line.includes(text));

it('has all workers respond at one port, over a Redis for them alone', async () => {
  const workers = await startWorkers({ CACHE_PERSIST: 'false' });
  const { url } = workers;
  const known = await ask(url, 'a question');
  expect(known.status).toBe(200);
  const replies = await Promise.all(Array.from({ length: 40 }, () => ask(url, 'a question')));
  expect(new Set(replies.map(({ text }) => JSON.parse(text).message.content))).toEqual(new Set(['response 1']));
  expect(model.requests).toHaveLength(1);
  let sent = 0;
  let served = [0, 0];
  // A worker that is awake may accept what comes at once by itself.
  for (let round = 0; round < 50 && Math.min(...served) === 0; round++) {
    const versions = await Promise.all(Array.from({ length: 40 }, () => send(`${url}/api/version`)));
    expect(versions.filter(({ status }) => status !== 200)).toEqual([]);
    sent += versions.length;
    const metrics = await scrape(workers);
    served = [1, 2].map((worker) => servedBy(metrics, worker, '/api/version'));
  }
  expect(Math.min(...served)).toBeGreaterThan(0);
  expect(served.reduce((sum, count) => sum + count)).toBe(sent);
  // The first counts itself before the second has reported.
  await expect
    .poll(() => scrape(workers), { timeout: 15_000 })
    .toMatch(/chill_space_instances\{worker="1",scope="cluster"\} 2/);
  // No other user reaches what they share, and no other machine.
  expect(statSync(join(dataDir, 'redis')).mode & 0o777).toBe(0o700);
  expect(statSync(redisSocket(dataDir)).mode & 0o777).toBe(0o700);
  expect(await redisCommand(dataDir, 'CONFIG', 'GET', 'port')).toContain('\r\n0\r\n');
  expect(await redisCommand(dataDir, 'CONFIG', 'GET', 'maxmemory-policy')).toContain('noeviction');
  expect((await send(`${url}/api/ready`)).text).toContain('"redis":{"state":"up"}');
}, 120_000);

it('writes its banner and the set-up link once, and no other link when a worker is replaced', async () => {
  const workers = await startWorkers({ AUTH: 'accounts', HOST: '127.0.0.1' });
  await expect.poll(() => linesWith(workers, 'code runner ready'), { timeout: 30_000 }).toHaveLength(2);
  await expect.poll(() => linesWith(workers, 'set-up:'), { timeout: 20_000 }).toHaveLength(1);
  expect(linesWith(workers, 'Chill Space')).toHaveLength(1);
  expect(linesWith(workers, '2 servers share the port')).toHaveLength(1);
  expect(linesWith(workers, 'another server uses this database')).toEqual([]);
  const first = workersOf(workers)[0]?.pid ?? 0;
  process.kill(first, 'SIGKILL');
  await expect.poll(() => workersOf(workers).filter(({ pid }) => pid !== first), { timeout: 20_000 }).toHaveLength(2);
  await untilLogged(workers, 'ended without being shut down');
  await delay(2_000);
  expect(linesWith(workers, 'set-up:')).toHaveLength(1);
  const link = /set-up: (\S+)/.exec(workers.output())?.[1] ?? '';
  const person = { name: 'Ada', email: 'ada@example.org', password: 'a long enough password' };
  const made = await fetch(`${workers.url}/api/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: workers.url },
    body: JSON.stringify({ token: new URL(link).searchParams.get('token'), ...person }),
  });
  expect(made.status).toBe(201);
}, 120_000);

const untilLogged = (workers: RunningApp, text: string) =>
  expect.poll(() => linesWith(workers, text).length, { timeout: 20_000 }).toBeGreaterThan(0);

it('replaces a worker that is killed under load, and never refuses a connection', async () => {
  const workers = await startWorkers();
  const replies: Awaited<ReturnType<typeof send>>[] = [];
  let isOver = false;
  const loops = Array.from({ length: 8 }, async () => {
    while (!isOver) replies.push(await send(`${workers.url}/api/version`));
  });
  await delay(500);
  for (let round = 0; round < 3; round++) {
    const [victim] = workersOf(workers);
    process.kill(victim?.pid ?? 0, 'SIGKILL');
    const others = () => workersOf(workers).filter(({ pid }) => pid !== victim?.pid);
    await expect.poll(others, { timeout: 10_000, interval: 20 }).toHaveLength(2);
    await untilWorkersServe(workers, 2);
  }
  isOver = true;
  await Promise.all(loops);
  const failed = replies.filter(({ status }) => status !== 200);
  // What the killed worker had taken is cut; nothing is refused, and nothing hangs.
  expect(new Set(failed.map(({ error }) => error))).not.toContain('ECONNREFUSED');
  expect(new Set(failed.map(({ error }) => error))).not.toContain('TimeoutError');
  expect(failed.length).toBeLessThanOrEqual(3 * 8);
  expect(replies.length).toBeGreaterThan(100);
  expect(linesWith(workers, 'another one takes its place').length).toBeGreaterThan(0);
}, 120_000);

it('leaves no connection hanging at a worker that is stopped and then killed', async () => {
  const workers = await startWorkers();
  const [victim] = workersOf(workers);
  process.kill(victim?.pid ?? 0, 'SIGSTOP');
  const replies = Promise.all(Array.from({ length: 30 }, () => send(`${workers.url}/api/version`)));
  await delay(500);
  process.kill(victim?.pid ?? 0, 'SIGKILL');
  expect((await replies).filter(({ error }) => error === 'TimeoutError')).toEqual([]);
}, 120_000);

it('starts a killed Redis again with its data, while no request waits for it', async () => {
  const workers = await startWorkers({ RATE_LIMIT_CHAT: '10000', CACHE_PERSIST: 'false' });
  await ask(workers.url, 'known');
  expect(await redisCommand(dataDir, 'SET', 'kept', 'value')).toBe('+OK\r\n');
  const [before] = redisOf(workers);
  const replies: Awaited<ReturnType<typeof send>>[] = [];
  let isOver = false;
  const loops = Array.from({ length: 4 }, async (_, loop) => {
    for (let round = 0; !isOver; round++)
      replies.push(await ask(workers.url, round % 2 === 0 ? 'known' : `question ${loop} ${round}`));
  });
  await delay(300);
  process.kill(before?.pid ?? 0, 'SIGKILL');
  await expect
    .poll(() => redisOf(workers).map(({ pid }) => pid), { timeout: 10_000 })
    .toSatisfy((pids: number[]) => pids.length === 1 && pids[0] !== before?.pid);
  await expect
    .poll(async () => JSON.parse((await send(`${workers.url}/api/ready`)).text).parts.redis.state, { timeout: 15_000 })
    .toBe('up');
  isOver = true;
  await Promise.all(loops);
  expect(await redisCommand(dataDir, 'GET', 'kept')).toBe('$5\r\nvalue\r\n');
  // One that waits for ten seconds has the status 0.
  expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
  await untilLogged(workers, 'the embedded Redis runs again');
}, 120_000);

it('has one built-in model for all workers, which outlives each and is started again', async () => {
  const workers = await startWorkers({ MODEL_PROVIDER: 'embedded', CACHE_ENABLED: 'false' });
  const { url } = workers;
  const body = { stream: false, options: { num_predict: 4 } };
  const chat = (content: string) =>
    send(`${url}/api/chat-optimized`, { messages: [{ role: 'user', content }], ...body }, 60_000);
  let served = [0, 0];
  for (let round = 0; round < 10 && Math.min(...served) === 0; round++) {
    const replies = await Promise.all(Array.from({ length: 4 }, (_, index) => chat(`Count to ${round}, ${index}.`)));
    expect(replies.filter(({ status }) => status !== 200)).toEqual([]);
    const metrics = await scrape(workers);
    served = [1, 2].map((worker) => servedBy(metrics, worker, '/api/chat-optimized'));
  }
  expect(Math.min(...served)).toBeGreaterThan(0);
  expect(modelsOf(workers)).toHaveLength(1);
  const [running] = modelsOf(workers);
  expect(running?.parent).toBe(workers.pid);
  const listed = await Promise.all(Array.from({ length: 10 }, () => send(`${url}/api/models`)));
  expect(listed.map(({ text }) => JSON.parse(text).models[0].loaded)).toEqual(listed.map(() => true));
  process.kill(workersOf(workers)[0]?.pid ?? 0, 'SIGKILL');
  await untilWorkersServe(workers, 2);
  expect((await chat('Go on.')).status).toBe(200);
  expect(modelsOf(workers).map(({ pid }) => pid)).toEqual([running?.pid]);
  process.kill(running?.pid ?? 0, 'SIGKILL');
  await expect.poll(() => runs(running?.pid ?? 0)).toBe(false);
  expect((await chat('Once more.')).status).toBe(200);
  expect(modelsOf(workers)).toHaveLength(1);
}, 180_000);

it('passes WebSockets through each worker', async () => {
  const backend = createServer();
  const sockets = new Set<Socket>();
  backend.on('upgrade', (_incoming, socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.pipe(socket);
  });
  await new Promise<void>((listening) => backend.listen(0, '127.0.0.1', listening));
  const { port } = backend.address() as AddressInfo;
  const { url } = await startWorkers({ PRIVATE_BACKEND_URL: `http://127.0.0.1:${port}` });
  const echo = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      let text = '';
      socket.setTimeout(10_000, () => socket.destroy(new Error(`no echo: ${text}`)));
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        text += chunk;
        if (text.endsWith('\r\n\r\n')) socket.write('a frame');
        else if (text.endsWith('a frame')) {
          resolve('a frame');
          socket.destroy();
        }
      });
      socket.write(
        'GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
    });
  expect(await Promise.all(Array.from({ length: 12 }, echo))).toEqual(Array.from({ length: 12 }, () => 'a frame'));
  for (const socket of sockets) socket.destroy();
  backend.close();
}, 120_000);
