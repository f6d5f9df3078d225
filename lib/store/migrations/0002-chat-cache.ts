import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('chat_cache')
    .addColumn('key', 'text', (column) => column.primaryKey().notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('epoch', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addColumn('value', 'bytea', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('chat_cache_epoch_key').on('chat_cache').columns(['epoch', 'key']).execute();
  await db.schema.createIndex('chat_cache_created_at').on('chat_cache').column('created_at').execute();
  await db.schema.createIndex('chat_cache_used_at').on('chat_cache').column('used_at').execute();
  await db.schema
    .createTable('chat_cache_epoch')
    .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('epoch', 'bigint', (column) => column.notNull())
    .addColumn('format', 'text', (column) => column.notNull())
    .execute();
}
