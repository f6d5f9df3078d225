import { authMode } from '#lib/config/auth-mode';
import type { Config } from '#lib/config/config';
import type { Principal } from '#lib/http/principal';
import { store } from '#lib/store/store';

/**
 * Whether a person signs in with a password, and not only at the provider. Null without accounts,
 * and for keys. Rejects with `not_saved` if the database cannot be opened.
 */
export async function hasPassword({ userId, keyId }: Principal, settings: Config): Promise<boolean | null> {
  if (authMode(settings) !== 'accounts' || userId === undefined || keyId !== undefined) return null;
  const { db } = await store();
  const found = await db
    .selectFrom('credentials')
    .select('id')
    .where('userId', '=', userId)
    .where('providerId', '=', 'credential')
    .where('password', 'is not', null)
    .executeTakeFirst();
  return found !== undefined;
}
