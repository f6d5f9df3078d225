import type { CreateTableBuilder, Kysely } from 'kysely';

const TABLES = ['usage_days', 'usage_months', 'usage_callers', 'usage_models'] as const;
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

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of TABLES) {
    let create: CreateTableBuilder<string, string> = db.schema
      .createTable(table)
      .addColumn('day', 'integer', (column) => column.notNull());
    for (const name of TEXTS) create = create.addColumn(name, 'text', (column) => column.notNull());
    for (const name of FIGURES) create = create.addColumn(name, 'bigint', (column) => column.notNull());
    await create.addPrimaryKeyConstraint(`${table}_key`, ['day', ...TEXTS]).execute();
  }
  // For the usage of one caller.
  for (const owner of ['user_id', 'key_id'] as const)
    await db.schema.createIndex(`usage_callers_${owner}`).on('usage_callers').columns([owner, 'day']).execute();
}
