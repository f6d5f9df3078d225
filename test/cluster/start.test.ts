import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { launch, NO_PROGRAMS, startApp } from '../support/running-app.ts';

const servers: { close(): unknown }[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function redisServer(...settings: string[]): Promise<RedisServer> {
  const redis = await startRedis(settings);
  servers.push(redis);
  return redis;
}

/** A server that must not start, with what it wrote. */
async function refusal(env: Record<string, string>): Promise<string> {
  const app = launch(['server.ts'], { ...NO_PROGRAMS, LOG_LEVEL: 'silent', PORT: String(await freePort()), ...env });
  const deadline = setTimeout(() => void app.stop(1_000), 20_000);
  const code = await app.ended;
  clearTimeout(deadline);
  expect(code).toBe(1);
  return app.output();
}

const redisState = async ({ url }: { url: string }): Promise<string> =>
  (await (await fetch(`${url}/api/ready`)).json()).parts.redis.state;

it('refuses to start with a Redis that evicts keys, by a sentence that says what to set', async () => {
  const redis = await redisServer('--maxmemory', '100mb', '--maxmemory-policy', 'volatile-lru');
  const output = await refusal({ REDIS_URL: redis.url });
  expect(output).toMatch(/has maxmemory-policy volatile-lru.*Set it to noeviction/);
  expect(output).not.toMatch(/\n\s+at /);
}, 60_000);

it.each([
  ['at once', 0],
  ['later than a request waits', 700],
])(
  'refuses to start with Redis 6 that says so %s',
  async (_when, lateMs) => {
    const info = 'redis_version:6.2.14\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nloading:0\r\n';
    const replies = new Map([
      ['info', `$${info.length}\r\n${info}\r\n`],
      ['hello', '-ERR unknown command `HELLO`\r\n'],
      ['time', '*2\r\n$1\r\n1\r\n$1\r\n1\r\n'],
      ['ping', '+PONG\r\n'],
    ]);
    const old = createServer((socket) => {
      let infos = 0;
      let last = Promise.resolve();
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        for (const [, name = ''] of chunk.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
          const command = name.toLowerCase();
          if (command === 'info') infos += 1;
          // The first one is part of the handshake.
          const waitMs = command === 'info' && infos === 2 ? lateMs : 0;
          last = last.then(async () => {
            await delay(waitMs);
            socket.write(replies.get(command) ?? '+OK\r\n');
          });
        }
      });
    });
    await new Promise<void>((listening) => old.listen(0, '127.0.0.1', listening));
    servers.push({ close: () => old.close() });
    const { port } = old.address() as AddressInfo;
    expect(await refusal({ REDIS_URL: `redis://127.0.0.1:${port}` })).toMatch(
      /Redis 6\.2\.14 at 127\.0\.0\.1.*must be Redis 7\.0 or Valkey 7\.2/,
    );
  },
  60_000,
);

it('refuses another machine without a password before it connects', async () => {
  expect(await refusal({ REDIS_URL: 'redis://redis.invalid' })).toMatch(/REDIS_URL must have a password/);
}, 60_000);

it('signs in by user and password, and writes neither, also where they are wrong', async () => {
  const redis = await redisServer('--requirepass', 'a-secret-password');
  const right = `redis://default:a-secret-password@127.0.0.1:${redis.port}`;
  const app = await startApp('server', { ...NO_PROGRAMS, REDIS_URL: right, LOG_LEVEL: 'trace' });
  await expect.poll(() => redisState(app)).toBe('up');
  await app.stop();
  expect(app.output()).not.toContain('a-secret-password');
  const wrong = `redis://default:another-password@127.0.0.1:${redis.port}`;
  const alone = await startApp('server', { ...NO_PROGRAMS, REDIS_URL: wrong, LOG_LEVEL: 'trace' });
  expect(await redisState(alone)).toBe('unavailable');
  // The log is written in batches.
  await expect.poll(alone.output).toMatch(/WRONGPASS/);
  await alone.stop();
  expect(alone.output()).not.toContain('another-password');
}, 60_000);

