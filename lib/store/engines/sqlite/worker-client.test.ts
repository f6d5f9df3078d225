import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SqliteConnection } from '#lib/store/engines/sqlite/connection';
import { WorkerClient } from '#lib/store/engines/sqlite/worker-client';

let folder: string;
let connection: SqliteConnection;
let client: WorkerClient;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'worker-'));
  const file = join(folder, 'test.db');
  connection = new SqliteConnection(file);
  connection.configure();
  connection.raw.exec('CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT)');
  client = new WorkerClient(file);
});

afterEach(async () => {
  await client.close();
  connection.close();
  rmSync(folder, { recursive: true });
});

const count = { kind: 'report', sql: 'SELECT count(*) AS n FROM things', parameters: [] } as const;

it('reads what is committed, while the main thread holds the lock', async () => {
  connection.execute("INSERT INTO things (text) VALUES ('a')", []);
  connection.raw.exec("BEGIN IMMEDIATE; INSERT INTO things (text) VALUES ('b')");
  expect(await client.run(count)).toEqual([{ n: 1 }]);
  connection.raw.exec('COMMIT');
  expect(await client.run(count)).toEqual([{ n: 2 }]);
});

it('reports an error of a query, and runs the next one', async () => {
  await expect(client.run({ ...count, sql: 'SELECT missing FROM things' })).rejects.toThrow(/no such column/);
  await expect(client.run({ ...count, sql: 'DELETE FROM things' })).rejects.toMatchObject({ reason: 'read_only' });
  expect(await client.run(count)).toEqual([{ n: 0 }]);
});

it('rejects more reports than its bound', async () => {
  const results = await Promise.allSettled(Array.from({ length: 65 }, () => client.run(count)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(64);
  expect(results.at(-1)).toMatchObject({ reason: { reason: 'queue_full' } });
});

it('rejects what waits when it is closed, and what comes later', async () => {
  const waiting = client.run(count);
  const rejected = expect(waiting).rejects.toMatchObject({ reason: 'closed' });
  await client.close();
  await rejected;
  await expect(client.run(count)).rejects.toMatchObject({ reason: 'closed' });
});

it('writes the log back to the file', async () => {
  for (let index = 0; index < 100; index++)
    connection.execute('INSERT INTO things (text) VALUES (?)', ['x'.repeat(4_000)]);
  const [row] = await client.run({ kind: 'checkpoint' });
  expect(row).toMatchObject({ busy: 0 });
  expect(row).toSatisfy(
    (found: { log: number; checkpointed: number }) => found.log > 0 && found.log === found.checkpointed,
  );
});

it('returns free pages to the disk when many are free', async () => {
  for (let index = 0; index < 3_000; index++)
    connection.execute('INSERT INTO things (text) VALUES (?)', ['x'.repeat(4_000)]);
  connection.execute('DELETE FROM things', []);
  const pages = () => Number(connection.raw.prepare('PRAGMA page_count').get()?.page_count);
  const before = pages();
  await client.run({ kind: 'checkpoint' });
  await client.run({ kind: 'checkpoint' });
  expect(pages()).toBeLessThan(before - 1_500);
});
