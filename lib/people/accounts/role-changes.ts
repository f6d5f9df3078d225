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

/**
 * Invitations that a person has made end with the right to make them. Returns how many that were.
 * Throws `conflict` for the last administrator, and `not_found`.
 */
export async function changeRole(store: Store, userId: string, change: PersonChange): Promise<number> {
  let withdrawn = 0;
  const losesAdmin = (change.role !== undefined && change.role !== 'admin') || change.isDisabled === true;
  await withAdministrators(store, userId, losesAdmin, async (db, before) => {
    if (losesReach(before, change)) withdrawn = await withdrawInvitations(db, userId);
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
  });
  accountIdentities().forgetPerson(userId);
  if (change.isDisabled === true) {
    await store.db.deleteFrom('user_sessions').where('userId', '=', userId).execute();
    await lockOutPerson(store, userId);
  }
  return withdrawn;
}

/** Deletes a person with its sessions, keys and ways to sign in. */
export async function deletePerson(store: Store, userId: string): Promise<void> {
  const callers = await callersOf(store, userId);
  await withAdministrators(store, userId, true, async (db) => {
    await withdrawInvitations(db, userId);
    await db.deleteFrom('users').where('id', '=', userId).execute();
  });
  accountIdentities().forgetPerson(userId);
  revoke(callers);
}

/** Whether a person may invite fewer people, or into other groups, than before. */
function losesReach({ role, groupId }: PersonBefore, change: PersonChange): boolean {
  if (change.isDisabled === true) return true;
  const now = change.role ?? role;
  if (ROLES.indexOf(now) > ROLES.indexOf(role)) return true;
  return role === 'manager' && now === 'manager' && change.groupId !== undefined && change.groupId !== groupId;
}

/** Returns how many there were. */
async function withdrawInvitations(db: Store['db'], userId: string): Promise<number> {
  const ended = await db.deleteFrom('invitations').where('created_by', '=', userId).returning('id').execute();
  return ended.length;
}

/** Ends what a person's sessions and keys have in progress. */
async function lockOutPerson(store: Store, userId: string): Promise<void> {
  revoke(await callersOf(store, userId));
}

async function callersOf(store: Store, userId: string): Promise<string[]> {
  const keys = await store.db.selectFrom('access_keys').select('id').where('user_id', '=', userId).execute();
  return [`user:${userId}`, ...keys.map(({ id }) => `key:${id}`)];
}

interface PersonBefore {
  readonly role: Role;
  readonly groupId: string | null;
}

async function withAdministrators(
  store: Store,
  userId: string,
  losesAdmin: boolean,
  change: (db: Store['db'], before: PersonBefore) => Promise<void>,
): Promise<void> {
  await store.db.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('server_secrets')
      .set((expression) => ({ created_at: expression.ref('created_at') }))
      .where('name', '=', 'administrators')
      .execute();
    const person = await transaction
      .selectFrom('users')
      .select(['role', 'groupId'])
      .where('id', '=', userId)
      .executeTakeFirst();
    if (person === undefined) throw new AppError('not_found', 'There is no person with this id.');
    if (losesAdmin && person.role === 'admin') {
      const other = await transaction
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
    await change(transaction, { role: roleOf(person.role), groupId: person.groupId });
  });
}
