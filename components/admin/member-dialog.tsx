'use client';

import { useState } from 'react';
import { Failure } from '#components/people/failure';
import { TextField } from '#components/people/field';
import { SelectField } from '#components/people/select-field';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import { showToast } from '#lib/browser/toasts';
import type { Group, Member, PersonRole } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useMe } from '../people/use-me.ts';
import { useSubmit } from '../people/use-submit.ts';
import { changeMember } from './admin-api.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';
import { groupOptions, NO_GROUP } from './use-groups.ts';

const { people: STRINGS } = PEOPLE_ADMIN_STRINGS;
const ROLES: readonly PersonRole[] = ['member', 'manager', 'admin'];

interface MemberDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  member: Member;
  groups: readonly Group[];
  onChange: () => void;
}

/** Changes name, role and group. */
export function MemberDialog({ open, onOpenChange, member, groups, onChange }: MemberDialogProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={STRINGS.editTitle(member.name)}>
      <MemberForm
        key={member.id}
        member={member}
        groups={groups}
        onSaved={(name) => {
          onOpenChange(false);
          showToast({ text: ADMIN_STRINGS.saved(name) });
          onChange();
        }}
      />
    </Dialog>
  );
}

interface MemberFormProps extends Pick<MemberDialogProps, 'member' | 'groups'> {
  onSaved: (name: string) => void;
}

function MemberForm({ member, groups, onSaved }: MemberFormProps) {
  const [name, setName] = useState(member.name);
  const [role, setRole] = useState<PersonRole>(member.role);
  const [group, setGroup] = useState(member.group?.id ?? NO_GROUP);
  const isAdmin = useMe().data?.user.role === 'admin';
  const { isBusy, error, submit } = useSubmit(async () => {
    await changeMember(member.id, {
      ...(name.trim() === member.name ? {} : { name: name.trim() }),
      ...(role === member.role ? {} : { role }),
      ...(group === (member.group?.id ?? NO_GROUP) ? {} : { group_id: group === NO_GROUP ? null : group }),
    });
    onSaved(name.trim());
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
            value={role}
            options={ROLES.map((value) => ({ value, label: PEOPLE_STRINGS.role(value) }))}
            onChange={(value) => setRole(ROLES.find((known) => known === value) ?? member.role)}
          />
          <SelectField label={STRINGS.group} value={group} options={groupOptions(groups)} onChange={setGroup} />
        </>
      ) : null}
      {error === undefined ? null : <Failure error={error} />}
      <div className="flex justify-end">
        <Button type="submit" kind="primary" disabled={isBusy} className="h-10">
          {isBusy ? ADMIN_STRINGS.saving : ADMIN_STRINGS.save}
        </Button>
      </div>
    </form>
  );
}
