import type { Compilable } from 'kysely';
import { AppError } from '#lib/errors';
import { type AuditActor, type AuditRecord, auditStatement } from '#lib/http/audit';
import { readMember } from '#lib/people/accounts/members';
import { changePerson, type MadeChange, type PersonChange, runAll } from '#lib/people/accounts/role-changes';
import type { Store } from '#lib/store/store';
import type { Member } from '#lib/wire/people';

/**
 * Changes a person for an administrator or a manager, within `inRoleTransaction`, with the record
 * of it; with no record if nothing was changed. `others` are statements of the same change.
 * A manager who is put into another group is a member there, unless the change says otherwise.
 * Throws `not_found`, `conflict` for the last administrator, and `invalid_request` for a manager
 * without a group.
 */
export async function changeMember(
  queries: Pick<Store, 'db'>,
  actor: AuditActor,
  userId: string,
  change: PersonChange,
  others: readonly Compilable[] = [],
): Promise<MadeChange> {
  const before = await readMember(queries, userId);
  const made = await changePerson(queries, userId, withRoleInGroup(before, change));
  await runAll(queries, others);
  const after = await readMember(queries, userId);
  if (change.role !== undefined) requireGroupOfManager(after);
  const record = recordOf(before, after, made.withdrawn);
  if (record !== undefined) await auditStatement(queries, actor, record).execute();
  return made;
}

/** The right to manage a group ends with the membership. */
function withRoleInGroup({ role, group }: Member, change: PersonChange): PersonChange {
  const leaves = change.groupId !== undefined && change.groupId !== (group?.id ?? null);
  return role === 'manager' && change.role === undefined && leaves ? { ...change, role: 'member' } : change;
}

/** Rejects what was made already: the transaction undoes it. */
function requireGroupOfManager({ role, group }: Member): void {
  if (role === 'manager' && group === null)
    throw new AppError('invalid_request', 'A manager needs a group: set group_id.', {
      details: [{ field: 'group_id', message: 'is needed for a manager' }],
    });
}

/** `withdrawn` counts the invitations that ended with a right of the person. */
function recordOf(before: Member, after: Member, withdrawn: number): AuditRecord | undefined {
  const words = wordsOf(before, after);
  if (words.length === 0) return undefined;
  const isOnlyState = before.disabled !== after.disabled && words.length === 1;
  if (withdrawn > 0) words.push(`ended ${withdrawn === 1 ? 'an invitation' : `${withdrawn} invitations`} of theirs`);
  return {
    action: isOnlyState ? (after.disabled ? 'user.disable' : 'user.enable') : 'user.change',
    target: after.id,
    summary: words.join('; '),
    changes: { before: changedPart(before), after: changedPart(after) },
  };
}

function wordsOf(before: Member, after: Member): string[] {
  const words: string[] = [];
  if (before.name !== after.name) words.push(`renamed ${before.name} to ${after.name}`);
  if (before.role !== after.role) words.push(`made ${after.name} ${after.role}`);
  if (before.group?.id !== after.group?.id)
    words.push(
      after.group === null ? `took ${after.name} out of the group` : `put ${after.name} into ${after.group.name}`,
    );
  if (before.disabled !== after.disabled) words.push(`${after.disabled ? 'disabled' : 'enabled'} ${after.name}`);
  if (before.two_factor && !after.two_factor) words.push(`removed the second factor of ${after.name}`);
  return words;
}

function changedPart({ name, role, group, disabled, two_factor }: Member) {
  return { name, role, group: group?.id ?? null, disabled, two_factor };
}
