import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { RedisCluster } from '#lib/cluster/redis-cluster';
import { readConfig } from '#lib/config/config';
import { type RedisServer, scan, startRedis } from '../support/redis.ts';

const closing: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close();
});

async function redisServer(): Promise<RedisServer> {
  const redis = await startRedis([]);
  closing.push(redis);
  return redis;
}

async function join(port: number): Promise<RedisCluster> {
  const settings = readConfig({ REDIS_URL: `redis://127.0.0.1:${port}` });
  const cluster = new RedisCluster(settings, { apply: () => {}, resync: () => {} });
  closing.push(cluster);
  await cluster.start();
  return cluster;
}

it('leaves no key without a time to live but the generations', async () => {
  const redis = await redisServer();
  const cluster = await join(redis.port);
  cluster.responses.write('question', Date.now(), () => Buffer.from('text'));
  cluster.conversations.write('conversation', Date.now(), () => Buffer.from('[]'));
  cluster.storedResponses.write('response', Date.now(), () => Buffer.from('{}'));
  await cluster.idempotency.claim('name', 'print');
  await cluster.rateLimiter('chat', 10).consume('203.0.113.7');
  cluster.tallies.addToWindow('requests 203.0.113.7', 1);
  cluster.tallies.addOpen('203.0.113.7', 1);
  const expiry = Math.floor(Date.now() / 1000) + 1000;
  cluster.share({ kind: 'sign-out', keyId: 'key', id: 'session', endedAt: expiry, expiry });
  await expect.poll(async () => (await scan(redis, '*')).length).toBeGreaterThanOrEqual(11);
  // What else is written.
  await delay(500);
  const keys = await scan(redis, '*');
  expect(keys.filter(({ name }) => !name.startsWith('{chill}:1:'))).toEqual([]);
  expect(
    keys
      .filter(({ ttl }) => ttl < 0)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['{chill}:1:gen:conversations', '{chill}:1:gen:responses', '{chill}:1:gen:storedResponses']);
  // No address of a client is in a name.
  expect(keys.filter(({ name }) => name.includes('203.0.113.7'))).toEqual([]);
});
