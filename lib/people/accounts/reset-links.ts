import type { Role } from '#lib/http/principal';
import { roleOf } from '#lib/people/accounts/identity-loader';
import { tokenHash } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';

/** Links with which a person sets a password. better-auth makes them, and keeps their hashes. */

/** What better-auth finds the link by: https://www.better-auth.com/docs/concepts/database. */
export function resetIdentifier(token: string): string {
  return `reset-password:${token}`;
}

/** The page of a link. */
export function resetUrl(origin: string, token: string): string {
  return `${origin}/reset-password?${new URLSearchParams({ token })}`;
}

/**
 * Ends every link with which a person could set a password, after one was set. Devices that need no
 * second factor need it again.
 */
export async function endResetLinks({ db }: Pick<Store, 'db'>, userId: string): Promise<void> {
  await db.deleteFrom('verifications').where('value', '=', userId).execute();
}

/**
 * Records who made a link. Throws if it is not there: a link without a maker would stay valid
 * whatever becomes of the maker.
 */
export async function recordMaker({ db }: Pick<Store, 'db'>, token: string, madeBy: string): Promise<void> {
  const recorded = await db
    .updateTable('verifications')
    .set({ made_by: madeBy })
    .where('identifier', '=', tokenHash(resetIdentifier(token)))
    .returning('id')
    .executeTakeFirst();
  if (recorded === undefined) throw new Error('the reset link that was made is not in the database');
}

/**
 * Deletes the link of a token if the person who made it could not make it any more, so that it is
 * refused as any other that does not exist.
 */
async function dropEndedLink({ db }: Pick<Store, 'db'>, token: string): Promise<void> {
  const identifier = tokenHash(resetIdentifier(token));
  const link = await db
    .selectFrom('verifications')
    .leftJoin('users as maker', 'maker.id', 'verifications.made_by')
    .leftJoin('users as person', 'person.id', 'verifications.value')
    .where('verifications.identifier', '=', identifier)
    .select(['verifications.made_by', 'maker.role as makerRole', 'maker.groupId as makerGroup', 'maker.banned'])
    .select(['maker.id as makerId', 'person.role', 'person.groupId'])
    .executeTakeFirst();
  // A key of the settings has made it, or the person itself by mail: it needs no right of a maker.
  if (link === undefined || link.made_by === null) return;
  const maker =
    link.makerId === null || link.banned ? undefined : { role: roleOf(link.makerRole), groupId: link.makerGroup };
  if (mayMake(maker, { role: roleOf(link.role), groupId: link.groupId })) return;
  await db.deleteFrom('verifications').where('identifier', '=', identifier).execute();
}

interface Standing {
  readonly role: Role;
  readonly groupId: string | null;
}

/** As `requireReach`: administrators for everyone, managers for the members of their group. */
function mayMake(maker: Standing | undefined, person: Standing): boolean {
  if (maker === undefined || maker.role === 'member') return false;
  if (maker.role === 'admin') return true;
  return maker.groupId !== null && maker.groupId === person.groupId && person.role === 'member';
}

/**
 * When the link of a token ends, as it stands now. Undefined for one that was used, has expired,
 * whose maker could not make it any more, or that never was.
 */
export async function endOfResetLink(
  store: Pick<Store, 'db'>,
  token: string,
  nowMs: number,
): Promise<Date | undefined> {
  await dropEndedLink(store, token);
  const link = await store.db
    .selectFrom('verifications')
    .where('identifier', '=', tokenHash(resetIdentifier(token)))
    .select('expiresAt')
    .executeTakeFirst();
  if (link === undefined) return undefined;
  const end = new Date(link.expiresAt);
  return end.getTime() > nowMs ? end : undefined;
}
