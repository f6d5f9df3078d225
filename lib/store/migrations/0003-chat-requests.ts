import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('chat_requests')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('caller', 'text', (column) => column.notNull())
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('format', 'integer', (column) => column.notNull())
    .addColumn('accepted_at', 'bigint', (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('submitter', 'text', (column) => column.notNull())
    .addColumn('api', 'text')
    .addColumn('idempotency_key', 'text')
    .addColumn('idempotency_digest', 'text')
    .addColumn('finished_at', 'bigint')
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('chat_requests_position').on('chat_requests').column('position').execute();
  await db.schema.createIndex('chat_requests_finished_at').on('chat_requests').column('finished_at').execute();
  await db.schema
    .createTable('chat_servers')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('host', 'text', (column) => column.notNull())
    .addColumn('pid', 'integer', (column) => column.notNull())
    .addColumn('seen_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('chat_request_parts')
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('part', 'text', (column) => column.notNull())
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('data', 'bytea', (column) => column.notNull())
    .addPrimaryKeyConstraint('chat_request_parts_key', ['request_id', 'part', 'number'])
    .execute();
}
