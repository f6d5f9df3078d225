import type { RuntimeSetting } from '#lib/wire/people-admin';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { settings: STRINGS } = SERVER_ADMIN_STRINGS;

/** A value as it stands in a field. */
export function settingText(value: RuntimeSetting['value']): string {
  return value === null ? '' : String(value);
}

/** The value of a text: null is the default, undefined is not valid. */
export function readSetting({ kind }: Pick<RuntimeSetting, 'kind'>, text: string): RuntimeSetting['value'] | undefined {
  if (kind === 'boolean') return text === 'true';
  if (text.trim() === '') return null;
  if (kind !== 'number') return text;
  const value = Number(text.replaceAll(/[\s,_]/g, ''));
  return Number.isFinite(value) ? value : undefined;
}

/** A choice in words. */
export function choiceName({ choice_names: names }: Pick<RuntimeSetting, 'choice_names'>, value: string): string {
  return names?.[value] ?? value;
}

/** The default in words. */
export function defaultText({ kind, default: value, unit, choice_names }: RuntimeSetting): string {
  if (value === null || value === '') return STRINGS.noDefault;
  if (kind === 'boolean') return value === true ? STRINGS.on : STRINGS.off;
  if (kind === 'choice') return choiceName({ choice_names }, String(value));
  return unit === undefined ? String(value) : `${value} ${unit}`;
}
