import { expect, it } from 'vitest';
import { UnconfirmedWrites, type WriteAttempt } from '#lib/cluster/unconfirmed-writes';
import { settled as turnEnd } from '../../test/support/chat.ts';

interface Attempt {
  readonly key: string;
  readonly value: string;
  readonly attempt: WriteAttempt;
  succeed(): void;
  fail(): void;
}

/** A Redis that confirms when the test says so. */
function fakeRedis() {
  const attempts: Attempt[] = [];
  const state = { isUsable: true };
  const writes = new UnconfirmedWrites<string>({
    what: 'values of a test',
    canWrite: () => state.isUsable,
    write: (key, value, attempt) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      attempts.push({ key, value, attempt, succeed: resolve, fail: () => reject(new Error('timed out')) });
      return promise;
    },
  });
  const take = () => attempts.shift() ?? expect.fail('nothing was sent');
  return { state, writes, attempts, take };
}

it('is settled once Redis has confirmed a value', async () => {
  const { writes, take } = fakeRedis();
  expect(writes.settled('a')).toBeUndefined();
  const sent = writes.send('a', 'one');
  const settled = writes.settled('a') ?? expect.fail('it is settled');
  take().succeed();
  expect(await Promise.all([sent, settled])).toEqual([true, true]);
  expect(writes.settled('a')).toBeUndefined();
});

it('keeps what Redis did not take, says so, and writes it with the next call', async () => {
  const { writes, take } = fakeRedis();
  const sent = writes.send('a', 'one');
  take().fail();
  expect(await sent).toBe(false);
  expect(await writes.settled('a')).toBe(false);
  const retried = writes.retry();
  expect(take()).toMatchObject({ key: 'a', value: 'one', attempt: { isLate: true } });
  // Of a retry that is under way, there is one.
  await writes.retry();
  expect(writes.size).toBe(1);
  void retried;
});

it('sends nothing while Redis is away, and everything that waits once it is back', async () => {
  const { state, writes, attempts } = fakeRedis();
  state.isUsable = false;
  for (let at = 0; at < 40; at++) expect(await writes.send(`key ${at}`, 'value')).toBe(false);
  await writes.retry();
  expect(attempts).toEqual([]);
  state.isUsable = true;
  const retried = writes.retry();
  const keys: string[] = [];
  for (let left = 40; left > 0; ) {
    await turnEnd();
    for (const attempt of attempts.splice(0)) {
      keys.push(attempt.key);
      attempt.succeed();
      left -= 1;
    }
  }
  await retried;
  expect(new Set(keys).size).toBe(40);
  expect(writes.size).toBe(0);
});

it('does not go on with others while one of them is refused, and tries that one last', async () => {
  const { state, writes, attempts } = fakeRedis();
  state.isUsable = false;
  for (const key of ['a', 'b']) void writes.send(key, key);
  state.isUsable = true;
  const first = writes.retry();
  attempts[0]?.fail();
  attempts[1]?.succeed();
  await first;
  attempts.length = 0;
  void writes.send('c', 'c');
  void writes.retry();
  expect(attempts.map(({ key }) => key)).toEqual(['c', 'a']);
});

it('writes the last value of a key alone', async () => {
  const { writes, take, attempts } = fakeRedis();
  const older = writes.send('a', 'older');
  const first = take();
  const newer = writes.send('a', 'newer');
  first.fail();
  expect(await older).toBe(false);
  expect(writes.size).toBe(0);
  take().succeed();
  expect(await newer).toBe(true);
  expect(attempts).toEqual([]);
});

it('lets a late write know that its value was replaced or removed meanwhile', async () => {
  const { state, writes, attempts, take } = fakeRedis();
  for (const change of [() => void writes.send('a', 'newer'), () => writes.forget('a'), () => writes.forgetAll()]) {
    state.isUsable = false;
    void writes.send('a', 'older');
    state.isUsable = true;
    const retried = writes.retry();
    const { attempt, succeed } = take();
    expect(attempt.isCurrent()).toBe(true);
    change();
    expect(attempt.isCurrent()).toBe(false);
    succeed();
    await retried;
    expect(writes.size).toBe(0);
    writes.forgetAll();
    attempts.length = 0;
  }
});

it('does not keep what was removed while it was on its way', async () => {
  const { writes, take } = fakeRedis();
  const sent = writes.send('a', 'one');
  writes.forget('a');
  take().fail();
  expect(await sent).toBe(false);
  expect(writes.settled('a')).toBeUndefined();
  expect(writes.size).toBe(0);
});

it('bounds what waits by its number, and drops the oldest', () => {
  const { state, writes } = fakeRedis();
  state.isUsable = false;
  for (let at = 0; at <= 20_000; at++) writes.keep(String(at), 'value');
  expect(writes.size).toBe(20_000);
  expect(writes.settled('0')).toBeUndefined();
  expect(writes.settled('20000')).toBeDefined();
});

it('bounds what waits by its memory', () => {
  const writes = new UnconfirmedWrites<Buffer>({
    what: 'values of a test',
    canWrite: () => false,
    write: () => Promise.reject(new Error('away')),
    bytesOf: ({ byteLength }) => byteLength,
  });
  for (let at = 0; at < 40; at++) writes.keep(String(at), Buffer.alloc(1024 * 1024));
  expect(writes.size).toBe(31);
});
