'use client';

import { SearchSelect } from '#components/admin/search-select';
import { CHOICE_BUTTON, ChoiceFrame } from '#components/people/select-field';
import type { Option } from '#components/ui/popup-props';
import { GROUP_SOURCE, useOption } from './search-source.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { NO_GROUP } from './use-groups.ts';

const NO_GROUP_OPTION: Option = { value: NO_GROUP, label: ADMIN_STRINGS.noGroup };

interface GroupFilterProps {
  label: string;
  value: string;
  /** Stands for all groups. */
  any: Option;
  onChange: (group: string) => void;
}

/** Limits a list to one group. */
export function GroupFilter({ label, value, any, onChange }: GroupFilterProps) {
  return (
    <SearchSelect
      label={label}
      shown={useShown(value, [any])}
      value={value}
      fixed={[any]}
      source={GROUP_SOURCE}
      onChange={(chosen) => onChange(chosen.value)}
      className="max-w-48 border border-line-strong bg-surface font-normal"
    />
  );
}

interface GroupFieldProps extends Omit<GroupFilterProps, 'any'> {
  error?: string | undefined;
  /** Some group has to be chosen. */
  isRequired?: boolean;
}

/** The group of a person, an invitation or a key. */
export function GroupField({ label, value, error, isRequired = false, onChange }: GroupFieldProps) {
  const fixed = isRequired ? [] : [NO_GROUP_OPTION];
  return (
    <ChoiceFrame label={label} error={error}>
      <SearchSelect
        label={label}
        shown={useShown(value, fixed)}
        value={value}
        fixed={fixed}
        source={GROUP_SOURCE}
        onChange={(chosen) => onChange(chosen.value)}
        className={CHOICE_BUTTON}
      />
    </ChoiceFrame>
  );
}

/** The words of a value: the name of the group, once it is known. */
function useShown(value: string, fixed: readonly Option[]): string {
  const known = fixed.find((option) => option.value === value);
  const { data, error } = useOption(GROUP_SOURCE, known === undefined ? value : undefined);
  return known?.label ?? data?.label ?? (error === undefined ? '…' : value);
}
