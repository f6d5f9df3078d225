import type { Kysely } from 'kysely';

/** What was done to a person, a key or a group is found by its id. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('audit_log_target').on('audit_log').column('target').execute();
}
