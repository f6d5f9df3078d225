import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { Follower } from '#lib/cluster/follower';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { linkTo } from '../support/shared-line.ts';

/** Logs of a real Redis, as another server reads them. */
const eventually = { timeout: 10_000, interval: 20 };
/** A read waits a little longer for an entry. */
const READ_MS = 4_500;
let redis: RedisServer | undefined;
let link: (ClusterLink & { close(): void }) | undefined;
let follower: Follower | undefined;

afterEach(async () => {
  follower?.close();
  link?.close();
  await redis?.close();
});

async function begin() {
  redis = await startRedis();
  link = await linkTo(redis.port, 'one');
  const { connection, keys } = link;
  const seen = new Map<string, string[]>();
  let listener: (run: string, id: string) => void = () => {};
  follower = new Follower(link, (run, id) => {
    seen.set(run, [...(seen.get(run) ?? []), id]);
    listener(run, id);
  });
  const onEntry = (call: typeof listener) => {
    listener = call;
  };
  const write = (run: string, id: string) => connection.client.xadd(keys.log(run), id, 'e', '[]');
  return { redis, follower, onEntry, seen, write };
}

it('reads what is there, and what comes, once and in order', async () => {
  const { follower: reader, seen, write } = await begin();
  await write('a', '1-0');
  await write('a', '1-2');
  reader.follow('a');
  await expect.poll(() => seen.get('a'), eventually).toEqual(['1-0', '1-2']);
  const startedMs = performance.now();
  await write('a', '1-3');
  await write('a', '2-0');
  await expect.poll(() => seen.get('a'), eventually).toEqual(['1-0', '1-2', '1-3', '2-0']);
  expect(performance.now() - startedMs).toBeLessThan(READ_MS);
});

it('begins with a new log at once, and after the entry that is known', async () => {
  const { follower: reader, seen, write } = await begin();
  reader.follow('waits');
  await write('b', '1-1');
  await write('b', '1-2');
  // The read that has begun meanwhile would wait for all of its time.
  await delay(300);
  const startedMs = performance.now();
  reader.follow('b', '1-1');
  await expect.poll(() => seen.get('b'), eventually).toEqual(['1-2']);
  expect(performance.now() - startedMs).toBeLessThan(READ_MS);
});

it('reads a log again from its beginning, and nothing of before in between', async () => {
  const { follower: reader, onEntry, seen, write } = await begin();
  for (const id of ['1-1', '1-2', '1-4', '1-5']) await write('f', id);
  let isAgain = false;
  onEntry((run, id) => {
    if (id !== '1-4' || isAgain) return;
    isAgain = true;
    reader.follow(run);
  });
  reader.follow('f');
  await expect.poll(() => seen.get('f'), eventually).toEqual(['1-1', '1-2', '1-4', '1-1', '1-2', '1-4', '1-5']);
});

it('reads a log no more once it is left', async () => {
  const { follower: reader, seen, write } = await begin();
  reader.follow('c');
  await write('c', '1-1');
  await expect.poll(() => seen.get('c'), eventually).toEqual(['1-1']);
  reader.unfollow('c');
  await write('c', '1-2');
  reader.follow('d');
  await write('d', '1-1');
  await expect.poll(() => seen.get('d'), eventually).toEqual(['1-1']);
  expect(seen.get('c')).toEqual(['1-1']);
});

it('reads more logs than one connection takes', async () => {
  const { follower: reader, seen, write } = await begin();
  const runs = Array.from({ length: 300 }, (_, index) => `run ${index}`);
  for (const run of runs) reader.follow(run);
  await Promise.all(runs.map((run) => write(run, '1-1')));
  await expect.poll(() => seen.size, eventually).toBe(300);
});

it('goes on by itself after Redis was away', async () => {
  const { redis: server, follower: reader, seen, write } = await begin();
  reader.follow('e');
  await write('e', '1-1');
  await expect.poll(() => seen.get('e'), eventually).toEqual(['1-1']);
  await server.kill();
  await server.restart();
  await expect.poll(() => link?.connection.isUsable, eventually).toBe(true);
  await write('e', '1-2');
  await expect.poll(() => seen.get('e'), eventually).toEqual(['1-1', '1-2']);
}, 30_000);