it('warns of a Redis without an append-only file, and starts', async () => {
  const redis = await redisServer('--appendonly', 'no');
  const app = await startApp('server', { ...NO_PROGRAMS, REDIS_URL: redis.url, LOG_LEVEL: 'warn' });
  await app.stop();
  expect(app.output()).toMatch(/keeps no append-only file.*Set appendonly yes/);
}, 60_000);

it('loads ioredis, bullmq and the shared queue with REDIS_URL only', async () => {
  const redis = await redisServer();
  const loadedBy = async (env: Record<string, string>) => {
    const folder = mkdtempSync(join(tmpdir(), 'modules-'));
    const list = join(folder, 'modules');
    const app = await startApp('server', {
      ...NO_PROGRAMS,
      NODE_OPTIONS: `--import ${join(process.cwd(), 'test/support/list-modules.mjs')}`,
      MODULE_LIST: list,
      LOG_LEVEL: 'silent',
      RATE_LIMIT_CHAT: '100',
      ...env,
    });
    for (const path of ['/api/models', '/api/ready', '/api/metrics']) await fetch(app.url + path);
    await fetch(`${app.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], stream: false, options: { num_predict: 1 } }),
    });
    await app.stop();
    const names = (await readFile(list, 'utf8')).split('\n');
    await rm(folder, { recursive: true, force: true });
    const part = /\/node_modules\/(ioredis|bullmq)\/|\/lib\/(cluster\/[\w-]+|server\/join-cluster)\.ts/;
    return [...new Set(names.flatMap((name) => name.match(part)?.slice(1).find(Boolean) ?? []))].sort();
  };
  // Neither has imports that are kept at run time but for the singletons.
  expect(await loadedBy({})).toEqual(['cluster/cluster', 'cluster/lines']);
  const joined = await loadedBy({ REDIS_URL: redis.url });
  const parts = ['ioredis', 'bullmq', 'server/join-cluster', 'cluster/redis-cluster', 'cluster/shared-engine'];
  expect(joined).toEqual(expect.arrayContaining(parts));
}, 120_000);

it('connects over TLS with the authority of REDIS_CA_FILE, and through Sentinel', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', 'key.pem', '-out', 'cert.pem'],
  );
  const [tlsPort, sentinelPort] = [await freePort(), await freePort()];
  const files = ['--tls-cert-file', join(folder, 'cert.pem'), '--tls-key-file', join(folder, 'key.pem')];
  const ca = join(folder, 'cert.pem');
  const trust = ['--tls-ca-cert-file', ca, '--tls-auth-clients', 'no'];
  const redis = await redisServer('--tls-port', String(tlsPort), ...files, ...trust);
  const expectState = async (state: string, env: Record<string, string>) => {
    const app = await startApp('server', { ...NO_PROGRAMS, LOG_LEVEL: 'silent', ...env });
    await expect.poll(() => redisState(app)).toBe(state);
    await app.stop();
  };
  const url = `rediss://127.0.0.1:${tlsPort}`;
  await expectState('up', { REDIS_URL: url, REDIS_CA_FILE: ca });
  await expectState('unavailable', { REDIS_URL: url });
  const absent = await refusal({ REDIS_URL: url, REDIS_CA_FILE: join(folder, 'absent.pem') });
  expect(absent).toMatch(/REDIS_CA_FILE cannot be read/);
  const sentinel = join(folder, 'sentinel.conf');
  await writeFile(sentinel, `port ${sentinelPort}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 ${redis.port} 1\n`);
  const watcher = spawn('redis-server', [sentinel, '--sentinel'], { cwd: folder, stdio: 'ignore' });
  servers.push({ close: () => watcher.kill('SIGKILL') });
  const probe = () => fetch(`http://127.0.0.1:${sentinelPort}`).catch((error) => String(error.cause?.code));
  await expect.poll(probe, { timeout: 10_000 }).not.toBe('ECONNREFUSED');
  await expectState('up', { REDIS_URL: `redis+sentinel://127.0.0.1:${sentinelPort}/main` });
  await rm(folder, { recursive: true, force: true });
}, 120_000);
