import { AppError } from '#lib/errors';
import type { AccountAdmission } from '#lib/people/accounts/auth-flow';
import { roleOf } from '#lib/people/accounts/identity-loader';
import { UNFINISHED_AFTER_MS } from '#lib/people/accounts/unfinished-people';
import { newToken, tokenHash } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';

/** Invitations: one link for one person, or for N of a class. */

/** The same error for a wrong, an expired, a used and a withdrawn invitation. */
function invitationRefused(code: 'forbidden' | 'not_found' = 'forbidden'): AppError {
  return new AppError(
    code,
    'This invitation is not valid: it is used up, has expired or was withdrawn. Ask for a new one.',
    { data: { reason: 'invitation' } },
  );
}

/** Who uses an invitation. */
interface InvitationUse {
  /** Of the invitation's token. */
  readonly hash: string;
  /** The address of the account that is to be made. */
  readonly email: string;
  /** Whether the address is the person's: an invitation that names one is for its owner alone. */
  readonly isOwner: boolean;
}

/** An admission by an invitation. `settleClaim` belongs after it. */
export interface InvitedAdmission extends AccountAdmission {
  readonly invitationId: string;
  readonly claimId: string;
}

/**
 * Counts one use of an invitation and returns what it admits to. One statement checks and counts,
 * so two people at the same time cannot share the last use. Throws `forbidden`.
 */
export async function claimInvitation(store: Store, use: InvitationUse, nowMs: number): Promise<InvitedAdmission> {
  await settleLeftClaims(store, nowMs);
  const email = use.email.toLowerCase();
  const claimId = newToken();
  const claimed = await store.db.transaction().execute(async (transaction) => {
    const counted = await transaction
      .updateTable('invitations')
      .set((expression) => ({ uses: expression('uses', '+', 1) }))
      .where('token_hash', '=', use.hash)
      .whereRef('uses', '<', 'max_uses')
      .where('expires_at', '>', nowMs)
      .where((expression) => {
        const isForAnyone = expression('email', 'is', null);
        return use.isOwner ? expression.or([isForAnyone, expression('email', '=', email)]) : isForAnyone;
      })
      .returning(['id', 'role', 'group_id', 'email'])
      .executeTakeFirst();
    if (counted !== undefined)
      await transaction
        .insertInto('invitation_claims')
        .values({ id: claimId, invitation_id: counted.id, email, claimed_at: nowMs })
        .execute();
    return counted;
  });
  if (claimed === undefined) throw invitationRefused();
  return {
    claimId,
    invitationId: claimed.id,
    role: roleOf(claimed.role),
    groupId: claimed.group_id,
    isAddressNamed: claimed.email !== null,
  };
}

/**
 * Ends a claim: its person has joined, or its use is given back. Never rejects: a claim that could
 * not be settled is settled later.
 */
export async function settleClaim(store: Store, claimId: string, hasJoined: boolean): Promise<void> {
  try {
    await store.db.transaction().execute(async (transaction) => {
      const claim = await transaction
        .deleteFrom('invitation_claims')
        .where('id', '=', claimId)
        .returning('invitation_id')
        .executeTakeFirst();
      if (claim === undefined || hasJoined) return;
      await transaction
        .updateTable('invitations')
        .set((expression) => ({ uses: expression('uses', '-', 1) }))
        .where('id', '=', claim.invitation_id)
        .where('uses', '>', 0)
        .execute();
    });
  } catch (error) {
    log().warn({ err: error }, 'the use of an invitation could not be settled yet');
  }
}

/**
 * Settles claims that were left behind, by the end of their server or by a database that took no
 * writes: a use without a person who can sign in is given back.
 */
export async function settleLeftClaims(store: Store, nowMs: number): Promise<void> {
  const left = await store.db
    .selectFrom('invitation_claims')
    .selectAll()
    .where('claimed_at', '<', nowMs - UNFINISHED_AFTER_MS)
    .execute();
  for (const { id, email, claimed_at: claimedAtMs } of left) {
    const person = await store.db
      .selectFrom('users')
      .innerJoin('credentials', 'credentials.userId', 'users.id')
      .select('users.id')
      .where('users.email', '=', email)
      .where('users.createdAt', '>=', new Date(Number(claimedAtMs)).toISOString())
      .executeTakeFirst();
    await settleClaim(store, id, person !== undefined);
  }
}

/** What the join page shows. Throws `not_found`. */
export async function readOpenInvitation(store: Store, token: string, nowMs: number) {
  await settleLeftClaims(store, nowMs);
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
