import type { Compilable } from 'kysely';
import { AppError } from '#lib/errors';
import { revoke } from '#lib/http/open-work';
import { ROLES, type Role } from '#lib/http/principal';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { roleOf } from '#lib/people/accounts/identity-loader';
import type { Store } from '#lib/store/store';

/**
 * Changes that could leave the server without an administrator. They run one after the other: a
 * row that all of them update is locked first, on either engine.
 */

export interface PersonChange {
  readonly role?: Role;
  readonly groupId?: string | null;
  readonly isDisabled?: boolean;
  readonly name?: string;
}

type Queries = Pick<Store, 'db'>;

/** Runs `work` in one transaction, while no other change of roles or groups is made. */
export async function inRoleTransaction<T>({ db }: Queries, work: (queries: Queries) => Promise<T>): Promise<T> {
  return await db.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('server_secrets')
      .set((expression) => ({ created_at: expression.ref('created_at') }))
      .where('name', '=', 'administrators')
      .execute();
    return await work({ db: transaction });
  });
}

/** Runs statements in a transaction, such as those of its record. */
export async function runAll({ db }: Queries, statements: readonly Compilable[]): Promise<void> {
  for (const statement of statements) await db.executeQuery(statement.compile());
}

/** What a transaction of roles has changed, and what holds once it is committed. */
export interface MadeChange {
  /** Invitations of the person that ended with the right to make them. */
  readonly withdrawn: number;
  readonly userId: string;
  /** The person and its keys, if they may not use the server any more. */
  readonly lockedOut: readonly string[];
}

/**
 * Changes a person, within `inRoleTransaction`. A person who is disabled has no session after it.
 * `applyChange` belongs after the commit. Throws `conflict` for the last administrator, and
 * `not_found`.
 */
export async function changePerson(queries: Queries, userId: string, change: PersonChange): Promise<MadeChange> {
  const { db } = queries;
  const losesAdmin = (change.role !== undefined && change.role !== 'admin') || change.isDisabled === true;
  const before = await readBefore(queries, userId, losesAdmin);
  const withdrawn = losesReach(before, change) ? await withdrawInvitations(queries, userId) : 0;
  await db
    .updateTable('users')
    .set({
      updatedAt: new Date().toISOString(),
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.role === undefined ? {} : { role: change.role }),
      ...(change.groupId === undefined ? {} : { groupId: change.groupId }),
      ...(change.isDisabled === undefined ? {} : { banned: change.isDisabled ? 1 : 0, banExpires: null }),
    })
    .where('id', '=', userId)
    .execute();
  if (change.isDisabled !== true) return { withdrawn, userId, lockedOut: [] };
  await db.deleteFrom('user_sessions').where('userId', '=', userId).execute();
  return { withdrawn, userId, lockedOut: await callersOf(queries, userId) };
}

/** Deletes a person with its sessions, keys and ways to sign in, as `changePerson` changes one. */
export async function deletePerson(queries: Queries, userId: string): Promise<MadeChange> {
  await readBefore(queries, userId, true);
  const lockedOut = await callersOf(queries, userId);
  const withdrawn = await withdrawInvitations(queries, userId);
  await queries.db.deleteFrom('users').where('id', '=', userId).execute();
  return { withdrawn, userId, lockedOut };
}

/** Lets a committed change hold at once: in every server, and for what is in progress. */
export function applyChange({ userId, lockedOut }: MadeChange): void {
  accountIdentities().forgetPerson(userId);
  revoke(lockedOut);
}

/** Whether a person may invite fewer people, or into other groups, than before. */
function losesReach({ role, groupId }: PersonBefore, change: PersonChange): boolean {
  if (change.isDisabled === true) return true;
  const now = change.role ?? role;
  if (ROLES.indexOf(now) > ROLES.indexOf(role)) return true;
  return role === 'manager' && now === 'manager' && change.groupId !== undefined && change.groupId !== groupId;
}

/** Returns how many there were. */
async function withdrawInvitations({ db }: Queries, userId: string): Promise<number> {
  const ended = await db.deleteFrom('invitations').where('created_by', '=', userId).returning('id').execute();
  return ended.length;
}

async function callersOf({ db }: Queries, userId: string): Promise<string[]> {
  const keys = await db.selectFrom('access_keys').select('id').where('user_id', '=', userId).execute();
  return [`user:${userId}`, ...keys.map(({ id }) => `key:${id}`)];
}

interface PersonBefore {
  readonly role: Role;
  readonly groupId: string | null;
}

async function readBefore({ db }: Queries, userId: string, losesAdmin: boolean): Promise<PersonBefore> {
  const person = await db.selectFrom('users').select(['role', 'groupId']).where('id', '=', userId).executeTakeFirst();
  if (person === undefined) throw new AppError('not_found', 'There is no person with this id.');
  if (losesAdmin && person.role === 'admin') {
    const other = await db
      .selectFrom('users')
      .select('id')
      .where('role', '=', 'admin')
      .where('id', '<>', userId)
      .where((expression) => expression.or([expression('banned', 'is', null), expression('banned', '=', 0)]))
      .limit(1)
      .executeTakeFirst();
    if (other === undefined)
      throw new AppError('conflict', 'This is the last administrator. Make another person administrator first.', {
        data: { reason: 'last_admin' },
      });
  }
  return { role: roleOf(person.role), groupId: person.groupId };
}
