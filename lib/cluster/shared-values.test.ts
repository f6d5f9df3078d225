import { expect, it } from 'vitest';
import { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { RedisValues } from '#lib/cluster/shared-values';
import { settled as turnEnd } from '../../test/support/chat.ts';

const TTL_MS = 60_000;
const HEAD_BYTES = 8;

/** What `RedisValues` uses of a connection, over a map. */
class FakeRedis {
  readonly values = new Map<string, Buffer>();
  readonly commands: string[] = [];
  isUsable = true;
  /** Commands of this name fail. */
  failing = '';

  readonly client = {
    set: (key: string, value: Buffer | number, ...options: unknown[]) =>
      this.#run('set', () => {
        // The generation is read by SET NX GET.
        if (options.includes('GET')) return null;
        this.values.set(key, Buffer.from(value as Buffer));
        return 'OK';
      }),
    getBuffer: (key: string) => this.#run('get', () => this.values.get(key) ?? null),
    getrangeBuffer: (key: string, from: number, to: number) =>
      this.#run('getrange', () => this.values.get(key)?.subarray(from, to + 1) ?? Buffer.alloc(0)),
    multi: () => {
      const commands = {
        set: () => commands,
        incr: () => commands,
        exec: () => this.#run('clear', () => [null, [null, 1]]),
      };
      return commands;
    },
    del: (key: string) => this.#run('del', () => Number(this.values.delete(key))),
  };

  now = () => 1;
  toLocal = (ms: number) => ms;

  async #run<T>(name: string, command: () => T): Promise<T> {
    this.commands.push(name);
    if (this.failing === name) throw new Error('timed out');
    return command();
  }
}

function harness({ isKept = true } = {}) {
  const redis = new FakeRedis();
  const state = { isFull: false };
  const connection = redis as unknown as CommandConnection;
  const values = new RedisValues({
    ...{ kind: 'storedResponses', connection, main: connection, keys: new RedisKeys('test') },
    keyOf: (generation, key) => `${generation}:${key}`,
    ...{ ttlMs: TTL_MS, hasSpread: false, maxBytes: 100, isKept },
    isFull: () => state.isFull,
    share: () => {},
  });
  const stored = (key: string) => redis.values.get(`1:${key}`)?.subarray(HEAD_BYTES).toString();
  return { redis, state, values, stored };
}

const text = (value: string) => () => Buffer.from(value);

it('is settled when Redis has a value, also of a generation that was not read yet', async () => {
  const { values, stored } = harness();
  expect(values.isUsable).toBe(false);
  values.write('a', Date.now(), text('one'));
  expect(await values.settled('a')).toBe(true);
  expect(stored('a')).toBe('one');
  values.write('a', Date.now(), text('two'));
  expect(await values.settled('a')).toBe(true);
  expect(stored('a')).toBe('two');
  expect(values.settled('a')).toBeUndefined();
});

it('keeps a value that Redis did not take, and writes it as it is by then', async () => {
  const { redis, values, stored } = harness();
  await values.refresh();
  redis.failing = 'set';
  let current = 'one';
  values.write('a', Date.now(), () => Buffer.from(current));
  expect(await values.settled('a')).toBe(false);
  redis.failing = '';
  redis.isUsable = false;
  values.write('b', Date.now(), text('while it is away'));
  expect(await values.settled('b')).toBe(false);
  values.catchUp();
  await turnEnd();
  expect(redis.values.size).toBe(0);
  redis.isUsable = true;
  current = 'two';
  values.catchUp();
  await turnEnd();
  expect([stored('a'), stored('b')]).toEqual(['two', 'while it is away']);
  expect(values.settled('a')).toBeUndefined();
});

it('keeps a value until there is space for it', async () => {
  const { state, values, stored } = harness();
  await values.refresh();
  state.isFull = true;
  values.write('a', Date.now(), text('one'));
  expect(await values.settled('a')).toBe(false);
  state.isFull = false;
  values.catchUp();
  await turnEnd();
  expect(stored('a')).toBe('one');
});

it('writes no late value over a newer one, nor one that is not wanted any more', async () => {
  const { redis, values, stored } = harness();
  await values.refresh();
  redis.isUsable = false;
  const nowMs = Date.now();
  values.write('older', nowMs - 1_000, text('older'));
  values.write('removed', nowMs, text('removed'));
  values.write('evicted', nowMs, () => undefined);
  values.write('expired', nowMs - TTL_MS, text('expired'));
  values.remove('removed');
  const newer = Buffer.alloc(HEAD_BYTES + 5, 'newer');
  newer.writeDoubleBE(nowMs);
  newer.write('newer', HEAD_BYTES);
  redis.values.set('1:older', newer);
  redis.isUsable = true;
  values.catchUp();
  for (let turn = 0; turn < 5; turn++) await turnEnd();
  expect([...redis.values.keys()]).toEqual(['1:older']);
  expect(stored('older')).toBe('newer');
  for (const key of ['older', 'removed', 'evicted', 'expired']) expect(values.settled(key), key).toBeUndefined();
});

it('leaves a newer value of another server where the writer asks for that', async () => {
  const { values, stored } = harness();
  await values.refresh();
  const nowMs = Date.now();
  values.write('a', nowMs, text('newer'));
  await values.settled('a');
  values.write('a', nowMs - 1_000, text('older'), { unlessNewer: true });
  expect(await values.settled('a')).toBe(true);
  expect(stored('a')).toBe('newer');
  values.write('a', nowMs + 1, text('newest'), { unlessNewer: true });
  await values.settled('a');
  expect(stored('a')).toBe('newest');
});

it('forgets what waits when the values are cleared', async () => {
  const { redis, values } = harness();
  await values.refresh();
  redis.isUsable = false;
  values.write('a', Date.now(), text('one'));
  await expect(values.clear()).rejects.toThrow('away');
  expect(values.settled('a')).toBeUndefined();
});

it('settles what is removed or cleared, and written again, before it was sent', async () => {
  const { values, stored } = harness();
  await values.refresh();
  const outcomes: (Promise<boolean> | undefined)[] = [];
  for (const undo of [() => values.remove('a'), () => void values.clear().catch(() => {})]) {
    values.write('a', Date.now(), text('one'));
    outcomes.push(values.settled('a'));
    undo();
    values.write('a', Date.now(), text('two'));
    outcomes.push(values.settled('a'));
  }
  expect(await Promise.all(outcomes)).toEqual([true, true, true, true]);
  expect(stored('a')).toBe('two');
});

it('settles the removal of a value, and writes over one that was to be removed', async () => {
  const { redis, values, stored } = harness();
  await values.refresh();
  values.write('a', Date.now(), text('one'));
  await values.settled('a');
  values.remove('a');
  expect(await values.settled('a')).toBe(true);
  expect(stored('a')).toBeUndefined();
  redis.failing = 'del';
  values.remove('a');
  expect(await values.settled('a')).toBe(false);
  redis.failing = '';
  values.write('a', Date.now(), text('two'));
  await values.settled('a');
  values.catchUp();
  await turnEnd();
  expect(stored('a')).toBe('two');
});

it('neither keeps nor settles a value of a cache', async () => {
  const { redis, values } = harness({ isKept: false });
  await values.refresh();
  redis.failing = 'set';
  values.write('a', Date.now(), text('one'));
  expect(values.settled('a')).toBeUndefined();
  await turnEnd();
  redis.failing = '';
  values.catchUp();
  await turnEnd();
  expect(redis.values.size).toBe(0);
});
