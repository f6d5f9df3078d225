import { type Config, config } from '#lib/config/config';
import {
  RUNTIME_SETTING_NAMES,
  type RuntimeSettingName,
  requestDefaultsChanged,
  settingOverrides,
} from '#lib/config/runtime-settings';
import { SETTINGS } from '#lib/config/settings';
import { peopleLimits } from '#lib/people/limits/index';
import { limitOfSetting } from '#lib/people/limits/limit-definitions';
import { singleton } from '#lib/singletons';
import { DEFAULT_SCOPE, type LimitName } from '#lib/wire/limits';
import type { RuntimeSetting } from '#lib/wire/people-admin';
import { SETTING_TEXTS } from './setting-texts.ts';
import type { ChangedValue } from './stored-values.ts';

/** Who changed a setting, and when. */
interface Change {
  readonly by: string | null;
  readonly atMs: number;
}

/** The settings whose change is seen by requests that were remembered. */
const REQUEST_DEFAULTS: ReadonlySet<RuntimeSettingName> = new Set([
  'OLLAMA_MODEL',
  'OLLAMA_SYSTEM_PROMPT',
  'DROP_PARAMS',
]);

export function isRuntimeSetting(name: string): name is RuntimeSettingName {
  return RUNTIME_SETTING_NAMES.some((known) => known === name);
}

export function isLocked(name: RuntimeSettingName, { given }: Pick<Config, 'given'>): boolean {
  return given.has(name);
}

/** The value of a text as the environment would have it, or why it is not valid. */
export function parseSetting(name: RuntimeSettingName, text: string): { value: unknown } | { problem: string } {
  const result = SETTINGS[name].schema.safeParse(text.trim());
  return result.success ? { value: result.data } : { problem: result.error.issues[0]?.message ?? 'is not valid' };
}

/** Makes a setting what was stored. An unknown or invalid one of another version has no effect. */
export function applySetting({ name, value, by, atMs }: ChangedValue): void {
  if (!isRuntimeSetting(name) || limitOfSetting(name) !== undefined || typeof value !== 'string') return;
  const parsed = parseSetting(name, value);
  if ('problem' in parsed) return;
  settingOverrides().set(name, parsed.value);
  changes().set(name, { by, atMs });
  takeEffect(name);
}

export function restoreSetting(name: RuntimeSettingName): void {
  settingOverrides().delete(name);
  changes().delete(name);
  takeEffect(name);
}

/** For what is not read from the settings each time. */
function takeEffect(name: RuntimeSettingName): void {
  if (REQUEST_DEFAULTS.has(name)) requestDefaultsChanged();
  if (name === 'LIMIT_KIND') peopleLimits().settingsChanged();
}

/** Every setting that may change, with its source. */
export function describeSettings(settings: Config = config()): RuntimeSetting[] {
  return RUNTIME_SETTING_NAMES.map((name) => {
    const limit = limitOfSetting(name);
    const change = limit === undefined ? changes().get(name) : limitChange(limit);
    const locked = isLocked(name, settings);
    return {
      name,
      ...SETTING_TEXTS[name],
      value: shownValue(limit === undefined ? settings[name] : (peopleLimits().table.defaults[limit]?.limit ?? 0)),
      default: shownValue(defaultOf(name)),
      source: locked ? 'environment' : change === undefined ? 'default' : 'changed',
      locked,
      changed_by: locked ? null : (change?.by ?? null),
      changed_at: locked || change === undefined ? null : new Date(change.atMs).toISOString(),
    };
  });
}

/** The limits of everyone are kept with all other limits, where the page of limits changes them. */
function limitChange(name: LimitName): Change | undefined {
  const entry = peopleLimits().table.get(DEFAULT_SCOPE);
  return entry?.limits[name] === undefined ? undefined : { by: null, atMs: entry.updatedAt ?? 0 };
}

/** The value without a change. */
export function defaultOf(name: RuntimeSettingName): unknown {
  return SETTINGS[name].schema.safeParse(SETTINGS[name].fallback).data;
}

/** As the wire has it: a list as one text. */
export function shownValue(value: unknown): RuntimeSetting['value'] {
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function changes(): Map<RuntimeSettingName, Change> {
  return singleton('people.setting-changes', () => new Map<RuntimeSettingName, Change>());
}
