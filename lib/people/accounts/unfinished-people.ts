import type { Store } from '#lib/store/store';
import { MINUTE_MS } from '#lib/units';

/** A sign-up takes a second: what is not complete at this age was left behind. */
export const UNFINISHED_AFTER_MS = MINUTE_MS;

/**
 * Deletes people whose sign-up was cut off by the end of its server: better-auth makes a person
 * first, and its way to sign in after it. Such a person could never sign in, and would block the
 * address. `email` limits it to one address, in small letters.
 */
export async function deleteUnfinishedPeople({ db }: Pick<Store, 'db'>, nowMs: number, email?: string): Promise<void> {
  let query = db
    .deleteFrom('users')
    .where('createdAt', '<', new Date(nowMs - UNFINISHED_AFTER_MS).toISOString())
    .where('lastSeenAt', 'is', null)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('credentials').select('credentials.id').whereRef('credentials.userId', '=', 'users.id'))),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('user_sessions').select('user_sessions.id').whereRef('user_sessions.userId', '=', 'users.id'),
        ),
      ),
    );
  if (email !== undefined) query = query.where('email', '=', email);
  await query.execute();
}
