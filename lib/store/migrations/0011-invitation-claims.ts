import type { Kysely } from 'kysely';

/** Uses of invitations whose account is being made. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('invitation_claims')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('invitation_id', 'text', (column) => column.notNull().references('invitations.id').onDelete('cascade'))
    .addColumn('email', 'text', (column) => column.notNull())
    .addColumn('claimed_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('invitation_claims_invitation').on('invitation_claims').column('invitation_id').execute();
}
