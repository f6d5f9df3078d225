import { CompiledQuery, createQueryId } from 'kysely';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { BatchResult, Statements } from '#lib/store/engines/engine';
import { StoreUnavailable, type UnavailableReason } from '#lib/store/errors';
import type { StoreHealth } from '#lib/store/types';
import { MAX_QUEUED_BYTES, WriteQueue } from '#lib/store/write-queue';

/** An engine that takes batches, or fails, as the test says. */
class ScriptedEngine {
  readonly batches: string[][] = [];
  failure: UnavailableReason | undefined;
  probes = 0;
  /** Entries that a batch takes at most. */
  maxEntries = Number.POSITIVE_INFINITY;
  release: (() => void) | undefined;
  isHeld = false;

  async writeBatch(batch: readonly Statements[]): Promise<BatchResult> {
    if (this.failure !== undefined) throw new StoreUnavailable(this.failure);
    const taken = batch.slice(0, this.maxEntries);
    this.batches.push(taken.map((statements) => statements.map(({ sql }) => sql).join('+')));
    if (this.isHeld)
      await new Promise<void>((resolve) => {
        this.release = resolve;
      });
    const failures = new Map<number, Error>();
    for (const [index, [first]] of taken.entries()) if (first?.sql === 'bad') failures.set(index, new Error('unique'));
    return { handled: taken.length, failures };
  }

  async probe(): Promise<void> {
    this.probes++;
    if (this.failure !== undefined) throw new StoreUnavailable(this.failure);
  }
}

let engine: ScriptedEngine;
let queue: WriteQueue;
let healths: StoreHealth['state'][];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  engine = new ScriptedEngine();
  healths = [];
  queue = new WriteQueue(engine, { onHealth: ({ state }) => healths.push(state) });
});

afterEach(() => {
  vi.useRealTimers();
});

const statement = (sql: string, parameters: unknown[] = []) => ({
  compile: (): CompiledQuery => ({ ...CompiledQuery.raw(sql, parameters), queryId: createQueryId() }),
});

it('writes what was added in one turn of the event loop as one batch, in order', async () => {
  await Promise.all(['a', 'b', 'c'].map((sql) => queue.add([statement(sql)])));
  expect(engine.batches).toEqual([['a', 'b', 'c']]);
});

it('gathers what is added while a batch is being synced', async () => {
  engine.isHeld = true;
  const first = queue.add([statement('a')]);
  await vi.waitFor(() => expect(engine.batches).toHaveLength(1));
  const others = [queue.add([statement('b')]), queue.add([statement('c')])];
  engine.isHeld = false;
  engine.release?.();
  await Promise.all([first, ...others]);
  expect(engine.batches).toEqual([['a'], ['b', 'c']]);
});

it('goes on with what a batch had no time for', async () => {
  engine.maxEntries = 2;
  await Promise.all(['a', 'b', 'c'].map((sql) => queue.add([statement(sql)])));
  expect(engine.batches).toEqual([['a', 'b'], ['c']]);
});

it('rejects the entry that breaks a constraint, and no other', async () => {
  const results = await Promise.allSettled(['a', 'bad', 'c'].map((sql) => queue.add([statement(sql)])));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(queue.health).toEqual({ state: 'ok' });
});

it('rejects all that waits on a full disk, and what follows at once, until a probe succeeds', async () => {
  engine.failure = 'full';
  const results = await Promise.allSettled([queue.add([statement('a')]), queue.add([statement('b')])]);
  for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { reason: 'full' } });
  expect(queue.health).toMatchObject({ state: 'not_saved', error: expect.stringContaining('disk') });
  await expect(queue.add([statement('c')])).rejects.toMatchObject({ code: 'not_saved' });
  await vi.advanceTimersByTimeAsync(1_000);
  expect([engine.probes, queue.health.state]).toEqual([1, 'not_saved']);
  engine.failure = undefined;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(queue.health).toEqual({ state: 'ok' });
  await queue.add([statement('d')]);
  expect(engine.batches).toEqual([['d']]);
  expect(healths).toEqual(['not_saved', 'ok']);
});

it('waits for a lock, and writes when it is free', async () => {
  engine.failure = 'locked';
  const written = queue.add([statement('a')]);
  await new Promise((resolve) => setImmediate(resolve));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(queue.health).toEqual({ state: 'ok' });
  engine.failure = undefined;
  await vi.advanceTimersByTimeAsync(100);
  await written;
  expect(healths).toEqual([]);
});

it('stops waiting for a lock after five seconds', async () => {
  engine.failure = 'locked';
  const written = expect(queue.add([statement('a')])).rejects.toMatchObject({ reason: 'locked' });
  await new Promise((resolve) => setImmediate(resolve));
  await vi.advanceTimersByTimeAsync(6_000);
  await written;
  expect(queue.health.state).toBe('not_saved');
});

it('holds at most its bound, and rejects what is above it', async () => {
  engine.isHeld = true;
  const large = 'x'.repeat(MAX_QUEUED_BYTES / 2);
  const first = queue.add([statement('a', [large])]);
  await expect(queue.add([statement('b', [large])])).rejects.toMatchObject({ reason: 'queue_full' });
  await vi.waitFor(() => expect(engine.release).toBeDefined());
  engine.isHeld = false;
  engine.release?.();
  await first;
  await queue.add([statement('c', [large])]);
  expect(queue.health).toEqual({ state: 'ok' });
});

it('rejects a statement that cannot be compiled', async () => {
  const broken = {
    compile: () => {
      throw new Error('no such column');
    },
  };
  await expect(queue.add([broken])).rejects.toThrow('no such column');
});

it.each([
  ['a check', () => queue.refuse(new StoreUnavailable('damaged'))],
  [
    'a write',
    async () => {
      engine.failure = 'damaged';
      await queue.add([statement('a')]).catch(() => undefined);
      engine.failure = undefined;
    },
  ],
])('refuses writes to a database that %s found damaged, for good', async (_what, find) => {
  await find();
  await vi.advanceTimersByTimeAsync(10_000);
  await expect(queue.add([statement('a')])).rejects.toMatchObject({ reason: 'damaged' });
  expect(engine.probes).toBe(0);
});

it('flushes what was added before', async () => {
  let isWritten = false;
  void queue.add([statement('a')]).then(() => {
    isWritten = true;
  });
  await queue.flush();
  expect(isWritten).toBe(true);
});
