import { type CreateTableBuilder, type Kysely, sql } from 'kysely';

const KEYS = ['day', 'user_id', 'key_id', 'group_id', 'server', 'outcome'] as const;
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

/** Sums by day without models and languages, of the rows that there are. */
export async function up(db: Kysely<unknown>): Promise<void> {
  let create: CreateTableBuilder<string, string> = db.schema
    .createTable('usage_servers')
    .addColumn('day', 'integer', (column) => column.notNull());
  for (const name of TEXTS) create = create.addColumn(name, 'text', (column) => column.notNull());
  for (const name of FIGURES) create = create.addColumn(name, 'bigint', (column) => column.notNull());
  await create.addPrimaryKeyConstraint('usage_servers_key', ['day', ...TEXTS]).execute();
  // For the usage of one caller.
  for (const owner of ['user_id', 'key_id'] as const)
    await db.schema.createIndex(`usage_servers_${owner}`).on('usage_servers').columns([owner, 'day']).execute();
  const keys = sql.join(KEYS.map((name) => sql.ref(name)));
  const figures = FIGURES.map((name) => sql.ref(name));
  await sql`
    insert into usage_servers (${keys}, model, language, ${sql.join(figures)})
    select ${keys}, '', '', ${sql.join(figures.map((figure) => sql`sum(${figure})`))}
    from usage_days group by ${keys}
  `.execute(db);
}
