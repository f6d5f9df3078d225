import type { Store } from '#lib/store/store';
import { DAY_SECONDS, SECOND_MS } from '#lib/units';

/** How long a device that a person trusts needs no second factor, since the last sign-in there. */
export const TRUSTED_DEVICE_SECONDS = 30 * DAY_SECONDS;

/**
 * Returns the statements that make every device of a person ask for the second factor again.
 * better-auth keeps a device under the hash of a random name, next to reset links of the same
 * person, which stay: their lives are a day.
 */
export async function forgetTrustedDevices({ db }: Pick<Store, 'db'>, userId: string) {
  const rows = await db
    .selectFrom('verifications')
    .select(['id', 'createdAt', 'expiresAt'])
    .where('value', '=', userId)
    .execute();
  const ids = rows.filter((row) => lifeMs(row) > (TRUSTED_DEVICE_SECONDS * SECOND_MS) / 2).map(({ id }) => id);
  return ids.length === 0 ? [] : [db.deleteFrom('verifications').where('id', 'in', ids)];
}

function lifeMs({ createdAt, expiresAt }: { createdAt: Date | string; expiresAt: Date | string }): number {
  return new Date(expiresAt).getTime() - new Date(createdAt).getTime();
}
