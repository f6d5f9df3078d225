import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { SharedChange } from '#lib/cluster/cluster';
import { RedisCluster } from '#lib/cluster/redis-cluster';
import { readConfig } from '#lib/config/config';
import { type RedisServer, scan, startRedis } from '../support/redis.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** Two clusters of one process over a real Redis. */
const clusters: RedisCluster[] = [];
const closing: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
  await Promise.all(closing.splice(0).map((one) => one.close()));
});

async function redisServer(settings: readonly string[] = []): Promise<RedisServer> {
  const redis = await startRedis(settings);
  closing.push(redis);
  return redis;
}

async function proxyTo(redis: RedisServer): Promise<TcpProxy> {
  const proxy = await startTcpProxy(redis.port);
  closing.push(proxy);
  return proxy;
}

interface Joined {
  readonly cluster: RedisCluster;
  readonly changes: SharedChange[];
  readonly resyncs: { responses: boolean; conversations: boolean }[];
}

async function join(port: number, env: Record<string, string> = {}): Promise<Joined> {
  const changes: SharedChange[] = [];
  const resyncs: Joined['resyncs'] = [];
  const cluster = new RedisCluster(readConfig({ REDIS_URL: `redis://127.0.0.1:${port}`, ...env }), {
    apply: (change) => changes.push(change),
    resync: (clears) => resyncs.push(clears),
  });
  clusters.push(cluster);
  await cluster.start();
  return { cluster, changes, resyncs };
}

const person = (id: string): SharedChange => ({ kind: 'identity', of: 'person', id });
const eventually = { timeout: 10_000, interval: 10 };

it('reports a change to all other servers at once, and not to the one that made it', async () => {
  const redis = await redisServer();
  const [one, two, three] = [await join(redis.port), await join(redis.port), await join(redis.port)];
  await expect.poll(() => two.cluster.connections.hints, eventually).toBe(true);
  // Without hints each would be seen a second after the one before.
  const tookMs: number[] = [];
  const all = ['a', 'b', 'c', 'd', 'e'].map(person);
  for (const [index, change] of all.entries()) {
    const startedMs = performance.now();
    one.cluster.share(change);
    await expect.poll(() => two.changes, eventually).toEqual(all.slice(0, index + 1));
    tookMs.push(performance.now() - startedMs);
  }
  expect(Math.min(...tookMs.slice(1))).toBeLessThan(500);
  await expect.poll(() => three.changes, eventually).toEqual(all);
  expect(one.changes).toEqual([]);
});

it('sees a change soon also where hints do not arrive', async () => {
  const redis = await redisServer();
  const [one, two] = [await join(redis.port), await join(redis.port)];
  await expect.poll(() => two.cluster.connections.hints, eventually).toBe(true);
  // Subscribers alone are ended, and come back after they are tried.
  await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
  one.cluster.share(person('b'));
  await expect.poll(() => two.changes, eventually).toEqual([person('b')]);
  await expect.poll(() => two.cluster.connections.hints, eventually).toBe(true);
});

it('keeps changes while Redis is away, and reads everything again where some may be missed', async () => {
  const redis = await redisServer();
  const [one, two] = [await join(redis.port), await join(redis.port)];
  const before = two.resyncs.length;
  await redis.kill();
  one.cluster.share(person('kept'));
  await delay(300);
  await redis.restart();
  await expect.poll(() => two.changes, eventually).toEqual([person('kept')]);
  expect(two.resyncs.length).toBe(before);
  await redis.kill();
  one.cluster.share(person('after'));
  await redis.restart({ isEmpty: true });
  await expect.poll(() => two.resyncs.length, eventually).toBeGreaterThan(before);
});

it('reads everything again when more was changed than the stream keeps', async () => {
  const redis = await redisServer();
  const proxy = await proxyTo(redis);
  const [one, two] = [await join(redis.port), await join(proxy.port)];
  const before = two.resyncs.length;
  proxy.cut();
  for (let id = 0; id < 3_000; id++) one.cluster.share(person(String(id)));
  await delay(500);
  proxy.mend();
  await expect.poll(() => two.resyncs.length, { timeout: 10_000 }).toBe(before + 1);
});

