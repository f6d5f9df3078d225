import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { usageStatements } from '#lib/people/usage/usage-statements';
import type { Engine } from '#lib/store/engines/engine';
import { openPostgres } from '#lib/store/engines/postgres/open';
import { openSqlite } from '#lib/store/engines/sqlite/open';
import { migrate } from '#lib/store/migrate';
import { MOST_ROWS } from '#lib/store/migrations/0012-usage-by-key';
import { MIGRATIONS } from '#lib/store/migrations/index';
import { openStore } from '#lib/store/open-store';
import type { Database } from '#lib/store/schema';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import { usageRow } from '../support/usage.ts';

/** The migration that stores usage in the index of its key, on databases with usage. */

const TABLES = ['usage_days', 'usage_months', 'usage_callers', 'usage_servers', 'usage_models'] as const;
const KEY = sql`day, user_id, key_id, group_id, model, server, language, outcome`;
const BEFORE = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name < '0012'));
const ROWS = [20260930, 20261001, 20261130].flatMap((day) =>
  ['bob', 'ann', 'bob\u{1F600}', ''].flatMap((user) => [
    usageRow({ day, user_id: user, key_id: 'k', model: 'a', server: 's', requests: 2 ** 40, generation_ms: day }),
    usageRow({ day, user_id: user, language: 'c', outcome: 'success', code_runs: 3 }),
  ]),
);

let folder: string;
let postgres: PostgresServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usage-by-key-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});
afterAll(async () => {
  await postgres?.close();
});

async function contents(db: Kysely<Database>): Promise<Record<string, { rows: number; hash: string }>> {
  const all: Record<string, { rows: number; hash: string }> = {};
  for (const table of TABLES) {
    const { rows } = await sql`select * from ${sql.table(table)} order by ${KEY}`.execute(db);
    all[table] = { rows: rows.length, hash: createHash('sha256').update(JSON.stringify(rows)).digest('hex') };
  }
  return all;
}

async function indexesOf(db: Kysely<Database>): Promise<unknown[]> {
  const { rows } = await sql<{ name: string }>`
    select name from sqlite_master where type = 'index' and name like 'usage%' order by name
  `.execute(db);
  return rows.map(({ name }) => name);
}

describe.each(['sqlite', 'postgres'] as const)('on %s', (name) => {
  let engine: Engine;

  beforeEach(async () => {
    if (name === 'postgres') postgres ??= await startPostgres();
    engine = await (postgres !== undefined && name === 'postgres'
      ? openPostgres(await postgres.createDatabase())
      : openSqlite(folder));
  });
  afterEach(async () => {
    await engine.close();
  });

  it('keeps every row with its figures, and adds to it afterwards', async () => {
    await migrate(engine.db, BEFORE);
    const add = async () => {
      for (const statement of usageStatements(engine.db, ROWS)) await engine.db.executeQuery(statement.compile());
    };
    await add();
    const before = await contents(engine.db);
    expect(before.usage_days?.rows).toBe(ROWS.length);
    await migrate(engine.db);
    expect(await contents(engine.db)).toEqual(before);
    await add();
    const { requests } = await engine.db
      .selectFrom('usage_months')
      .select('requests')
      .where('day', '=', 20261101)
      .where('user_id', '=', 'ann')
      .where('model', '=', 'a')
      .executeTakeFirstOrThrow();
    expect(Number(requests)).toBe(2 ** 41);
  });
});

it('stores rows in the index of their key on SQLite, with the indexes of callers', async () => {
  const engine = await openSqlite(folder);
  await migrate(engine.db, BEFORE);
  const before = await indexesOf(engine.db);
  expect(before).toContain('usage_callers_user_id');
  await migrate(engine.db);
  expect(await indexesOf(engine.db)).toEqual(before);
  const { rows } = await sql<{ name: string; wr: number }>`pragma table_list`.execute(engine.db);
  const usage = rows.filter((table) => table.name.startsWith('usage_'));
  expect(usage.map((table) => [table.name, table.wr]).sort()).toEqual(TABLES.map((table) => [table, 1]).sort());
  await engine.close();
});

it('leaves a large table as it is, and adds to it as to the others', async () => {
  const engine = await openSqlite(folder);
  await migrate(engine.db, BEFORE);
  await fill(engine.db, 'usage_days', MOST_ROWS + 1);
  await fill(engine.db, 'usage_models', MOST_ROWS);
  await migrate(engine.db);
  const { rows } = await sql<{ name: string; wr: number }>`pragma table_list`.execute(engine.db);
  const kinds = Object.fromEntries(rows.map((table) => [table.name, table.wr]));
  expect([kinds.usage_days, kinds.usage_models, kinds.usage_callers]).toEqual([0, 1, 1]);
  for (const statement of usageStatements(engine.db, ROWS)) await engine.db.executeQuery(statement.compile());
  const count = await sql<{ rows: number }>`select count(*) as rows from usage_days`.execute(engine.db);
  expect(count.rows).toEqual([{ rows: MOST_ROWS + 1 + ROWS.length }]);
  await engine.close();
}, 60_000);

it('is whole or not there after kill -9, and completes at the next start', async () => {
  const engine = await openSqlite(folder);
  await migrate(engine.db, BEFORE);
  for (const table of TABLES) await fill(engine.db, table, 40_000);
  const before = await contents(engine.db);
  await engine.close();
  let killed = 0;
  for (const delayMs of [5, 60, 250, 700]) {
    killed += Number(await killWhileMigrating(delayMs));
    const opened = await openSqlite(folder);
    await opened.check();
    expect(await contents(opened.db)).toEqual(before);
    await opened.close();
  }
  expect(killed).toBeGreaterThan(0);
  const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
  expect(await contents(opened.db)).toEqual(before);
  await opened.close();
}, 120_000);

/** Adds rows to a table of SQLite. */
async function fill(db: Kysely<Database>, table: string, rows: number): Promise<void> {
  await sql`
    with recursive counted (n) as (select 1 union all select n + 1 from counted where n < ${rows})
    insert into ${sql.table(table)}
    select 20260101 + n % 28, 'user-' || n, 'key', 'group', 'model', 'server', '', '', n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    from counted
  `.execute(db);
}

/** Whether it was killed before it had ended. */
async function killWhileMigrating(delayMs: number): Promise<boolean> {
  const child = spawn(process.execPath, ['test/support/migrator.ts', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = new Promise<boolean>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal === 'SIGKILL')),
  );
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await sleep(delayMs);
  child.kill('SIGKILL');
  return await closed;
}
