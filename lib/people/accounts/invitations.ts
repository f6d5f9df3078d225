import { AppError } from '#lib/errors';
import type { AccountAdmission } from '#lib/people/accounts/auth-flow';
import { roleOf } from '#lib/people/accounts/identity-loader';
import { tokenHash } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';

/** Invitations: one link for one person, or for N of a class. */

/** The same error for a wrong, an expired, a used and a withdrawn invitation. */
function invitationRefused(code: 'forbidden' | 'not_found' = 'forbidden'): AppError {
  return new AppError(
    code,
    'This invitation is not valid: it is used up, has expired or was withdrawn. Ask for a new one.',
    { data: { reason: 'invitation' } },
  );
}

/**
 * Counts one use of an invitation and returns what it admits to. One statement checks and counts,
 * so two people at the same time cannot share the last use. Without an e-mail it must be one that
 * names no address. Throws `forbidden`.
 */
export async function claimInvitation(
  store: Store,
  hash: string,
  email: string | undefined,
  nowMs: number,
): Promise<AccountAdmission & { readonly invitationId: string }> {
  const claimed = await store.db
    .updateTable('invitations')
    .set((expression) => ({ uses: expression('uses', '+', 1) }))
    .where('token_hash', '=', hash)
    .whereRef('uses', '<', 'max_uses')
    .where('expires_at', '>', nowMs)
    .where((expression) => {
      const isForAnyone = expression('email', 'is', null);
      if (email === undefined) return isForAnyone;
      return expression.or([isForAnyone, expression('email', '=', email.toLowerCase())]);
    })
    .returning(['id', 'role', 'group_id', 'email'])
    .executeTakeFirst();
  if (claimed === undefined) throw invitationRefused();
  return {
    invitationId: claimed.id,
    role: roleOf(claimed.role),
    groupId: claimed.group_id,
    isAddressNamed: claimed.email !== null,
  };
}

/** Takes a use back, because no account was made with it. */
export async function releaseInvitation(store: Store, id: string): Promise<void> {
  await store.db
    .updateTable('invitations')
    .set((expression) => ({ uses: expression('uses', '-', 1) }))
    .where('id', '=', id)
    .where('uses', '>', 0)
    .execute();
}

/** What the join page shows. Throws `not_found`. */
export async function readOpenInvitation(store: Store, token: string, nowMs: number) {
  const row = await store.db
    .selectFrom('invitations')
    .leftJoin('groups', 'groups.id', 'invitations.group_id')
    .where('token_hash', '=', tokenHash(token))
    .whereRef('uses', '<', 'max_uses')
    .where('expires_at', '>', nowMs)
    .select(['invitations.role', 'invitations.email', 'invitations.expires_at', 'groups.name as group'])
    .executeTakeFirst();
  if (row === undefined) throw invitationRefused('not_found');
  return {
    role: roleOf(row.role),
    group: row.group === null ? null : { name: row.group },
    email: row.email,
    expires_at: new Date(row.expires_at).toISOString(),
  };
}
