import type { ChainableCommander } from 'ioredis';
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

const areRejected = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.every(({ status }) => status === 'rejected');

function queue(commands: ChainableCommander) {
  for (let command = 0; command < 20; command++) commands.get('key');
  return commands.exec();
}

it.each(['pipeline', 'multi', 'commands'] as const)('counts %s of one outage as one failure', async (kind) => {
  const events: string[] = [];
  redis = await startRedis();
  const address = parseRedisUrl(redis.url) ?? expect.fail();
  connection = new CommandConnection(address, undefined, {
    onDown: (reason) => events.push(`down: ${reason}`),
    onUp: () => events.push('up'),
  });
  expect(await connection.connect(3_000)).toBe(true);
  const { client } = connection;
  redis.freeze();
  const failing =
    kind === 'commands'
      ? Promise.allSettled(Array.from({ length: 20 }, () => client.get('key'))).then(areRejected)
      : queue(client[kind]()).then(
          (replies) => (replies ?? []).every(([error]) => error !== null),
          () => true,
        );
  // Before it responds again: none of them is late to fail.
  expect(await failing).toBe(true);
  expect(connection.guard.isOpen).toBe(true);
  redis.resume();
  await expect.poll(() => connection?.isUsable, eventually).toBe(true);
  expect(events).toEqual([]);
});

it('takes no Redis for away that has replied while this process was busy', async () => {
  redis = await startRedis();
  const address = parseRedisUrl(redis.url) ?? expect.fail();
  connection = new CommandConnection(address, undefined, { onDown: () => {}, onUp: () => {} });
  expect(await connection.connect(3_000)).toBe(true);
  const { client, guard } = connection;
  const replies = Promise.all([client.get('key'), client.multi().set('key', 'value').get('key').exec()]);
  // Sent in this turn of the event loop, and read after the timers of the next one.
  await new Promise<void>((resolve) => setImmediate(resolve));
  const untilMs = performance.now() + 1_500;
  while (performance.now() < untilMs);
  expect((await replies)[1]?.at(-1)).toEqual([null, 'value']);
  expect([guard.openings, connection.isUsable]).toEqual([0, true]);
});
