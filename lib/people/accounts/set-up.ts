import { AppError } from '#lib/errors';
import { settleLeftClaims } from '#lib/people/accounts/invitations';
import { deleteUnfinishedPeople } from '#lib/people/accounts/unfinished-people';
import { newToken, tokenHash } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';
import { DAY_MS, MINUTE_MS } from '#lib/units';

/**
 * First run: a link in the log makes the first administrator. Each start makes one. It is valid
 * for a week, next to those of other starts: several servers may share the database. All of them
 * end with the first administrator.
 */

const LINK_TTL_MS = 7 * DAY_MS;
/** A server that starts again and again does not fill the table. */
const MAX_LINKS = 50;
/** A claim that was neither completed nor released: its server ended meanwhile. */
const CLAIM_TTL_MS = MINUTE_MS;

/** Whether an administrator can sign in: one whose set-up was cut off counts as none. */
export async function hasAdministrator(store: Store): Promise<boolean> {
  const row = await store.db
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('credentials').select('credentials.id').whereRef('credentials.userId', '=', 'users.id')),
    )
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Makes the token of this start. Returns undefined if there is an administrator. */
export async function startSetUp(store: Store, nowMs: number): Promise<string | undefined> {
  await deleteUnfinishedPeople(store, nowMs);
  await settleLeftClaims(store, nowMs);
  if (await hasAdministrator(store)) return undefined;
  const token = newToken();
  const { db } = store;
  // What requests claim one by one.
  await db
    .insertInto('set_up')
    .values({ id: 1, token_hash: '', used_at: null })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  await db
    .insertInto('set_up_links')
    .values({ token_hash: tokenHash(token), made_at: nowMs })
    .execute();
  await db
    .deleteFrom('set_up_links')
    .where('token_hash', 'not in', (query) =>
      query.selectFrom('set_up_links').select('token_hash').orderBy('made_at', 'desc').limit(MAX_LINKS),
    )
    .execute();
  await db
    .deleteFrom('set_up_links')
    .where('made_at', '<', nowMs - LINK_TTL_MS)
    .execute();
  return token;
}

/**
 * Uses the link up until `releaseSetUp` or `endSetUp`. One statement claims the only row, so of
 * two requests at the same time one gets it, also with two links. Throws `already_set_up` (410)
 * once there is an administrator, and `forbidden` for a token that is wrong or too old.
 */
export async function claimSetUp(store: Store, token: string, nowMs: number): Promise<void> {
  if (await hasAdministrator(store)) throw alreadySetUp();
  const shown = tokenHash(token);
  const link = await store.db
    .selectFrom('set_up_links')
    .select('token_hash')
    .where('token_hash', '=', shown)
    .where('made_at', '>=', nowMs - LINK_TTL_MS)
    .executeTakeFirst();
  if (link === undefined)
    throw new AppError(
      'forbidden',
      'This set-up link is not valid. Use the one that the server printed at its last start.',
    );
  const claimed = await store.db
    .updateTable('set_up')
    .set({ used_at: nowMs, token_hash: shown })
    .where('id', '=', 1)
    .where(({ eb, or }) => or([eb('used_at', 'is', null), eb('used_at', '<', nowMs - CLAIM_TTL_MS)]))
    .returning('id')
    .executeTakeFirst();
  if (claimed === undefined) throw alreadySetUp();
  // Another request has made one between the first look and the claim.
  if (await hasAdministrator(store)) throw alreadySetUp();
}

/** Makes the links valid again, because no administrator was made. */
export async function releaseSetUp(store: Store, token: string): Promise<void> {
  await store.db
    .updateTable('set_up')
    .set({ used_at: null })
    .where('id', '=', 1)
    .where('token_hash', '=', tokenHash(token))
    .execute();
}

/** Ends all links: there is an administrator. */
export async function endSetUp(store: Store): Promise<void> {
  await store.db.deleteFrom('set_up_links').execute();
}

function alreadySetUp(): AppError {
  return new AppError('already_set_up', 'This server has an administrator, so its set-up link is used up. Sign in.');
}
