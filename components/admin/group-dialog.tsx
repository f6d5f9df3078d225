'use client';

import { useState } from 'react';
import useSWR from 'swr';
import { Failure } from '#components/people/failure';
import { TextField } from '#components/people/field';
import { FormSubmit } from '#components/people/form-submit';
import { SelectField } from '#components/people/select-field';
import { Dialog } from '#components/ui/dialog';
import type { Group } from '#lib/wire/people';
import { useSubmit } from '../people/use-submit.ts';
import { changeGroup, createGroup, fetchMembers, type GroupChange, PATHS } from './admin-api.ts';
import { closeSaved, type EditDialogProps, undoUnlessEmpty } from './edit-dialog.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

const { groups: STRINGS } = PEOPLE_ADMIN_STRINGS;
const NO_MANAGER = '';

/** Creates a group. */
export function NewGroupDialog({ open, ...dialog }: EditDialogProps) {
  return (
    <Dialog open={open} onOpenChange={dialog.onOpenChange} title={STRINGS.create}>
      <NewGroupForm onCreated={(name) => closeSaved(dialog, STRINGS.created(name))} />
    </Dialog>
  );
}

function NewGroupForm({ onCreated }: { onCreated: (name: string) => void }) {
  const [name, setName] = useState('');
  const { isBusy, error, submit } = useSubmit(async () => onCreated((await createGroup(name.trim())).name));
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField label={STRINGS.name} required maxLength={100} autoComplete="off" value={name} onChange={setName} />
      <FormSubmit action={STRINGS.submit} busyAction={STRINGS.submitting} isBusy={isBusy} error={error} />
    </form>
  );
}

/** Changes the name and the manager of a group. */
export function GroupDialog({ open, group, ...dialog }: EditDialogProps & { group: Group }) {
  return (
    <Dialog open={open} onOpenChange={dialog.onOpenChange} title={STRINGS.editTitle(group.name)}>
      <GroupForm
        key={group.id}
        group={group}
        onSaved={(name, before) =>
          closeSaved(
            dialog,
            ADMIN_STRINGS.saved(name),
            undoUnlessEmpty(before, {
              action: () => changeGroup(group.id, before),
              sentence: ADMIN_STRINGS.undone(group.name),
            }),
          )
        }
      />
    </Dialog>
  );
}

interface GroupFormProps {
  group: Group;
  /** `before` takes the change back. */
  onSaved: (name: string, before: GroupChange) => void;
}

function GroupForm({ group, onSaved }: GroupFormProps) {
  const [name, setName] = useState(group.name);
  const [manager, setManager] = useState(group.manager?.id ?? NO_MANAGER);
  const url = `${PATHS.users}?${new URLSearchParams({ group_id: group.id, limit: '200' })}`;
  const members = useSWR(url, fetchMembers);
  const { isBusy, error, submit } = useSubmit(async () => {
    const managerBefore = group.manager?.id ?? null;
    const change: GroupChange = {
      ...(name.trim() === group.name ? {} : { name: name.trim() }),
      ...(manager === (managerBefore ?? NO_MANAGER) ? {} : { manager_id: manager === NO_MANAGER ? null : manager }),
    };
    await changeGroup(group.id, change);
    onSaved(name.trim(), {
      ...(change.name === undefined ? {} : { name: group.name }),
      ...(change.manager_id === undefined ? {} : { manager_id: managerBefore }),
    });
  });
  const choices = members.data?.users ?? [];
  const current = group.manager;
  const isListed = current === null || choices.some(({ id }) => id === current.id);
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField label={STRINGS.name} required maxLength={100} autoComplete="off" value={name} onChange={setName} />
      <SelectField
        label={STRINGS.manager}
        hint={STRINGS.managerHint}
        value={manager}
        options={[
          { value: NO_MANAGER, label: STRINGS.noManager },
          ...(isListed ? [] : [{ value: current.id, label: current.name }]),
          ...choices.map((person) => ({ value: person.id, label: person.name, hint: person.email })),
        ]}
        onChange={setManager}
      />
      {members.error === undefined ? null : <Failure error={members.error} onRetry={() => void members.mutate()} />}
      <FormSubmit action={ADMIN_STRINGS.save} busyAction={ADMIN_STRINGS.saving} isBusy={isBusy} error={error} />
    </form>
  );
}
