import { afterEach, expect, it } from 'vitest';
import { CommandConnection } from '#lib/cluster/redis';
import { parseRedisUrl } from '#lib/config/redis-url';
import { type RedisServer, startRedis } from '../support/redis.ts';

/** The connection of the request path to a real Redis that responds too late. */
const eventually = { timeout: 5_000, interval: 10 };
let redis: RedisServer | undefined;
let connection: CommandConnection | undefined;

afterEach(async () => {
  connection?.close();
  await redis?.close();
});

it.each(['pipeline', 'multi'] as const)('counts a %s that fails as one failure, however long', async (kind) => {
  const events: string[] = [];
  redis = await startRedis();
  const address = parseRedisUrl(redis.url) ?? expect.fail();
  connection = new CommandConnection(address, undefined, {
    onDown: (reason) => events.push(`down: ${reason}`),
    onUp: () => events.push('up'),
  });
  expect(await connection.connect(3_000)).toBe(true);
  const commands = connection.client[kind]();
  for (let command = 0; command < 20; command++) commands.get('key');
  redis.freeze();
  const failing = commands.exec().then(
    (replies) => (replies ?? []).every(([error]) => error !== null),
    () => true,
  );
  await expect.poll(() => connection?.guard.isOpen, eventually).toBe(true);
  redis.resume();
  expect(await failing).toBe(true);
  await expect.poll(() => connection?.isUsable, eventually).toBe(true);
  expect(events).toEqual([]);
});
