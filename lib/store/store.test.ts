import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type OpenStore, openStore } from '#lib/store/open-store';

let folder: string;
let opened: OpenStore;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'store-')), 'data');
  opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
});

afterEach(async () => {
  await opened.close();
  await rm(join(folder, '..'), { recursive: true });
});

const setting = (name: string, value = '1') =>
  opened.db.insertInto('settings').values({ name, value, updated_at: 1, updated_by: 'local' });
const names = async (): Promise<string[]> =>
  (await opened.db.selectFrom('settings').select('name').orderBy('name').execute()).map(({ name }) => name);

it('makes its folder and its files for the owner alone', async () => {
  await opened.write(setting('a'));
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  for (const suffix of ['', '-wal', '-shm'])
    expect((await stat(join(folder, `chill-space.db${suffix}`))).mode & 0o777).toBe(0o600);
});

it('writes what was queued, and reads it after it was opened again', async () => {
  await Promise.all([opened.write(setting('b')), opened.write(setting('a'))]);
  expect(await names()).toEqual(['a', 'b']);
  await opened.close();
  opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
  expect(await names()).toEqual(['a', 'b']);
});

it('rejects a statement that breaks a constraint, and writes the others of its batch', async () => {
  const results = await Promise.allSettled([
    opened.write(setting('a')),
    opened.write(setting('a')),
    opened.write(setting('b')),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await names()).toEqual(['a', 'b']);
  expect(opened.health).toEqual({ state: 'ok' });
});

it('writes all statements of a transaction or none', async () => {
  const both = opened.writeAll([setting('a'), setting('a')]);
  const other = opened.writeAll([setting('c'), setting('d')]);
  await expect(both).rejects.toThrow(/UNIQUE/);
  await other;
  expect(await names()).toEqual(['c', 'd']);
});

it('writes while a transaction of another user is open', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const transaction = opened.db.transaction().execute(async (trx) => {
    await trx.insertInto('settings').values({ name: 'a', value: '1', updated_at: 1, updated_by: 'x' }).execute();
    await held;
  });
  await new Promise((resolve) => setImmediate(resolve));
  const written = opened.write(setting('b'));
  setTimeout(release, 100);
  await Promise.all([transaction, written]);
  expect(await names()).toEqual(['a', 'b']);
});

it('undoes a transaction that fails', async () => {
  const failed = opened.db.transaction().execute(async (trx) => {
    await trx.insertInto('settings').values({ name: 'a', value: '1', updated_at: 1, updated_by: 'x' }).execute();
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect(await names()).toEqual([]);
});

it('reads reports in a worker thread', async () => {
  await opened.write(setting('a'));
  const query = opened.db.selectFrom('settings').select(['name', 'updated_at']).compile();
  expect(await opened.report(query)).toEqual([{ name: 'a', updated_at: 1 }]);
});

it('refuses to write through a report', async () => {
  await expect(opened.report(setting('a').compile())).rejects.toThrow(/readonly|cannot be written/);
  expect(await names()).toEqual([]);
});

it('finishes what is queued when it is closed, and refuses later writes', async () => {
  const written = opened.write(setting('a'));
  const closed = opened.close();
  await expect(opened.write(setting('b'))).rejects.toMatchObject({ reason: 'closed' });
  await Promise.all([written, closed]);
  opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
  expect(await names()).toEqual(['a']);
});
