import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { StoreUnavailable } from '#lib/store/errors';
import { MIGRATIONS } from '#lib/store/migrations/index';

/**
 * Brings the database to the newest schema: all pending migrations in one transaction, under a
 * lock that other servers wait for. Throws `StoreUnavailable` with reason `newer` for a database
 * with a migration that this program does not have.
 */
export async function migrate<Tables>(
  db: Kysely<Tables>,
  migrations: Readonly<Record<string, Migration>> = MIGRATIONS,
): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    // Names are compared in full, and an order by clock would depend on the clock of the machine.
    allowUnorderedMigrations: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const unknown = /previously executed migration (\S+) is missing/.exec(error instanceof Error ? error.message : '');
  if (unknown === null) throw error;
  const newest = Object.keys(migrations).sort().at(-1);
  throw new StoreUnavailable('newer', undefined, new Error(`it has ${unknown[1]}, this program knows up to ${newest}`));
}
