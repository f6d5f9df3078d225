import type { z } from 'zod';
import { isLoopback } from '#lib/config/network';
import { LEGACY_NAMES, SETTINGS, type SettingName } from '#lib/config/settings';
import { singleton } from '#lib/singletons';
import { type LanguageId, languageIdSchema } from '#lib/wire/code';

type Value<Name extends SettingName> = z.output<(typeof SETTINGS)[Name]['schema']>;

/** All settings, checked. `given` tells what the operator set and what is a default. */
export type Config = { readonly [Name in SettingName]: Value<Name> } & { readonly given: ReadonlySet<SettingName> };

/** One error for all bad settings; its message is what the operator reads. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `${problems.length === 1 ? 'A setting is' : `${problems.length} settings are`} not valid:\n${problems
        .map((problem) => `  ${problem}`)
        .join('\n')}\nCorrect this in the environment or in .env; .env.example lists every setting.`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Reads settings from an environment. Pure; throws one `ConfigError` that names every bad setting. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const given = new Set<SettingName>();
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const [name, setting] of Object.entries(SETTINGS) as [SettingName, (typeof SETTINGS)[SettingName]][]) {
    const older = LEGACY_NAMES[name];
    const source = nonEmpty(environment[name]) === undefined && older !== undefined ? older : name;
    const written = nonEmpty(environment[source]);
    if (written !== undefined) given.add(name);
    const result = setting.schema.safeParse(written ?? setting.fallback);
    if (result.success) values[name] = result.data;
    else
      problems.push(
        `${source} ${result.error.issues[0]?.message ?? 'is not valid'} (it is ${quoteUnlessSecret(name, written)})`,
      );
  }
  // Every name of the table has its parsed value here, or a problem.
  const settings = { ...values, ...roleDefaults(values.EXECUTOR_LANGUAGE, given), given } as Config;
  if (problems.length === 0) problems.push(...crossChecks(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(settings);
}

/** The process's settings, read once. */
export function config(): Config {
  return singleton('config', () => readConfig(process.env));
}

/** Where the server listens: without keys only this machine reaches it, unless the operator says otherwise (SPEC §1). */
export function listenHost(settings: Config): string {
  return settings.HOST ?? (settings.API_KEYS.length > 0 ? '0.0.0.0' : '127.0.0.1');
}

/** What is different by default where the process is one executor: the server before it has counted its callers. */
function roleDefaults(role: unknown, given: ReadonlySet<SettingName>): Partial<Record<SettingName, unknown>> {
  const parsed = languageIdSchema.safeParse(role);
  if (!parsed.success) return {};
  return {
    ...(given.has('PORT') ? {} : { PORT: EXECUTOR_PORTS[parsed.data] }),
    ...(given.has('RATE_LIMIT_CODE') ? {} : { RATE_LIMIT_CODE: 0 }),
    ...(given.has('RATE_LIMIT_CHECKS') ? {} : { RATE_LIMIT_CHECKS: 0 }),
  };
}

const EXECUTOR_PORTS: Record<LanguageId, number> = {
  python: 8001,
  javascript: 8002,
  typescript: 8002,
  java: 8003,
  cpp: 8004,
  go: 8005,
  rust: 8006,
};

function crossChecks(settings: Config): string[] {
  const problems: string[] = [];
  if (settings.CODE_TIMEOUT_SECONDS > settings.CODE_MAX_TIMEOUT_SECONDS)
    problems.push('CODE_TIMEOUT_SECONDS must not be above CODE_MAX_TIMEOUT_SECONDS');
  if (settings.MODEL_PROVIDER === 'openai' && settings.OPENAI_BASE_URL === undefined)
    problems.push('OPENAI_BASE_URL must be set where MODEL_PROVIDER is openai');
  if (settings.GATEWAY_ORIGIN !== undefined && settings.PRIVATE_BACKEND_URL.length === 0)
    problems.push('PRIVATE_BACKEND_URL must be set where GATEWAY_ORIGIN is: that host serves the backend alone');
  // Anyone may guess at a server that others reach.
  if (settings.API_KEYS.some((key) => key.length < MIN_KEY_LENGTH) && !isLoopback(listenHost(settings)))
    problems.push(
      `API_KEYS must have at least ${MIN_KEY_LENGTH} characters each where the server listens on ${listenHost(settings)}: make one with openssl rand -hex 24, or set HOST=127.0.0.1`,
    );
  return problems;
}

/** Of a key that a server asks for which more than its own machine reaches. */
const MIN_KEY_LENGTH = 16;

function nonEmpty(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === undefined || trimmed === '' ? undefined : trimmed;
}

/** A bad value is shown, so that it can be found; one that may be a secret is not. */
function quoteUnlessSecret(name: SettingName, value: string | undefined): string {
  if (value === undefined) return 'not set';
  return /KEY|TOKEN|SECRET|PASSWORD/.test(name) || /\/\/[^/]*@/.test(value)
    ? 'not shown'
    : JSON.stringify(value.slice(0, 80));
}