it('shares values with their age, and finds none of them after a clear anywhere', async () => {
  const redis = await redisServer();
  const [one, two] = [await join(redis.port), await join(redis.port)];
  const createdAt = Date.now() - 5_000;
  one.cluster.responses.write('question', createdAt, () => Buffer.from('the response'));
  const textAtTwo = async () => (await two.cluster.responses.read('question'))?.bytes.toString();
  await expect.poll(textAtTwo, eventually).toBe('the response');
  expect(Math.abs(((await two.cluster.responses.read('question'))?.createdAt ?? 0) - createdAt)).toBeLessThan(2_000);
  await two.cluster.responses.clear();
  expect(await two.cluster.responses.read('question')).toBeUndefined();
  await expect.poll(() => one.changes.map(({ kind }) => kind), eventually).toEqual(['clear']);
  expect(await one.cluster.responses.read('question')).toBeUndefined();
  // The next ones are found again.
  one.cluster.responses.write('question', Date.now(), () => Buffer.from('another'));
  await expect.poll(textAtTwo, eventually).toBe('another');
});

it('does a clear once Redis is back, and reads nothing until then', async () => {
  const redis = await redisServer();
  const proxy = await proxyTo(redis);
  const [one, two] = [await join(proxy.port), await join(redis.port)];
  one.cluster.responses.write('question', Date.now(), () => Buffer.from('the response'));
  await expect.poll(() => two.cluster.responses.read('question'), eventually).toBeDefined();
  proxy.cut();
  await expect.poll(() => one.cluster.connections.command, eventually).toBe(false);
  await expect(one.cluster.responses.clear()).rejects.toThrow(/Redis is away/);
  proxy.mend();
  await expect.poll(() => two.changes.map(({ kind }) => kind), { timeout: 10_000 }).toContain('clear');
  expect([await one.cluster.responses.read('question'), await two.cluster.responses.read('question')]).toEqual([
    undefined,
    undefined,
  ]);
});

it('has the others drop a response that was generated again, after the new one is there', async () => {
  const redis = await redisServer();
  const [one, two] = [await join(redis.port), await join(redis.port)];
  one.cluster.responses.write('question', Date.now(), () => Buffer.from('old'));
  one.cluster.responses.write('question', Date.now(), () => Buffer.from('new'), { replaces: 'question' });
  await expect.poll(() => two.changes, eventually).toEqual([{ kind: 'drop', key: 'question' }]);
  expect((await two.cluster.responses.read('question'))?.bytes.toString()).toBe('new');
});

it('gives each value a time to live within 10 % of the setting, and shares none above 1 MiB', async () => {
  const redis = await redisServer();
  const { cluster } = await join(redis.port, { CACHE_TTL_SECONDS: '1000' });
  for (let index = 0; index < 40; index++) cluster.responses.write(`q${index}`, Date.now(), () => Buffer.from('text'));
  cluster.responses.write('large', Date.now(), () => Buffer.alloc(1024 * 1024 + 1));
  await expect.poll(() => cluster.responses.read('q39'), eventually).toBeDefined();
  const ttls = (await scan(redis, '*:cache:*')).map(({ ttl }) => ttl);
  expect(ttls).toHaveLength(40);
  expect(Math.min(...ttls)).toBeGreaterThan(895_000);
  expect(Math.max(...ttls)).toBeLessThanOrEqual(1_100_000);
  expect(new Set(ttls).size).toBeGreaterThan(20);
  expect(await cluster.responses.read('large')).toBeUndefined();
});

