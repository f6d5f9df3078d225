import type { Kysely } from 'kysely';

/** A link for each start, so that a server does not end the link of another one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('set_up_links')
    .addColumn('token_hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('made_at', 'bigint', (column) => column.notNull())
    .execute();
}
