'use client';

import { X } from 'lucide-react';
import { useState } from 'react';
import useSWR from 'swr';
import { CheckboxField, FieldGroup, TextField } from '#components/people/field';
import { SelectField } from '#components/people/select-field';
import { IconButton } from '#components/ui/icon-button';
import type { Member } from '#lib/wire/people';
import type { ModelAccess } from '#lib/wire/people-admin';
import { fetchMember, fetchMembers, PATHS } from './admin-api.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';
import { useGroups } from './use-groups.ts';
import { useSettled } from './use-settled.ts';

const { models: STRINGS } = SERVER_ADMIN_STRINGS;
const SOME = 'some';
const EVERYONE = 'everyone';
const MOST_FOUND = 5;

interface ModelAccessFieldProps {
  /** Null is everyone. */
  access: ModelAccess | null;
  onChange: (access: ModelAccess | null) => void;
}

/** Who may use a model: everyone, or some groups and people. */
export function ModelAccessField({ access, onChange }: ModelAccessFieldProps) {
  const groups = useGroups();
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
      {access === null || groups.length === 0 ? null : (
        <FieldGroup label={STRINGS.accessGroups}>
          {groups.map(({ id, name }) => (
            <CheckboxField
              key={id}
              label={name}
              checked={access.groups.includes(id)}
              onChange={(isChecked) => onChange({ ...access, groups: withId(access.groups, id, isChecked) })}
            />
          ))}
        </FieldGroup>
      )}
      {access === null ? null : (
        <PeoplePicker ids={access.users} onChange={(users) => onChange({ ...access, users })} />
      )}
    </>
  );
}

function PeoplePicker({ ids, onChange }: { ids: readonly string[]; onChange: (ids: string[]) => void }) {
  const [words, setWords] = useState('');
  const wanted = useSettled(words.trim());
  const { data: found } = useSWR(
    wanted === '' ? null : `${PATHS.users}?${new URLSearchParams({ search: wanted, limit: String(MOST_FOUND) })}`,
    fetchMembers,
    { keepPreviousData: true },
  );
  const others = (found?.users ?? []).filter(({ id }) => !ids.includes(id));
  const pick = ({ id }: Member) => {
    onChange(withId(ids, id, true));
    setWords('');
  };
  return (
    <FieldGroup label={STRINGS.accessPeople}>
      {ids.length === 0 ? null : (
        <ul className="mb-2 flex flex-wrap gap-1.5">
          {ids.map((id) => (
            <PickedPerson key={id} id={id} onRemove={() => onChange(withId(ids, id, false))} />
          ))}
        </ul>
      )}
      <TextField
        label={STRINGS.accessAdd}
        hint={wanted !== '' && found?.users.length === 0 ? STRINGS.accessNoMatch : undefined}
        type="search"
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        value={words}
        onChange={setWords}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          // Enter picks; it does not save the dialog.
          event.preventDefault();
          if (others[0] !== undefined) pick(others[0]);
        }}
      />
      {words.trim() === '' ? null : (
        <ul aria-label={STRINGS.accessFound} className="mt-1 flex flex-col">
          {others.map((member) => (
            <li key={member.id}>
              <FoundPerson member={member} onPick={() => pick(member)} />
            </li>
          ))}
        </ul>
      )}
    </FieldGroup>
  );
}

function FoundPerson({ member: { name, email }, onPick }: { member: Member; onPick: () => void }) {
  return (
    <button
      type="button"
      onClick={onPick}
      className="flex min-h-8 w-full min-w-0 items-center gap-2 rounded-md px-2 text-start text-sm hover:bg-hover pointer-coarse:min-h-10"
    >
      <span className="truncate font-medium">{name}</span>
      <span className="truncate text-ink-3 text-xs">{email}</span>
    </button>
  );
}

function PickedPerson({ id, onRemove }: { id: string; onRemove: () => void }) {
  const { data, error } = useSWR(`admin-person ${id}`, () => fetchMember(id), { shouldRetryOnError: false });
  // Someone who was deleted has no name any more.
  const name = data?.name ?? (error === undefined ? '…' : STRINGS.accessGone);
  return (
    <li className="flex min-w-0 max-w-full items-center gap-1 rounded-md bg-hover ps-2.5 text-sm">
      <span className="truncate" title={data?.email}>
        {name}
      </span>
      <IconButton label={STRINGS.accessRemove(name)} onClick={onRemove}>
        <X className="size-3.5" aria-hidden />
      </IconButton>
    </li>
  );
}

function withId(ids: readonly string[], id: string, isIn: boolean): string[] {
  const others = ids.filter((other) => other !== id);
  return isIn ? [...others, id] : others;
}