it('shares no more responses in a Redis that is 70 % full', async () => {
  const redis = await redisServer(['--maxmemory', '100mb', '--maxmemory-policy', 'noeviction']);
  await redis.command('SET', 'filler', 'x'.repeat(1_000));
  await redis.command('SETRANGE', 'filler', String(80 * 1024 * 1024), 'x');
  const { cluster } = await join(redis.port);
  await expect
    .poll(() => cluster.readiness(), eventually)
    .toEqual({ state: 'up', detail: expect.stringMatching(/70 % full/) });
  cluster.responses.write('question', Date.now(), () => Buffer.from('text'));
  await delay(100);
  expect(await cluster.responses.read('question')).toBeUndefined();
});

it('keeps responses in a Redis of their own that may evict them', async () => {
  const main = await redisServer();
  const cache = await redisServer(['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru']);
  const { cluster } = await join(main.port, { CACHE_REDIS_URL: cache.url });
  cluster.responses.write('question', Date.now(), () => Buffer.from('text'));
  await expect.poll(() => cluster.responses.read('question'), eventually).toBeDefined();
  expect(await scan(main, '*:cache:*')).toEqual([]);
  expect(await scan(cache, '*:cache:*')).toHaveLength(1);
  await cache.kill();
  await expect.poll(() => cluster.connections, eventually).toMatchObject({ cache: false, command: true });
  expect(await cluster.responses.read('question')).toBeUndefined();
  expect(cluster.readiness().state).toBe('up');
});

it('allows exactly the limit to requests that arrive everywhere at once', async () => {
  const redis = await redisServer();
  const joined = [await join(redis.port), await join(redis.port), await join(redis.port), await join(redis.port)];
  const limiters = joined.map(({ cluster }) => cluster.rateLimiter('chat', 60));
  const verdicts = await Promise.all(
    Array.from({ length: 61 }, async (_, index) => {
      const limiter = limiters[index % 4];
      // Some are counted one by one, others together.
      return index % 3 === 0 ? await limiter?.consume('caller') : await limiter?.defer('caller').confirm();
    }),
  );
  expect(verdicts.filter((verdict) => verdict?.isAllowed === false)).toHaveLength(1);
  expect((await limiters[0]?.consume('other'))?.isAllowed).toBe(true);
});

it('counts cached responses of all servers within 100 ms, and refuses at once from then on', async () => {
  const redis = await redisServer();
  const [one, two] = [await join(redis.port), await join(redis.port)];
  const [first, second] = [one.cluster.rateLimiter('chat', 10), two.cluster.rateLimiter('chat', 10)];
  for (let hit = 0; hit < 9; hit++) expect(first.defer('caller').isAllowed).toBe(true);
  await delay(SENT_MS);
  expect((await second.consume('caller')).isAllowed).toBe(true);
  const refused = await second.consume('caller');
  expect(refused).toMatchObject({ isAllowed: false });
  expect(refused.msBeforeNext).toBeGreaterThan(50_000);
  expect(second.defer('caller').isAllowed).toBe(false);
  second.refund('caller');
});

it('allows each server its part of the limit while Redis is away', async () => {
  const redis = await redisServer();
  const [one] = [await join(redis.port), await join(redis.port)];
  await expect.poll(() => one.cluster.instanceCount, eventually).toBe(2);
  await redis.kill();
  const limiter = one.cluster.rateLimiter('chat', 10);
  const allowed: boolean[] = [];
  for (let request = 0; request < 8; request++) allowed.push((await limiter.consume('caller')).isAllowed);
  expect(allowed.filter(Boolean)).toHaveLength(5);
});

it('gives an idempotency key to one server, and its response to the others', async () => {
  const redis = await redisServer();
  const [one, two] = [await join(redis.port), await join(redis.port)];
  const name = randomUUID();
  const claims = await Promise.all([one, two].map(({ cluster }) => cluster.idempotency.claim(name, 'print')));
  expect(claims.filter((claim) => claim === undefined)).toHaveLength(1);
  const [owner, other] = claims[0] === undefined ? [one, two] : [two, one];
  expect(await other.cluster.idempotency.claim(name, 'print')).toEqual({
    ...{ fingerprint: 'print', id: '' },
    instance: owner.cluster.instanceId,
  });
  owner.cluster.idempotency.complete(name, 'print', 'id', Buffer.from('response'));
  await expect
    .poll(async () => (await other.cluster.idempotency.claim(name, 'print'))?.response?.toString(), eventually)
    .toBe('response');
});

