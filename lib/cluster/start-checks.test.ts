import { describe, expect, it } from 'vitest';
import { isAlmostFull } from '#lib/cluster/memory-watch';
import { checkRedis, parseInfo } from '#lib/cluster/start-checks';

const USUAL = { redis_version: '7.0.15', maxmemory_policy: 'noeviction', aof_enabled: '1' };
const info = (fields: Record<string, string>) => {
  const lines = Object.entries({ ...USUAL, ...fields }).map(([name, value]) => `${name}:${value}`);
  return parseInfo(`# Server\r\n${lines.join('\r\n')}\r\n`);
};
const check = (fields: Record<string, string>, setting: 'REDIS_URL' | 'CACHE_REDIS_URL' = 'REDIS_URL') =>
  checkRedis(info(fields), 'redis.example:6379', setting);

describe('checkRedis', () => {
  it('accepts Redis 7.0 and Valkey 7.2 that evict nothing and keep an append-only file', () => {
    expect(check({})).toEqual({ problems: [], warnings: [] });
    expect(check({ redis_version: '7.2.4', valkey_version: '7.2.8' })).toEqual({ problems: [], warnings: [] });
    expect(check({ redis_version: '10.1.0' }).problems).toEqual([]);
  });

  it.each([
    [{ redis_version: '6.2.14' }, /Redis 6\.2\.14 at redis\.example:6379; it must be Redis 7\.0 or Valkey 7\.2/],
    [{ valkey_version: '7.1.0' }, /Valkey 7\.1\.0/],
    [{ maxmemory_policy: 'volatile-lru' }, /maxmemory-policy volatile-lru.*Set it to noeviction/],
    [{ maxmemory_policy: 'allkeys-lru' }, /CACHE_REDIS_URL/],
  ])('refuses %o by a sentence', (fields, sentence) => {
    expect(check(fields).problems).toEqual([expect.stringMatching(sentence)]);
  });

  it('warns of a Redis that forgets everything when it is restarted', () => {
    expect(check({ aof_enabled: '0' })).toEqual({
      problems: [],
      warnings: [expect.stringMatching(/Set appendonly yes/)],
    });
  });

  it('lets the Redis of cached responses evict and forget', () => {
    expect(check({ maxmemory_policy: 'allkeys-lru', aof_enabled: '0' }, 'CACHE_REDIS_URL')).toEqual({
      problems: [],
      warnings: [],
    });
    expect(check({ redis_version: '5.0.0' }, 'CACHE_REDIS_URL').problems).toEqual([
      expect.stringMatching(/^CACHE_REDIS_URL/),
    ]);
  });

  it('accepts what a server that hides its settings does not say', () => {
    expect(checkRedis(parseInfo(''), 'redis.example:6379', 'REDIS_URL')).toEqual({ problems: [], warnings: [] });
  });
});

it('takes Redis as full from 70 % of maxmemory, or from 512 MB without one', () => {
  const isFull = (used: number, max: number) =>
    isAlmostFull(info({ used_memory: String(used), maxmemory: String(max) }));
  expect([isFull(699, 1000), isFull(700, 1000)]).toEqual([false, true]);
  expect([isFull(512 * 1024 ** 2 - 1, 0), isFull(512 * 1024 ** 2, 0)]).toEqual([false, true]);
});
