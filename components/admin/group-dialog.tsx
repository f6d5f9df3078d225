'use client';

import { useMemo, useState } from 'react';
import { SearchSelect } from '#components/admin/search-select';
import { TextField } from '#components/people/field';
import { FormSubmit } from '#components/people/form-submit';
import { CHOICE_BUTTON, ChoiceFrame } from '#components/people/select-field';
import { Dialog } from '#components/ui/dialog';
import type { Option } from '#components/ui/popup-props';
import type { Group } from '#lib/wire/people';
import { useSubmit } from '../people/use-submit.ts';
import { changeGroup, createGroup, type GroupChange } from './admin-api.ts';
import { closeSaved, type EditDialogProps, undoUnlessEmpty } from './edit-dialog.ts';
import { membersOf } from './search-source.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

const { groups: STRINGS } = PEOPLE_ADMIN_STRINGS;
const NO_MANAGER: Option = { value: '', label: STRINGS.noManager };

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
  const [manager, setManager] = useState<Option>(
    group.manager === null ? NO_MANAGER : { value: group.manager.id, label: group.manager.name },
  );
  const source = useMemo(() => membersOf(group.id), [group.id]);
  const { isBusy, error, submit } = useSubmit(async () => {
    const managerBefore = group.manager?.id ?? null;
    const chosen = manager.value === NO_MANAGER.value ? null : manager.value;
    const change: GroupChange = {
      ...(name.trim() === group.name ? {} : { name: name.trim() }),
      ...(chosen === managerBefore ? {} : { manager_id: chosen }),
    };
    await changeGroup(group.id, change);
    onSaved(name.trim(), {
      ...(change.name === undefined ? {} : { name: group.name }),
      ...(change.manager_id === undefined ? {} : { manager_id: managerBefore }),
    });
  });
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField label={STRINGS.name} required maxLength={100} autoComplete="off" value={name} onChange={setName} />
      <ChoiceFrame label={STRINGS.manager} hint={STRINGS.managerHint}>
        <SearchSelect
          label={STRINGS.manager}
          shown={manager.label}
          value={manager.value}
          fixed={[NO_MANAGER]}
          source={source}
          onChange={setManager}
          className={CHOICE_BUTTON}
        />
      </ChoiceFrame>
      <FormSubmit action={ADMIN_STRINGS.save} busyAction={ADMIN_STRINGS.saving} isBusy={isBusy} error={error} />
    </form>
  );
}