it('takes over the idempotency key of a server that has ended', async () => {
  const redis = await redisServer();
  const [one, two] = [await join(redis.port), await join(redis.port)];
  await one.cluster.idempotency.claim('name', 'print');
  expect(await two.cluster.idempotency.claim('name', 'print')).toBeDefined();
  await one.cluster.close();
  expect(await two.cluster.idempotency.claim('name', 'print')).toBeUndefined();
});

it('gives the key of a lost request to one of the servers that find it', async () => {
  const redis = await redisServer();
  const [one, ...others] = [await join(redis.port), await join(redis.port), await join(redis.port)];
  await one.cluster.idempotency.claim('name', 'print');
  one.cluster.idempotency.accept('name', 'print', 'id');
  await expect
    .poll(async () => (await others[0]?.cluster.idempotency.claim('name', 'print'))?.id, eventually)
    .toBe('id');
  await one.cluster.close();
  const lost = await Promise.all(others.map(({ cluster }) => cluster.idempotency.claim('name', 'print')));
  expect(lost.map((request) => request?.isLost)).toEqual([true, true]);
  const taken = await Promise.all(
    others.map(({ cluster }, index) => cluster.idempotency.takeOver('name', 'print', lost[index] ?? expect.fail())),
  );
  expect([...taken].sort()).toEqual([false, true]);
  const loser = others[taken.indexOf(false)]?.cluster;
  const winner = others[taken.indexOf(true)]?.cluster;
  expect(await loser?.idempotency.claim('name', 'print')).toMatchObject({ instance: winner?.instanceId, id: '' });
});

it('adds requests of a minute and open requests of people over all servers', async () => {
  const redis = await redisServer();
  const [one, two] = [await join(redis.port), await join(redis.port)];
  one.cluster.tallies.addToWindow('requests user:a', 3);
  one.cluster.tallies.addOpen('user:a', 2);
  expect(one.cluster.tallies.windowOf('requests user:a').count).toBe(3);
  const windowAt = async ({ cluster }: Joined) => {
    await cluster.tallies.load('requests user:a');
    return cluster.tallies.windowOf('requests user:a').count;
  };
  await expect.poll(() => windowAt(two), eventually).toBe(3);
  two.cluster.tallies.addOpen('user:a', 1);
  await expect.poll(() => two.cluster.tallies.openOf('user:a'), eventually).toBe(3);
  await expect.poll(() => one.cluster.tallies.openOf('user:a'), eventually).toBe(3);
  one.cluster.tallies.addOpen('user:a', -2);
  await expect.poll(() => two.cluster.tallies.openOf('user:a'), eventually).toBe(1);
  two.cluster.tallies.addToWindow('requests user:a', -1);
  await expect.poll(() => windowAt(one), eventually).toBe(2);
});

it('knows sessions that were signed out before it began, from Redis alone', async () => {
  const redis = await redisServer();
  const [one, witness] = [await join(redis.port), await join(redis.port)];
  const expiry = Math.floor(Date.now() / 1000) + 1000;
  one.cluster.share({ kind: 'sign-out', keyId: 'key', id: 'session', endedAt: expiry - 2000, expiry });
  await expect.poll(() => witness.changes, eventually).toHaveLength(1);
  await delay(SENT_MS);
  const two = await join(redis.port);
  expect(two.changes).toEqual([{ kind: 'sign-out', keyId: 'key', id: 'session', endedAt: expiry - 2000, expiry }]);
});

it('notices other settings, and servers that have ended', async () => {
  const redis = await redisServer();
  const [one, two] = [await join(redis.port), await join(redis.port, { CACHE_SCOPE: 'caller' })];
  await expect.poll(() => one.cluster.readiness().detail, eventually).toMatch(/different settings: CACHE_SCOPE/);
  expect(one.cluster.readiness().state).toBe('up');
  await two.cluster.close();
  await expect.poll(() => one.cluster.readiness().detail, eventually).toBeUndefined();
  expect(one.cluster.instanceCount).toBe(1);
});

