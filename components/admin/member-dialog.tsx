'use client';

import { useState } from 'react';
import { GroupField } from '#components/admin/group-select';
import { TextField } from '#components/people/field';
import { FormSubmit } from '#components/people/form-submit';
import { SelectField } from '#components/people/select-field';
import { Dialog } from '#components/ui/dialog';
import type { Member, PersonRole } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useMe } from '../people/use-me.ts';
import { useSubmit } from '../people/use-submit.ts';
import { changeMember, type MemberChange } from './admin-api.ts';
import { closeSaved, type EditDialogProps, undoUnlessEmpty } from './edit-dialog.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';
import { NO_GROUP } from './use-groups.ts';

const { people: STRINGS } = PEOPLE_ADMIN_STRINGS;
const ROLES: readonly PersonRole[] = ['member', 'manager', 'admin'];

interface MemberDialogProps extends EditDialogProps {
  member: Member;
}

/** Changes name, role and group. */
export function MemberDialog({ open, member, ...dialog }: MemberDialogProps) {
  return (
    <Dialog open={open} onOpenChange={dialog.onOpenChange} title={STRINGS.editTitle(member.name)}>
      <MemberForm
        key={member.id}
        member={member}
        onSaved={(name, before) =>
          closeSaved(
            dialog,
            ADMIN_STRINGS.saved(name),
            undoUnlessEmpty(before, {
              action: () => changeMember(member.id, before),
              sentence: ADMIN_STRINGS.undone(member.name),
            }),
          )
        }
      />
    </Dialog>
  );
}

interface MemberFormProps extends Pick<MemberDialogProps, 'member'> {
  /** `before` takes the change back. */
  onSaved: (name: string, before: MemberChange) => void;
}

function MemberForm({ member, onSaved }: MemberFormProps) {
  const [name, setName] = useState(member.name);
  const [role, setRole] = useState<PersonRole>(member.role);
  const [group, setGroup] = useState(member.group?.id ?? NO_GROUP);
  const isAdmin = useMe().data?.user.role === 'admin';
  const { isBusy, error, submit } = useSubmit(async () => {
    const groupBefore = member.group?.id ?? null;
    const isMoved = group !== (groupBefore ?? NO_GROUP);
    // A manager who is moved stays manager only if the change says so.
    const isRoleKept = role === member.role && !(isMoved && role === 'manager');
    const change: MemberChange = {
      ...(name.trim() === member.name ? {} : { name: name.trim() }),
      ...(isRoleKept ? {} : { role }),
      ...(isMoved ? { group_id: group === NO_GROUP ? null : group } : {}),
    };
    await changeMember(member.id, change);
    onSaved(name.trim(), {
      ...(change.name === undefined ? {} : { name: member.name }),
      ...(change.role === undefined ? {} : { role: member.role }),
      ...(change.group_id === undefined ? {} : { group_id: groupBefore }),
    });
  });
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={PEOPLE_STRINGS.name}
        required
        maxLength={100}
        autoComplete="off"
        value={name}
        onChange={setName}
      />
      {isAdmin ? (
        <>
          <SelectField
            label={STRINGS.role}
            hint={PEOPLE_STRINGS.roleHint(role)}
            value={role}
            options={ROLES.map((value) => ({ value, label: PEOPLE_STRINGS.role(value) }))}
            onChange={(value) => setRole(ROLES.find((known) => known === value) ?? member.role)}
          />
          <GroupField label={STRINGS.group} value={group} onChange={setGroup} />
        </>
      ) : null}
      <FormSubmit action={ADMIN_STRINGS.save} busyAction={ADMIN_STRINGS.saving} isBusy={isBusy} error={error} />
    </form>
  );
}
