import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SqliteConnection } from '#lib/store/engines/sqlite/connection';
import { NodeSqliteDialect } from '#lib/store/engines/sqlite/dialect';

interface Tables {
  things: { id: number; name: string | null };
}

let folder: string;
let db: Kysely<Tables>;
let syncs: (() => void)[];
let isSyncHeld: boolean;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dialect-'));
  const [autocommit, transactional] = [connect(), connect()];
  syncs = [];
  isSyncHeld = false;
  const sync = () =>
    new Promise<void>((resolve) => {
      if (isSyncHeld) syncs.push(resolve);
      else resolve();
    });
  db = new Kysely<Tables>({ dialect: new NodeSqliteDialect({ autocommit, transactional, sync }) });
  await db.schema
    .createTable('things')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text')
    .execute();
});

/** Another connection to the same file. */
function connect(): SqliteConnection {
  const connection = new SqliteConnection(join(folder, 'test.db'));
  connection.configure();
  return connection;
}

afterEach(async () => {
  await db.destroy();
  rmSync(folder, { recursive: true });
});

it('reports the rows, the changes and the id of an insert', async () => {
  const inserted = await db.insertInto('things').values({ id: 7, name: 'a' }).executeTakeFirst();
  expect(inserted).toMatchObject({ insertId: 7n, numInsertedOrUpdatedRows: 1n });
  const returned = await db.insertInto('things').values({ id: 8, name: null }).returningAll().execute();
  expect(returned).toEqual([{ id: 8, name: null }]);
  expect(await db.updateTable('things').set({ name: 'b' }).executeTakeFirst()).toMatchObject({ numUpdatedRows: 2n });
  expect((await db.selectFrom('things').selectAll().execute()).map(({ name }) => name)).toEqual(['b', 'b']);
});

it('resolves a write when it is on disk, and a read at once', async () => {
  isSyncHeld = true;
  let isSaved = false;
  const written = db
    .insertInto('things')
    .values({ id: 1, name: 'a' })
    .execute()
    .then(() => {
      isSaved = true;
    });
  await expect.poll(() => syncs.length).toBe(1);
  expect(isSaved).toBe(false);
  syncs.shift()?.();
  await written;
  expect(await db.selectFrom('things').select('id').execute()).toEqual([{ id: 1 }]);
  expect(syncs).toEqual([]);
});

it('syncs a transaction once, when it is committed', async () => {
  isSyncHeld = true;
  const done = db.transaction().execute(async (trx) => {
    await trx.insertInto('things').values({ id: 1, name: 'a' }).execute();
    await trx.insertInto('things').values({ id: 2, name: 'b' }).execute();
  });
  await expect.poll(() => syncs.length).toBe(1);
  syncs.shift()?.();
  await done;
  expect(syncs).toEqual([]);
});

it('reads while a transaction is open, and does not see what it did', async () => {
  const trx = await db.startTransaction().execute();
  await trx.insertInto('things').values({ id: 1, name: 'a' }).execute();
  expect(await db.selectFrom('things').select('id').execute()).toEqual([]);
  expect(await trx.selectFrom('things').select('id').execute()).toEqual([{ id: 1 }]);
  await trx.rollback().execute();
  expect(await db.selectFrom('things').select('id').execute()).toEqual([]);
});

it('runs one transaction at a time, and goes on after one that failed', async () => {
  const order: string[] = [];
  const run = (name: string, fails: boolean) =>
    db.transaction().execute(async (trx) => {
      order.push(`${name} begins`);
      await trx.insertInto('things').values({ id: order.length, name }).execute();
      await new Promise((resolve) => setTimeout(resolve, 10));
      order.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const results = await Promise.allSettled([run('a', false), run('b', true), run('c', false)]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect((await db.selectFrom('things').select('name').execute()).map(({ name }) => name)).toEqual(['a', 'c']);
});

it('undoes a savepoint alone', async () => {
  const trx = await db.startTransaction().execute();
  await trx.insertInto('things').values({ id: 1, name: 'a' }).execute();
  const inner = await trx.savepoint('inner').execute();
  await inner.insertInto('things').values({ id: 2, name: 'b' }).execute();
  await inner.rollbackToSavepoint('inner').execute();
  await trx.commit().execute();
  expect(await db.selectFrom('things').select('id').execute()).toEqual([{ id: 1 }]);
});

it('waits without blocking the event loop while another connection holds the lock', async () => {
  const other = connect();
  other.raw.exec('BEGIN IMMEDIATE');
  const written = db.insertInto('things').values({ id: 1, name: 'a' }).execute();
  // The timer runs only if nothing blocks.
  await new Promise((resolve) => setTimeout(resolve, 30));
  other.raw.exec('COMMIT');
  other.close();
  await written;
  expect(await db.selectFrom('things').select('id').execute()).toEqual([{ id: 1 }]);
});

it('stores booleans as 0 and 1, dates as milliseconds, bytes as bytes', async () => {
  const { rows } = await sql`select ${true} as yes, ${new Date(5)} as at, ${Buffer.from('a')} as bytes`.execute(db);
  expect(rows).toEqual([{ yes: 1, at: 5, bytes: new Uint8Array([97]) }]);
  await expect(sql`select ${{ a: 1 }} as json`.execute(db)).rejects.toThrow('write JSON as text');
});

it('enforces foreign keys', async () => {
  await sql`create table parts (thing integer not null references things (id))`.execute(db);
  await expect(sql`insert into parts values (9)`.execute(db)).rejects.toThrow(/FOREIGN KEY/);
});

it('keeps a bounded number of prepared statements', async () => {
  for (let index = 0; index < 500; index++) await sql.raw(`select ${index} as n`).execute(db);
  const { rows } = await sql.raw('select 1 as n').execute(db);
  expect(rows).toEqual([{ n: 1 }]);
});
