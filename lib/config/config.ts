import type { z } from 'zod';
import { authMode, authProblems } from '#lib/config/auth-mode';
import { isLoopback } from '#lib/config/loopback';
import { mailProblems } from '#lib/config/mail-settings';
import { modelServerProblems } from '#lib/config/model-server-names';
import { describeRedis, isOpenRedis, parseRedisUrl } from '#lib/config/redis-url';
import { withOverrides } from '#lib/config/runtime-settings';
import { LEGACY_NAMES, SETTINGS, type SettingName } from '#lib/config/settings';
import { findLanguageInfo } from '#lib/languages/infos';
import { singleton } from '#lib/singletons';

type Value<Name extends SettingName> = z.output<(typeof SETTINGS)[Name]['schema']>;

/** All settings, parsed. `given` holds the names that the operator set. */
export type Config = { readonly [Name in SettingName]: Value<Name> } & { readonly given: ReadonlySet<SettingName> };

/** One error for all invalid settings. Its message is for the operator. */
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

/** Parses an environment. Throws one `ConfigError` that names every invalid setting. Pure. */
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
      problems.push(`${source} ${result.error.issues[0]?.message ?? 'is not valid'} (${describeValue(name, written)})`);
  }
  // The loop has parsed every name of SETTINGS, or added a problem.
  const settings = { ...values, ...roleDefaults(values.EXECUTOR_LANGUAGE, given), given } as Config;
  if (problems.length === 0) problems.push(...crossChecks(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(settings);
}

/** The process's settings, read once, with those that were changed while it runs. */
export function config(): Config {
  return singleton('config', () => withOverrides(readConfig(process.env)));
}

/** The address to listen on. With AUTH=none, the default is loopback (docs/contract.md#access). */
export function listenHost(settings: Config): string {
  return settings.HOST ?? (authMode(settings) === 'none' ? '127.0.0.1' : '0.0.0.0');
}

/**
 * Settings of an executor: its port, no rate limits, because the server that calls it applies them,
 * and one server.
 */
function roleDefaults(role: unknown, given: ReadonlySet<SettingName>): Partial<Record<SettingName, unknown>> {
  const executor = typeof role === 'string' ? findLanguageInfo(role)?.executor : undefined;
  if (executor === undefined) return {};
  return {
    // Its work is in other processes, and it has no Redis.
    WORKERS: 1,
    ...(given.has('SHUTDOWN_DELAY_MS') ? {} : { SHUTDOWN_DELAY_MS: 0 }),
    ...(given.has('PORT') ? {} : { PORT: executor.port }),
    ...(given.has('RATE_LIMIT_CODE') ? {} : { RATE_LIMIT_CODE: 0 }),
    ...(given.has('RATE_LIMIT_CHECKS') ? {} : { RATE_LIMIT_CHECKS: 0 }),
  };
}

function crossChecks(settings: Config): string[] {
  const problems: string[] = [];
  if (settings.CODE_TIMEOUT_SECONDS > settings.CODE_MAX_TIMEOUT_SECONDS)
    problems.push('CODE_TIMEOUT_SECONDS must not be above CODE_MAX_TIMEOUT_SECONDS');
  if (settings.MODEL_PROVIDER === 'openai' && settings.OPENAI_BASE_URL.length === 0)
    problems.push('OPENAI_BASE_URL must be set where MODEL_PROVIDER is openai');
  problems.push(...modelServerProblems(settings), ...authProblems(settings), ...redisProblems(settings));
  problems.push(...mailProblems(settings));
  if (settings.GATEWAY_ORIGIN !== undefined && settings.PRIVATE_BACKEND_URL.length === 0)
    problems.push('PRIVATE_BACKEND_URL must be set where GATEWAY_ORIGIN is: that host serves the backend alone');
  // A server that other machines reach is open to guessing.
  if (settings.API_KEYS.some((key) => key.length < MIN_KEY_LENGTH) && !isLoopback(listenHost(settings)))
    problems.push(
      `API_KEYS must have at least ${MIN_KEY_LENGTH} characters each where the server listens on ${listenHost(settings)}: make one with openssl rand -hex 24, or set HOST=127.0.0.1`,
    );
  return problems;
}

/** Redis has what callers asked and who they are, so one that is open to a network is refused. */
function redisProblems(settings: Config): string[] {
  const problems = (['REDIS_URL', 'CACHE_REDIS_URL'] as const).flatMap((name) => {
    const address = parseRedisUrl(settings[name] ?? '');
    if (address === undefined || !isOpenRedis(address)) return [];
    return [
      `${name} must have a password (redis://:password@host) or use TLS (rediss://), because ${describeRedis(address)} is another machine: whatever reaches it there could read chats and change who may use this server`,
    ];
  });
  if (settings.CACHE_REDIS_URL !== undefined && settings.REDIS_URL === undefined)
    problems.push('REDIS_URL must be set where CACHE_REDIS_URL is: that one has the shared answers alone');
  return problems;
}

/** The minimum for servers that listen on more than loopback. */
const MIN_KEY_LENGTH = 16;

function nonEmpty(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === undefined || trimmed === '' ? undefined : trimmed;
}

/** Names of settings that hold a secret. `TOKENS` are those of a model. */
const SECRET_NAME = /KEY|TOKEN(?!S)|SECRET|PASSWORD|REDIS_URL|DATABASE_URL|SMTP_URL/;

/** The invalid value, unless it may be a secret. */
function describeValue(name: SettingName, value: string | undefined): string {
  if (value === undefined) return 'it is not set';
  return SECRET_NAME.test(name) || /\/\/[^/]*@/.test(value)
    ? 'its value is not written here, because it may be a secret'
    : `it is ${JSON.stringify(value.slice(0, 80))}`;
}
