'use client';

import { useState } from 'react';
import useSWR from 'swr';
import { Failure } from '#components/people/failure';
import { TextField } from '#components/people/field';
import { SelectField } from '#components/people/select-field';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import { showToast } from '#lib/browser/toasts';
import type { Group } from '#lib/wire/people';
import { useSubmit } from '../people/use-submit.ts';
import { changeGroup, createGroup, fetchMembers, PATHS } from './admin-api.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

const { groups: STRINGS } = PEOPLE_ADMIN_STRINGS;
const NO_MANAGER = '';

interface NewGroupDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onChange: () => void;
}

export function NewGroupDialog({ open, onOpenChange, onChange }: NewGroupDialogProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={STRINGS.create}>
      <NewGroupForm
        onCreated={(name) => {
          onOpenChange(false);
          showToast({ text: STRINGS.created(name) });
          onChange();
        }}
      />
    </Dialog>
  );
}

function NewGroupForm({ onCreated }: { onCreated: (name: string) => void }) {
  const [name, setName] = useState('');
  const { isBusy, error, submit } = useSubmit(async () => onCreated((await createGroup(name.trim())).name));
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField label={STRINGS.name} required maxLength={100} autoComplete="off" value={name} onChange={setName} />
      {error === undefined ? null : <Failure error={error} />}
      <div className="flex justify-end">
        <Button type="submit" kind="primary" disabled={isBusy} className="h-10">
          {isBusy ? STRINGS.submitting : STRINGS.submit}
        </Button>
      </div>
    </form>
  );
}

/** Changes the name and the manager of a group. */
export function GroupDialog({ open, onOpenChange, group, onChange }: NewGroupDialogProps & { group: Group }) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={STRINGS.editTitle(group.name)}>
      <GroupForm
        key={group.id}
        group={group}
        onSaved={(name) => {
          onOpenChange(false);
          showToast({ text: ADMIN_STRINGS.saved(name) });
          onChange();
        }}
      />
    </Dialog>
  );
}

function GroupForm({ group, onSaved }: { group: Group; onSaved: (name: string) => void }) {
  const [name, setName] = useState(group.name);
  const [manager, setManager] = useState(group.manager?.id ?? NO_MANAGER);
  const url = `${PATHS.users}?${new URLSearchParams({ group_id: group.id, limit: '200' })}`;
  const members = useSWR(url, fetchMembers);
  const { isBusy, error, submit } = useSubmit(async () => {
    await changeGroup(group.id, {
      ...(name.trim() === group.name ? {} : { name: name.trim() }),
      ...(manager === (group.manager?.id ?? NO_MANAGER) ? {} : { manager_id: manager === NO_MANAGER ? null : manager }),
    });
    onSaved(name.trim());
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
      {error === undefined ? null : <Failure error={error} />}
      <div className="flex justify-end">
        <Button type="submit" kind="primary" disabled={isBusy} className="h-10">
          {isBusy ? ADMIN_STRINGS.saving : ADMIN_STRINGS.save}
        </Button>
      </div>
    </form>
  );
}
