import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { expect, it, vi } from 'vitest';
import type { CodeResult } from '#lib/wire/code';
import { type KeptRun, MAX_KEPT_RUNS, openKeptRuns } from './kept-runs.ts';

const RESULT: CodeResult = {
  ...{ stdout: 'one\n', stderr: '', exit_code: 0, duration_ms: 1, error: null, status: 'success', stage: 'run' },
  ...{ truncated: false, cpu_ms: 1, memory_kb: 1 },
};
const run = (text: string): KeptRun => ({
  state: 'ended',
  pieces: [{ stream: 'stdout', text, at: 0 }],
  result: RESULT,
  place: 'server',
});

let databases = 0;
let clock = 0;
const fresh = () => openKeptRuns(`runs-${++databases}`, () => ++clock);

it('gives back the run of the same program only, without the output twice', async () => {
  const runs = fresh();
  await runs.save('chat/message/0.0', 'print(1)', run('one\n'));
  const kept = await runs.read('chat/message/0.0', 'print(1)');
  expect(kept?.pieces).toEqual([{ stream: 'stdout', text: 'one\n', at: 0 }]);
  expect(kept).toMatchObject({ state: 'ended', result: { status: 'success', stdout: '' } });
  expect(await runs.read('chat/message/0.0', 'print(2)')).toBeUndefined();
  expect(await runs.read('chat/message/1.0', 'print(1)')).toBeUndefined();
});

it('bounds the number of runs and the output of each', async () => {
  const runs = fresh();
  for (let number = 0; number < MAX_KEPT_RUNS + 3; number += 1) await runs.save(`chat/${number}`, 'x', run('y'));
  expect(await runs.read('chat/2', 'x')).toBeUndefined();
  expect(await runs.read('chat/3', 'x')).toBeDefined();
  await runs.save('chat/long', 'x', run('y'.repeat(500_000)));
  expect((await runs.read('chat/long', 'x'))?.pieces[0]?.text).toHaveLength(200_000);
});

it('lets a later version upgrade the database', async () => {
  const runs = fresh();
  await runs.save('chat/1', 'x', run('y'));
  const upgraded = await openDB(`runs-${databases}`, 2);
  expect(upgraded.version).toBe(2);
  upgraded.close();
});

it('deletes the runs of one conversation, or a single one', async () => {
  const runs = fresh();
  for (const key of ['a/1/0.0', 'a/2/0.0', 'ab/1/0.0']) await runs.save(key, 'x', run('y'));
  await runs.remove('a/2/0.0');
  expect(await runs.read('a/2/0.0', 'x')).toBeUndefined();
  await runs.removeAll('a/');
  expect(await runs.read('a/1/0.0', 'x')).toBeUndefined();
  expect(await runs.read('ab/1/0.0', 'x')).toBeDefined();
});

it('asks the database once for many programs without a result', async () => {
  const database = await openDB('runs-many', 1, {
    upgrade: (db) => void db.createObjectStore('runs', { keyPath: 'key' }).createIndex('savedAt', 'savedAt'),
  });
  database.close();
  let time = 0;
  const runs = openKeptRuns('runs-many', () => time);
  const transactions = vi.spyOn(IDBDatabase.prototype, 'transaction');
  for (let number = 0; number < 50; number += 1) expect(await runs.read(`chat/${number}/0.0`, 'x')).toBeUndefined();
  expect(transactions).toHaveBeenCalledTimes(1);
  // Another tab may have saved one since.
  await openKeptRuns('runs-many').save('chat/7/0.0', 'x', run('y'));
  time += 2_000;
  expect(await runs.read('chat/7/0.0', 'x')).toBeDefined();
  transactions.mockRestore();
});
