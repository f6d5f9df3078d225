'use client';

import { IdPicker, withId } from '#components/admin/id-picker';
import { CheckboxField, FieldGroup } from '#components/people/field';
import { SelectField } from '#components/people/select-field';
import type { ModelAccess } from '#lib/wire/people-admin';
import { GROUP_SOURCE, PERSON_SOURCE } from './search-source.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';
import { useGroups } from './use-groups.ts';

const { models: STRINGS } = SERVER_ADMIN_STRINGS;
const SOME = 'some';
const EVERYONE = 'everyone';

interface ModelAccessFieldProps {
  /** Null is everyone. */
  access: ModelAccess | null;
  onChange: (access: ModelAccess | null) => void;
}

/** Who may use a model: everyone, or some groups and people. */
export function ModelAccessField({ access, onChange }: ModelAccessFieldProps) {
  return (
    <>
      <SelectField
        label={STRINGS.access}
        hint={STRINGS.accessHint}
        value={access === null ? EVERYONE : SOME}
        options={[
          { value: EVERYONE, label: STRINGS.accessEveryone },
          { value: SOME, label: STRINGS.accessSome },
        ]}
        onChange={(kind) => onChange(kind === SOME ? (access ?? { groups: [], users: [] }) : null)}
      />
      {access === null ? null : (
        <>
          <GroupsField ids={access.groups} onChange={(groups) => onChange({ ...access, groups })} />
          <IdPicker
            label={STRINGS.accessPeople}
            source={PERSON_SOURCE}
            strings={STRINGS.personPicker}
            ids={access.users}
            onChange={(users) => onChange({ ...access, users })}
          />
        </>
      )}
    </>
  );
}

/** Boxes to tick for a few groups, and a search for many. */
function GroupsField({ ids, onChange }: { ids: readonly string[]; onChange: (ids: string[]) => void }) {
  const { groups, areAll } = useGroups();
  if (!areAll)
    return (
      <IdPicker
        label={STRINGS.accessGroups}
        source={GROUP_SOURCE}
        strings={STRINGS.groupPicker}
        ids={ids}
        onChange={onChange}
      />
    );
  if (groups.length === 0) return null;
  return (
    <FieldGroup label={STRINGS.accessGroups}>
      {groups.map(({ id, name }) => (
        <CheckboxField
          key={id}
          label={name}
          checked={ids.includes(id)}
          onChange={(isChecked) => onChange(withId(ids, id, isChecked))}
        />
      ))}
    </FieldGroup>
  );
}
