import { singleton } from '#lib/singletons';

/**
 * Settings that administrators may change while the server runs. One that the environment sets
 * stays as it is. Readers of `config()` see a change with their next read, so only settings that
 * are read for each use belong here. The limits are those for everyone in the table of limits.
 */
export const RUNTIME_SETTING_NAMES = [
  'OLLAMA_MODEL',
  'OLLAMA_SYSTEM_PROMPT',
  'DROP_PARAMS',
  'SIGN_UP',
  'SIGN_UP_DOMAINS',
  'RATE_LIMIT_CHAT',
  'RATE_LIMIT_EMBEDDINGS',
  'RATE_LIMIT_CODE',
  'RATE_LIMIT_CHECKS',
  'LIMIT_KIND',
  'LIMIT_TOKENS_PER_DAY',
  'LIMIT_TOKENS_PER_MONTH',
  'LIMIT_REQUESTS_PER_MINUTE',
  'LIMIT_CODE_RUNS_PER_MINUTE',
  'LIMIT_CODE_SECONDS_PER_DAY',
  'LIMIT_CONCURRENT_REQUESTS',
  'LIMIT_CONTEXT_TOKENS',
  'LIMIT_OUTPUT_TOKENS',
  'USAGE_RETENTION_DAYS',
  'AUDIT_RETENTION_DAYS',
] as const;
export type RuntimeSettingName = (typeof RUNTIME_SETTING_NAMES)[number];

/** The parsed values that were changed, by the names of their settings. */
export function settingOverrides(): Map<string, unknown> {
  return singleton('config.overrides', () => new Map<string, unknown>());
}

/** The settings, with accessors for those that may change and are not `given`. */
export function withOverrides<T extends { readonly given: ReadonlySet<string> }>(settings: T): T {
  const overrides = settingOverrides();
  const accessors: PropertyDescriptorMap = {};
  for (const name of RUNTIME_SETTING_NAMES) {
    if (settings.given.has(name)) continue;
    const configured: unknown = Reflect.get(settings, name);
    accessors[name] = {
      enumerable: true,
      get: () => (overrides.has(name) ? overrides.get(name) : configured),
    };
  }
  return Object.freeze(Object.defineProperties({ ...settings }, accessors));
}

/**
 * Counts changes of what a request gets that leaves it out: model and system prompt. What is
 * remembered of a request is valid for one of them.
 */
export function requestDefaultsVersion(): number {
  return version().count;
}

export function requestDefaultsChanged(): void {
  version().count += 1;
}

function version(): { count: number } {
  return singleton('config.request-defaults', () => ({ count: 0 }));
}
