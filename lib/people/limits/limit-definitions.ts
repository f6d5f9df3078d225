import type { Config } from '#lib/config/config';
import type { PeriodUnit } from '#lib/people/limits/calendar';
import { isShareName, LIMIT_NAMES, type LimitName, type StoredLimit, type StoredLimits } from '#lib/wire/limits';

/** Limits whose counts are kept over a restart, and the period of each. */
export const COUNTED_LIMITS = {
  tokens_per_day: 'day',
  tokens_per_month: 'month',
  code_seconds_per_day: 'day',
} as const satisfies Partial<Record<LimitName, PeriodUnit>>;

export type CountedLimit = keyof typeof COUNTED_LIMITS;
export const COUNTED_NAMES: readonly CountedLimit[] = ['tokens_per_day', 'tokens_per_month', 'code_seconds_per_day'];
export type MinuteLimit = 'requests_per_minute' | 'code_runs_per_minute';

export function isCountedLimit(name: LimitName): name is CountedLimit {
  return name in COUNTED_LIMITS;
}

/** The setting with the default of each limit. */
export const LIMIT_SETTING_NAMES = {
  tokens_per_day: 'LIMIT_TOKENS_PER_DAY',
  tokens_per_month: 'LIMIT_TOKENS_PER_MONTH',
  requests_per_minute: 'LIMIT_REQUESTS_PER_MINUTE',
  code_runs_per_minute: 'LIMIT_CODE_RUNS_PER_MINUTE',
  code_seconds_per_day: 'LIMIT_CODE_SECONDS_PER_DAY',
  concurrent_requests: 'LIMIT_CONCURRENT_REQUESTS',
  context_tokens: 'LIMIT_CONTEXT_TOKENS',
  output_tokens: 'LIMIT_OUTPUT_TOKENS',
} as const satisfies Record<LimitName, keyof Config>;

/** The limit that a setting is the default of. */
export function limitOfSetting(setting: string): LimitName | undefined {
  return LIMIT_NAMES.find((name) => LIMIT_SETTING_NAMES[name] === setting);
}

type LimitSettings = Pick<Config, (typeof LIMIT_SETTING_NAMES)[LimitName] | 'LIMIT_KIND' | 'given'>;

/** The limits that the environment sets: nothing else changes them. */
export function environmentLimits(settings: LimitSettings): StoredLimits {
  const limits: StoredLimits = {};
  for (const name of LIMIT_NAMES) {
    const setting = LIMIT_SETTING_NAMES[name];
    if (settings.given.has(setting)) limits[name] = limitOf(name, settings[setting], settings.LIMIT_KIND);
  }
  return limits;
}

/** A limit with its kind: only tokens may be a share. */
export function limitOf(name: LimitName, limit: number, kind: StoredLimit['kind']): StoredLimit {
  return { limit, kind: isShareName(name) ? kind : 'hard' };
}

/** Whether any of the limits limits something. */
export function hasLimit(limits: StoredLimits): boolean {
  return LIMIT_NAMES.some((name) => (limits[name]?.limit ?? 0) > 0);
}
