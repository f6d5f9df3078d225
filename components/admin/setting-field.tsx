'use client';

import { CheckboxField, TextAreaField, TextField } from '#components/people/field';
import { SelectField } from '#components/people/select-field';
import { useModels } from '#lib/browser/service-status';
import type { RuntimeSetting } from '#lib/wire/people-admin';
import { choiceName, defaultText } from './setting-value.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { settings: STRINGS } = SERVER_ADMIN_STRINGS;

interface SettingFieldProps {
  setting: RuntimeSetting;
  text: string;
  error: string | undefined;
  onChange: (text: string) => void;
}

/** The field for the kind of a setting. */
export function SettingField({ setting, text, error, onChange }: SettingFieldProps) {
  const { kind, label, description, locked, choices = [], unit } = setting;
  const models = useModels().data?.models ?? [];
  const hint = `${description} ${STRINGS.defaultIs(defaultText(setting))}`;
  const values = kind === 'model' ? models.map(({ id }) => id) : choices;
  const isMissing = (value: string) => kind === 'model' && models.length > 0 && !values.includes(value);
  if (kind === 'boolean')
    return (
      <CheckboxField
        label={label}
        hint={hint}
        checked={text === 'true'}
        disabled={locked}
        onChange={(isOn) => onChange(String(isOn))}
      />
    );
  if ((kind === 'choice' || kind === 'model') && !locked)
    return (
      <SelectField
        label={label}
        hint={hint}
        value={text}
        options={[...new Set([text, ...values])]
          .filter((value) => value !== '')
          .map((value) => ({ value, label: isMissing(value) ? STRINGS.notThere(value) : choiceName(setting, value) }))}
        onChange={onChange}
      />
    );
  if (kind === 'long_text')
    return <TextAreaField label={label} hint={hint} error={error} readOnly={locked} value={text} onChange={onChange} />;
  return (
    <TextField
      label={unit === undefined ? label : `${label} (${unit})`}
      hint={hint}
      error={error}
      readOnly={locked}
      inputMode={kind === 'number' ? 'decimal' : 'text'}
      autoComplete="off"
      spellCheck={false}
      value={kind === 'choice' ? choiceName(setting, text) : text}
      onChange={onChange}
      className="max-w-90 read-only:bg-sunken"
    />
  );
}