/** What is sent together is in Redis by then, also where the core is busy. */
const SENT_MS = 1_000;

const FAULTS = ['freeze', 'loseOpen', 'cut'] as const;

it.each(FAULTS)('makes one request wait for a moment after the network fails, and no other: %s', async (fault) => {
  const redis = await redisServer();
  const proxy = await proxyTo(redis);
  const { cluster } = await join(proxy.port);
  proxy[fault]();
  const waits: number[] = [];
  for (let request = 0; request < 6; request++) {
    const startedMs = performance.now();
    await cluster.rateLimiter('chat', 1_000).consume('caller');
    await cluster.responses.read('question');
    await cluster.idempotency.claim(`name ${request}`, 'print');
    waits.push(performance.now() - startedMs);
  }
  expect(Math.max(...waits)).toBeLessThan(3_000);
  // Each command would wait for half a second.
  expect(waits.slice(1).filter((ms) => ms > 450)).toEqual([]);
  expect(cluster.readiness().state).toBe('unavailable');
  proxy.mend();
  await expect.poll(() => cluster.connections, { timeout: 15_000 }).toEqual({ command: true, hints: true });
  expect(cluster.readiness()).toEqual({ state: 'up' });
});

it('needs no more rights than those of the documentation', async () => {
  const redis = await redisServer();
  const rights = ['~{chill}:*', '&{chill}:*', '+@all', '-@admin', '-@dangerous', '+info'];
  expect(await redis.command('ACL', 'SETUSER', 'chill', 'on', '>secret', ...rights)).toBe('+OK');
  const url = `redis://chill:secret@127.0.0.1:${redis.port}`;
  const [one, two] = [await join(redis.port, { REDIS_URL: url }), await join(redis.port, { REDIS_URL: url })];
  one.cluster.responses.write('question', Date.now(), () => Buffer.from('text'), { replaces: 'question' });
  await expect.poll(() => two.cluster.responses.read('question'), eventually).toBeDefined();
  await expect.poll(() => two.changes.map(({ kind }) => kind), eventually).toEqual(['drop']);
  expect((await one.cluster.rateLimiter('chat', 1).consume('caller')).isAllowed).toBe(true);
  expect((await two.cluster.rateLimiter('chat', 1).consume('caller')).isAllowed).toBe(false);
  one.cluster.tallies.addOpen('user:a', 1);
  await delay(200);
  two.cluster.tallies.addOpen('user:a', 1);
  await expect.poll(() => two.cluster.tallies.openOf('user:a'), eventually).toBe(2);
  await one.cluster.responses.clear();
  await expect.poll(() => two.cluster.readiness(), eventually).toEqual({ state: 'up' });
  await expect.poll(() => one.cluster.instanceCount, eventually).toBe(2);
});

it('works over a slow network', async () => {
  const redis = await redisServer();
  const proxy = await proxyTo(redis);
  const { cluster } = await join(proxy.port);
  proxy.delay(100);
  expect((await cluster.rateLimiter('chat', 10).consume('caller')).isAllowed).toBe(true);
  cluster.responses.write('question', Date.now(), () => Buffer.from('text'));
  await expect.poll(() => cluster.responses.read('question'), eventually).toBeDefined();
  await expect.poll(() => cluster.readiness(), eventually).toEqual({ state: 'up' });
});

it('starts without Redis and takes part once it is there', async () => {
  const redis = await redisServer();
  await redis.kill();
  const startedMs = performance.now();
  const { cluster } = await join(redis.port, { REDIS_REQUIRED: 'true' });
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  expect(cluster.readiness()).toEqual({ state: 'down', detail: expect.stringMatching(/goes on alone/) });
  await redis.restart();
  await expect.poll(() => cluster.readiness(), { timeout: 10_000 }).toEqual({ state: 'up' });
  await expect.poll(() => cluster.responses.isUsable).toBe(true);
});
