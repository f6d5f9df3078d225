import { setImmediate } from 'node:timers/promises';
import { type CreateTableBuilder, type Kysely, PostgresAdapter, sql } from 'kysely';

const TABLES = ['usage_days', 'usage_months', 'usage_callers', 'usage_servers', 'usage_models'] as const;
/** The tables with an index for the usage of one caller. */
const TABLES_OF_CALLERS: readonly string[] = ['usage_callers', 'usage_servers'];
const TEXTS = ['user_id', 'key_id', 'group_id', 'model', 'server', 'language', 'outcome'] as const;
const FIGURES = [
  'requests',
  'cached',
  'joined',
  'prompt_tokens',
  'completion_tokens',
  'tokens_saved',
  'generation_ms',
  'queue_ms',
  'errors',
  'code_runs',
  'code_cpu_ms',
] as const;

/** A larger table stays as it is, and takes the same queries: its copy would delay the start. */
export const MOST_ROWS = 250_000;

/**
 * SQLite stores rows of usage in the index of their primary key (`WITHOUT ROWID`), so that a report
 * reads one tree of pages instead of the index and the table. Postgres has no such tables.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  if (db.getExecutor().adapter instanceof PostgresAdapter) return;
  for (const table of TABLES) if (!(await hasMoreThan(db, table, MOST_ROWS))) await rebuild(db, table);
}

async function hasMoreThan(db: Kysely<unknown>, table: string, rows: number): Promise<boolean> {
  const found = await sql`select 1 from ${sql.table(table)} limit 1 offset ${rows}`.execute(db);
  return found.rows.length > 0;
}

async function rebuild(db: Kysely<unknown>, table: string): Promise<void> {
  const rebuilt = `${table}_by_key`;
  let create: CreateTableBuilder<string, string> = db.schema
    .createTable(rebuilt)
    .addColumn('day', 'integer', (column) => column.notNull());
  for (const name of TEXTS) create = create.addColumn(name, 'text', (column) => column.notNull());
  for (const name of FIGURES) create = create.addColumn(name, 'bigint', (column) => column.notNull());
  await create
    .addPrimaryKeyConstraint(`${table}_key`, ['day', ...TEXTS])
    .modifyEnd(sql`without rowid`)
    .execute();
  await copyRows(db, table, rebuilt);
  await db.schema.dropTable(table).execute();
  await db.schema.alterTable(rebuilt).renameTo(table).execute();
  if (!TABLES_OF_CALLERS.includes(table)) return;
  for (const owner of ['user_id', 'key_id'] as const)
    await db.schema.createIndex(`${table}_${owner}`).on(table).columns([owner, 'day']).execute();
}

/**
 * Copies the rows of one day after another, in the order of the key, which appends to its tree. In
 * between the event loop has a turn, so that a server responds to health checks meanwhile.
 */
async function copyRows(db: Kysely<unknown>, from: string, to: string): Promise<void> {
  const columns = sql.join(['day', ...TEXTS, ...FIGURES].map((name) => sql.ref(name)));
  const order = sql.join(['day', ...TEXTS].map((name) => sql.ref(name)));
  for (let last = -1; ; ) {
    const { rows } = await sql<{ day: number | null }>`
      select min(day) as day from ${sql.table(from)} where day > ${last}
    `.execute(db);
    const day = rows[0]?.day ?? undefined;
    if (day === undefined) return;
    await sql`
      insert into ${sql.table(to)} (${columns})
      select ${columns} from ${sql.table(from)} where day = ${day} order by ${order}
    `.execute(db);
    last = day;
    await setImmediate();
  }
}
