import { newToken } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';

const NAME = 'auth';

/**
 * The secret that signs cookies and encrypts second factors: `AUTH_SECRET`, or the one that the
 * first start put into the database. Servers of one database have the same.
 */
export async function authSecret(store: Store, configured: string | undefined): Promise<string> {
  if (configured !== undefined) return configured;
  const stored = await readSecret(store);
  if (stored !== undefined) return stored;
  await store.db
    .insertInto('server_secrets')
    .values({ name: NAME, value: newToken(), created_at: Date.now() })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const made = await readSecret(store);
  if (made === undefined) throw new Error('the secret of accounts is not in the database');
  return made;
}

async function readSecret(store: Store): Promise<string | undefined> {
  const row = await store.db.selectFrom('server_secrets').select('value').where('name', '=', NAME).executeTakeFirst();
  return row?.value;
}
