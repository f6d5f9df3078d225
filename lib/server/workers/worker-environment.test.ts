import { expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { workerEnvironment } from '#lib/server/workers/worker-environment';

const of = (env: Record<string, string>, number: number, cores = 8, redisUrl?: string) =>
  workerEnvironment(readConfig(env), { number, writesBanner: false }, redisUrl, cores);

it('divides the slots of programs, and each worker has one', () => {
  const slots = (env: Record<string, string>, cores?: number) =>
    Array.from({ length: Number(env.WORKERS) }, (_, index) => Number(of(env, index + 1, cores).CODE_MAX_CONCURRENT));
  expect(slots({ WORKERS: '3' })).toEqual([3, 3, 2]);
  expect(slots({ WORKERS: '4', CODE_MAX_CONCURRENT: '4' })).toEqual([1, 1, 1, 1]);
  expect(slots({ WORKERS: '4' }, 2)).toEqual([1, 1, 1, 1]);
});

it('divides the memory of waiting sandboxes to the megabyte, and none stays none', () => {
  const megabytes = (total: string) => [1, 2, 3].map((n) => of({ WORKERS: '3', CODE_WARM_MEMORY_MB: total }, n));
  expect(megabytes('512').map((env) => env.CODE_WARM_MEMORY_MB)).toEqual(['171', '171', '170']);
  expect(megabytes('0').map((env) => env.CODE_WARM_MEMORY_MB)).toEqual(['0', '0', '0']);
});

it('gives the embedded Redis, and otherwise leaves REDIS_URL as it is', () => {
  expect(of({ WORKERS: '2' }, 1, 2, 'unix:///data/redis.sock').REDIS_URL).toBe('unix:///data/redis.sock');
  expect(of({ WORKERS: '2' }, 1)).not.toHaveProperty('REDIS_URL');
});

it('makes an environment whose settings are valid', () => {
  const env = of({ WORKERS: 'auto' }, 1, 8, 'unix:///data/redis/redis.sock');
  expect(readConfig(env).WORKERS).toBe(readConfig({ WORKERS: 'auto' }).WORKERS);
});

it('delays the end of workers by default only where the Redis is not their own', () => {
  const delayOf = (env: Record<string, string>, redisUrl?: string) =>
    of({ WORKERS: '2', ...env }, 1, 2, redisUrl).SHUTDOWN_DELAY_MS;
  expect(delayOf({}, 'unix:///data/redis.sock')).toBe('0');
  expect(delayOf({ REDIS_URL: 'redis://127.0.0.1:6379' })).toBe('5000');
  expect(delayOf({ SHUTDOWN_DELAY_MS: '3000' }, 'unix:///data/redis.sock')).toBe('3000');
});
