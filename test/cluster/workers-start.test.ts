import { existsSync, mkdtempSync, symlinkSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startRedis } from '../support/redis.ts';
import { launch, NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import {
  processesBelow,
  redisCommand,
  redisOf,
  redisSocket,
  runs,
  untilWorkersServe,
  workersOf,
} from '../support/worker-app.ts';

/** How servers with WORKERS start, and when they refuse to. */
let folder: string;
const running: Pick<RunningApp, 'stop'>[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'workers-start-'));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.stop(20_000)));
  await rm(folder, { recursive: true, force: true });
});

const STACK_TRACE = /\n\s+at .*[(:]\d+/;

/** Servers that must not start, with what they wrote. */
async function refusal(env: Record<string, string>): Promise<string> {
  const port = String(await freePort());
  const settings = { ...NO_PROGRAMS, LOG_LEVEL: 'silent', PORT: port, WORKERS: '2', DATA_DIR: folder, ...env };
  const app = launch(['server.ts'], settings);
  const deadline = setTimeout(() => void app.stop(1_000), 30_000);
  expect(await app.ended).toBe(1);
  clearTimeout(deadline);
  expect(processesBelow(app.pid)).toEqual([]);
  expect(app.output()).not.toMatch(STACK_TRACE);
  return app.output();
}

async function start(env: Record<string, string>): Promise<RunningApp> {
  const app = await startApp('server', { ...NO_PROGRAMS, LOG_LEVEL: 'info', DATA_DIR: folder, ...env });
  running.push(app);
  return app;
}

it('says what to install where there is no redis-server', async () => {
  const empty = mkdtempSync(join(folder, 'path-'));
  const output = await refusal({ PATH: empty });
  expect(output).toMatch(/^WORKERS=2 needs a Redis.*apt-get install redis-server.*REDIS_URL/);
}, 60_000);

it('says so before npm start builds, and not for npm run dev', async () => {
  const env = { WORKERS: '2', PATH: mkdtempSync(join(folder, 'path-')), PORT: String(await freePort()) };
  const serving = launch(['scripts/check-settings.ts', '--port'], env);
  expect(await serving.ended).toBe(1);
  expect(serving.output()).toMatch(/^WORKERS=2 needs a Redis/);
  const developing = launch(['scripts/check-settings.ts'], env);
  expect([await developing.ended, developing.output()]).toEqual([0, '']);
}, 60_000);

it('needs none where REDIS_URL is set, and starts none', async () => {
  const redis = await startRedis();
  const app = await start({ WORKERS: '2', REDIS_URL: redis.url, PATH: mkdtempSync(join(folder, 'path-')) });
  await untilWorkersServe(app, 2);
  expect(redisOf(app)).toEqual([]);
  expect(existsSync(join(folder, 'redis'))).toBe(false);
  await app.stop();
  await redis.close();
}, 60_000);

it.each([
  ['a number that is none', { WORKERS: 'abc' }, /WORKERS must be auto or a whole number from 1 to 128 \(it is "abc"\)/],
  [
    'a bad setting, once',
    { CACHE_TTL_SECONDS: '-1' },
    /^A setting is not valid:\n {2}CACHE_TTL_SECONDS[^\n]*\n[^\n]*\n$/,
  ],
  ['a folder that is too deep for a socket', { DATA_DIR: join('/tmp', 'd'.repeat(110)) }, /Set a shorter DATA_DIR/],
  ['a folder that cannot be made', { DATA_DIR: '/proc/1/none' }, /cannot be made.*Set DATA_DIR/],
])(
  'refuses %s',
  async (_what, env, sentence) => {
    expect(await refusal(env)).toMatch(sentence);
  },
  60_000,
);

it('ends with the sentence of a server by itself where its port is taken, once', async () => {
  const other = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  const output = await refusal({ PORT: String(port) });
  other.close();
  expect(output).toBe(
    `Port ${port} is taken by another program. Stop that one, or choose another port: PORT=${port + 1} npm start\n`,
  );
  expect(existsSync(redisSocket(folder))).toBe(false);
}, 60_000);

it('reports a redis-server that ends at once', async () => {
  symlinkSync('/bin/false', join(folder, 'redis-server'));
  expect(await refusal({ PATH: folder })).toMatch(/redis-server of WORKERS ended when it was started: exit code 1/);
}, 60_000);

it('refuses the folder of servers that run, and leaves their Redis alone', async () => {
  const first = await start({ WORKERS: '2' });
  const [redis] = redisOf(first);
  expect(await refusal({})).toMatch(/Another server with WORKERS uses the Redis in this DATA_DIR/);
  expect(redisOf(first)).toEqual([redis]);
  expect(await redisCommand(folder, 'PING')).toBe('+PONG\r\n');
}, 60_000);

it('takes over from servers that were all killed, with their data', async () => {
  const killed = await start({ WORKERS: '2' });
  await untilWorkersServe(killed, 2);
  const [orphan] = redisOf(killed);
  await redisCommand(folder, 'SET', 'kept', 'value');
  // The workers first, which would end the Redis.
  const workers = workersOf(killed);
  for (const { pid } of workers) process.kill(pid, 'SIGSTOP');
  process.kill(killed.pid, 'SIGKILL');
  for (const { pid } of workers) process.kill(pid, 'SIGKILL');
  running.length = 0;
  expect(runs(orphan?.pid ?? 0)).toBe(true);
  const next = await start({ WORKERS: '2' });
  expect(runs(orphan?.pid ?? 0)).toBe(false);
  expect(redisOf(next)).toHaveLength(1);
  expect(await redisCommand(folder, 'GET', 'kept')).toBe('$5\r\nvalue\r\n');
}, 60_000);

it.each([{}, { WORKERS: '1' }, { WORKERS: '2', EXECUTOR_LANGUAGE: 'python' }])(
  'is one process without a module of the workers with %j',
  async (env) => {
    const list = join(folder, 'modules');
    const app = await start({
      ...env,
      NODE_OPTIONS: `--import ${join(process.cwd(), 'test/support/list-modules.mjs')}`,
      MODULE_LIST: list,
    });
    await fetch(`${app.url}/api/metrics`);
    expect(processesBelow(app.pid).filter(({ command }) => /server\.ts|redis/.test(command))).toEqual([]);
    await app.stop();
    const modules = await readFile(list, 'utf8');
    expect(modules).toContain('lib/server/start.ts');
    const isExecutor = 'EXECUTOR_LANGUAGE' in env;
    if (!isExecutor) expect(modules).not.toMatch(/workers\/(?:supervisor|worker-pool)|embedded-redis|ioredis/);
    expect(existsSync(join(folder, 'redis'))).toBe(false);
  },
  60_000,
);
