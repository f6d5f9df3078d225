import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditInsert } from '#lib/store/audit';
import { openPostgres } from '#lib/store/engines/postgres/open';
import { openSqlite } from '#lib/store/engines/sqlite/open';
import { migrate } from '#lib/store/migrate';
import { MIGRATIONS } from '#lib/store/migrations/index';
import { type OpenStore, openStore, type StoreSettings } from '#lib/store/open-store';
import { RetentionSweeper, retention } from '#lib/store/retention';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

let postgres: PostgresServer;
let folder: string;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(async () => {
  await postgres?.close();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engines-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const settingsOf = async (engine: 'sqlite' | 'postgres'): Promise<StoreSettings> => ({
  DATA_DIR: join(folder, 'data'),
  DATABASE_URL: engine === 'postgres' ? await postgres.createDatabase() : undefined,
});

describe.each(['sqlite', 'postgres'] as const)('on %s', (name) => {
  let settings: StoreSettings;

  beforeEach(async () => {
    settings = await settingsOf(name);
  });

  describe('an open store', () => {
    let opened: OpenStore;

    beforeEach(async () => {
      opened = await openStore(settings);
    });

    afterEach(async () => {
      await opened.close();
    });

    const setting = (id: string, at = 1) =>
      opened.db.insertInto('settings').values({ name: id, value: '"é\u{1F600}"', updated_at: at, updated_by: 'local' });
    const names = async () =>
      (await opened.db.selectFrom('settings').select('name').orderBy('name').execute()).map((row) => row.name);

    it('says which engine it is', () => {
      expect(opened.engine).toBe(name);
    });

    it('writes a batch, and rejects what breaks a constraint alone', async () => {
      const results = await Promise.allSettled([
        opened.write(setting('a')),
        opened.write(setting('a')),
        opened.writeAll([setting('c'), setting('a')]),
        opened.writeAll([setting('d'), setting('e')]),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
      expect(await names()).toEqual(['a', 'd', 'e']);
      expect(opened.health).toEqual({ state: 'ok' });
    });

    it('reads times, counts and sums as numbers', async () => {
      const at = Date.UTC(2026, 10, 29);
      await opened.writeAll([setting('a', at), setting('b', at)]);
      const query = opened.db
        .selectFrom('settings')
        .select((row) => [row.fn.countAll<number>().as('count'), row.fn.sum<number>('updated_at').as('sum')])
        .compile();
      const expected = [{ count: 2, sum: 2 * at }];
      expect(await opened.report(query)).toEqual(expected);
      expect(await opened.db.selectFrom('settings').select('updated_at').distinct().execute()).toEqual([
        { updated_at: at },
      ]);
    });

    it('takes a record of what a client named as no database can', async () => {
      const record = { actor: 'local', action: 'model.load' };
      await opened.write(
        auditInsert(opened, { ...record, target: 'a\0b\ud800', actorName: '\0Ada', detail: { a: '\0' } }),
      );
      expect(await opened.db.selectFrom('audit_log').select(['target', 'actor_name', 'detail']).execute()).toEqual([
        { target: 'ab\ufffd', actor_name: 'Ada', detail: '{"a":"\\u0000"}' },
      ]);
    });

    it('undoes a transaction that fails', async () => {
      await expect(
        opened.db.transaction().execute(async (trx) => {
          await trx.insertInto('settings').values({ name: 'x', value: '1', updated_at: 1, updated_by: 'x' }).execute();
          throw new Error('no');
        }),
      ).rejects.toThrow('no');
      expect(await names()).toEqual([]);
    });

    it('is opened by a second server at the same time', async () => {
      const second = await openStore(settings);
      const writes = Array.from({ length: 200 }, (_, index) =>
        (index % 2 === 0 ? opened : second).write(setting(`${index}`)),
      );
      await Promise.all(writes);
      expect(await names()).toHaveLength(200);
      await second.close();
      await opened.write(setting('after'));
    });

    it('deletes what has expired, in steps, and nothing after a jump of the clock', async () => {
      let now = 1_000_000;
      let monotonic = 0;
      for (let index = 0; index < 1_200; index++)
        void opened.write(setting(`${index}`, index < 1_100 ? 1_000 : 900_000));
      await opened.flush();
      const rule = retention({
        table: 'settings',
        key: ['name', 'updated_by'],
        time: 'updated_at',
        keepMs: () => 500_000,
      });
      const sweeper = new RetentionSweeper(opened, [rule], { now: () => now, monotonic: () => monotonic });
      now += 10 * 365 * 86_400_000;
      monotonic += 3_600_000;
      expect(await sweeper.sweep()).toBe(0);
      now -= 10 * 365 * 86_400_000;
      expect(await sweeper.sweep()).toBe(0);
      monotonic += 1_000;
      now += 1_000;
      expect(await sweeper.sweep()).toBe(1_100);
      expect(await names()).toHaveLength(100);
    });
  });

  describe('migrations', () => {
    const names = Object.keys(MIGRATIONS).sort();
    const open = async () =>
      name === 'postgres' ? await openPostgres(`${settings.DATABASE_URL}`) : openSqlite(settings.DATA_DIR);

    it.each(names.map((_, index) => index + 1))(
      'bring a database with the first %i to the newest, with its rows',
      async (count) => {
        const engine = await open();
        const first = Object.fromEntries(names.slice(0, count).map((key) => [key, MIGRATIONS[key] ?? expect.fail()]));
        await migrate(engine.db, first);
        const before = await fill(engine.db, name);
        await migrate(engine.db);
        expect(await countRows(engine.db, Object.keys(before))).toEqual(before);
        await engine.close();
        const opened = await openStore(settings);
        expect(opened.health).toEqual({ state: 'ok' });
        await opened.close();
      },
    );

    it('run once where several servers start at the same time', async () => {
      const opened = await Promise.all([openStore(settings), openStore(settings), openStore(settings)]);
      const { rows } = await sql`select name from kysely_migration order by name`.execute(opened[0].db);
      expect(rows).toEqual(names.map((key) => ({ name: key })));
      for (const one of opened) await one.close();
    });

    it('are undone together where one fails, and run again later', async () => {
      const engine = await open();
      const failing = {
        ...MIGRATIONS,
        '9999-fails': {
          up: async (db: Kysely<unknown>) => {
            await sql`create table half (id integer)`.execute(db);
            throw new Error('a fault in a migration');
          },
        },
      };
      await expect(migrate(engine.db, failing)).rejects.toThrow('a fault in a migration');
      const tables = (await engine.db.introspection.getTables()).map((table) => table.name);
      expect(tables).not.toContain('half');
      await migrate(engine.db);
      await engine.close();
    });

    it('refuse a database of a newer version, and leave it as it is', async () => {
      const engine = await open();
      const newer = { ...MIGRATIONS, '9999-later': { up: async () => undefined } };
      await migrate(engine.db, newer);
      await engine.close();
      await expect(openStore(settings)).rejects.toMatchObject({
        reason: 'newer',
        message: expect.stringContaining('newer version'),
      });
    });
  });
});

describe('Postgres', () => {
  it('is not saved while the server is away, and saved again when it is back', async () => {
    const opened = await openStore(await settingsOf('postgres'));
    const setting = (id: string) =>
      opened.db.insertInto('settings').values({ name: id, value: '1', updated_at: 1, updated_by: 'x' });
    await opened.write(setting('a'));
    await postgres.kill();
    await expect(opened.write(setting('b'))).rejects.toMatchObject({ reason: 'unreachable', code: 'not_saved' });
    expect(opened.health).toMatchObject({ state: 'not_saved', error: expect.stringContaining('cannot be reached') });
    await expect(opened.db.selectFrom('settings').selectAll().execute()).rejects.toMatchObject({
      reason: 'unreachable',
    });
    await expect(opened.report(opened.db.selectFrom('settings').selectAll().compile())).rejects.toMatchObject({
      reason: 'unreachable',
    });
    await postgres.restart();
    await expect.poll(() => opened.health.state, { timeout: 20_000 }).toBe('ok');
    await opened.write(setting('c'));
    expect(await opened.db.selectFrom('settings').select('name').orderBy('name').execute()).toEqual([
      { name: 'a' },
      { name: 'c' },
    ]);
    await opened.close();
  });

  it('names no address and no password where it cannot be reached', async () => {
    const refused = openStore({ DATA_DIR: folder, DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/db' });
    await expect(refused).rejects.toMatchObject({ reason: 'unreachable' });
    const error = await refused.catch((reason: Error) => reason);
    expect(JSON.stringify([error instanceof Error ? error.message : error])).not.toMatch(/secret|127/);
  });
});

/** A value of a column. */
function sampleOf(dataType: string): number | boolean | string {
  if (/int|numeric|real/i.test(dataType)) return 1;
  if (/bool/i.test(dataType)) return true;
  return /timestamp|date/i.test(dataType) ? '2026-01-02T03:04:05Z' : 'x';
}

/** Adds a row to each table, whatever its columns, and returns the number of rows of each. */
async function fill<Tables>(db: Kysely<Tables>, engine: 'sqlite' | 'postgres'): Promise<Record<string, number>> {
  const tables = await db.introspection.getTables();
  await db.connection().execute(async (connection) => {
    await sql
      .raw(engine === 'sqlite' ? 'PRAGMA foreign_keys = OFF' : 'set session_replication_role = replica')
      .execute(connection);
    for (const { name, columns } of tables) {
      const values = columns.map(({ dataType }) => sampleOf(dataType));
      await sql`insert into ${sql.table(name)} (${sql.join(columns.map((column) => sql.ref(column.name)))}) values (${sql.join(values)})`.execute(
        connection,
      );
    }
    await sql
      .raw(engine === 'sqlite' ? 'PRAGMA foreign_keys = ON' : 'set session_replication_role = origin')
      .execute(connection);
  });
  return await countRows(
    db,
    tables.map(({ name }) => name),
  );
}

async function countRows<Tables>(db: Kysely<Tables>, tables: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(db);
    counts[table] = rows[0]?.count ?? 0;
  }
  return counts;
}
