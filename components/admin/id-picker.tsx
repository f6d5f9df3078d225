'use client';

import { X } from 'lucide-react';
import { useState } from 'react';
import useSWR from 'swr';
import { FieldGroup, TextField } from '#components/people/field';
import { IconButton } from '#components/ui/icon-button';
import type { Option } from '#components/ui/popup-props';
import { type SearchSource, useOption } from './search-source.ts';
import { useSettled } from './use-settled.ts';

const MOST_FOUND = 5;

interface IdPickerProps {
  label: string;
  source: SearchSource;
  strings: {
    add: string;
    /** Name of the list of those that match. */
    found: string;
    noMatch: string;
    remove: (name: string) => string;
    /** Instead of the name of one that was deleted. */
    gone: string;
  };
  ids: readonly string[];
  onChange: (ids: string[]) => void;
}

/** Several of any number, which the server searches. */
export function IdPicker({ label, source, strings, ids, onChange }: IdPickerProps) {
  const [words, setWords] = useState('');
  const wanted = useSettled(words.trim());
  const { data: found } = useSWR(wanted === '' ? null : source.path(wanted, MOST_FOUND), source.fetch, {
    keepPreviousData: true,
  });
  const others = (found?.options ?? []).filter(({ value }) => !ids.includes(value));
  const pick = ({ value }: Option) => {
    onChange(withId(ids, value, true));
    setWords('');
  };
  return (
    <FieldGroup label={label}>
      {ids.length === 0 ? null : (
        <ul className="mb-2 flex flex-wrap gap-1.5">
          {ids.map((id) => (
            <Picked
              key={id}
              id={id}
              source={source}
              strings={strings}
              onRemove={() => onChange(withId(ids, id, false))}
            />
          ))}
        </ul>
      )}
      <TextField
        label={strings.add}
        hint={wanted !== '' && found?.options.length === 0 ? strings.noMatch : undefined}
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
        <ul aria-label={strings.found} className="mt-1 flex flex-col">
          {others.map((option) => (
            <li key={option.value}>
              <FoundOption option={option} onPick={() => pick(option)} />
            </li>
          ))}
        </ul>
      )}
    </FieldGroup>
  );
}

function FoundOption({ option: { label, hint }, onPick }: { option: Option; onPick: () => void }) {
  return (
    <button
      type="button"
      onClick={onPick}
      className="flex min-h-8 w-full min-w-0 items-center gap-2 rounded-md px-2 text-start text-sm hover:bg-hover pointer-coarse:min-h-10"
    >
      <span className="truncate font-medium">{label}</span>
      <span className="truncate text-ink-3 text-xs">{hint}</span>
    </button>
  );
}

interface PickedProps extends Pick<IdPickerProps, 'source' | 'strings'> {
  id: string;
  onRemove: () => void;
}

function Picked({ id, source, strings, onRemove }: PickedProps) {
  const { data, error } = useOption(source, id);
  const name = data?.label ?? (error === undefined ? '…' : strings.gone);
  return (
    <li className="flex min-w-0 max-w-full items-center gap-1 rounded-md bg-hover ps-2.5 text-sm">
      <span className="truncate" title={data?.hint}>
        {name}
      </span>
      <IconButton label={strings.remove(name)} onClick={onRemove}>
        <X className="size-3.5" aria-hidden />
      </IconButton>
    </li>
  );
}

/** `ids` with `id`, or without it. */
export function withId(ids: readonly string[], id: string, isIn: boolean): string[] {
  const others = ids.filter((other) => other !== id);
  return isIn ? [...others, id] : others;
}
