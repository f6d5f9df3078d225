import { timingSafeEqual } from 'node:crypto';
import { AppError } from '#lib/errors';
import { newToken, tokenHash } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';

/** First run: a link in the log makes the first administrator. It is valid once. */

export async function hasAdministrator(store: Store): Promise<boolean> {
  const row = await store.db.selectFrom('users').select('id').where('role', '=', 'admin').limit(1).executeTakeFirst();
  return row !== undefined;
}

/**
 * Makes the token of this start, which replaces that of the last one. Returns undefined if there
 * is an administrator.
 */
export async function startSetUp(store: Store): Promise<string | undefined> {
  if (await hasAdministrator(store)) return undefined;
  const token = newToken();
  await store.db
    .insertInto('set_up')
    .values({ id: 1, token_hash: tokenHash(token), used_at: null })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ token_hash: tokenHash(token), used_at: null }))
    .execute();
  return token;
}

/**
 * Uses the token up. One statement checks and marks it, so of two requests at the same time one
 * gets it. Throws `already_set_up` (410) once there is an administrator, and `forbidden` for a
 * wrong token.
 */
export async function claimSetUp(store: Store, token: string, nowMs: number): Promise<void> {
  const shown = tokenHash(token);
  const row = await store.db.selectFrom('set_up').selectAll().where('id', '=', 1).executeTakeFirst();
  // The comparison takes the same time where no token was made.
  const isRight = timingSafeEqual(Buffer.from(shown), Buffer.from(row?.token_hash ?? tokenHash('')));
  if ((row !== undefined && row.used_at !== null) || (await hasAdministrator(store))) throw alreadySetUp();
  if (row === undefined || !isRight)
    throw new AppError('forbidden', 'This set-up link is not valid. The log of the last start has the one that is.');
  const claimed = await store.db
    .updateTable('set_up')
    .set({ used_at: nowMs })
    .where('id', '=', 1)
    .where('token_hash', '=', shown)
    .where('used_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (claimed === undefined) throw alreadySetUp();
}

/** Makes the token valid again, because no administrator was made with it. */
export async function releaseSetUp(store: Store, token: string): Promise<void> {
  await store.db
    .updateTable('set_up')
    .set({ used_at: null })
    .where('id', '=', 1)
    .where('token_hash', '=', tokenHash(token))
    .execute();
}

function alreadySetUp(): AppError {
  return new AppError('already_set_up', 'This server has an administrator, so its set-up link is used up. Sign in.');
}
