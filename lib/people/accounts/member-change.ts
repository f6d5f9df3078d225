import { type AuditActor, recordAudit } from '#lib/people/audit';
import type { Store } from '#lib/store/store';
import type { Member } from '#lib/wire/people';

/**
 * Records what an administrator or a manager changed of a person; nothing if nothing was.
 * `withdrawn` counts the invitations that ended with a right of the person.
 */
export function recordMemberChange(
  store: Store,
  actor: AuditActor,
  before: Member,
  after: Member,
  withdrawn: number,
): void {
  const words = wordsOf(before, after);
  if (words.length === 0) return;
  const isOnlyState = before.disabled !== after.disabled && words.length === 1;
  if (withdrawn > 0) words.push(`ended ${withdrawn === 1 ? 'an invitation' : `${withdrawn} invitations`} of theirs`);
  recordAudit(store, actor, {
    action: isOnlyState ? (after.disabled ? 'user.disable' : 'user.enable') : 'user.change',
    target: after.id,
    summary: words.join('; '),
    changes: { before: changedPart(before), after: changedPart(after) },
  });
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
