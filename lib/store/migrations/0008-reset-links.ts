import type { Kysely } from 'kysely';

/** Who made a reset link: it ends with the maker's right to make it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('verifications').addColumn('made_by', 'text').execute();
}
