import { type Config, config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { findLanguage } from '#lib/languages/index';
import type { Language } from '#lib/languages/language';
import { enabledLanguages } from '#lib/runner/enabled-languages';
import type { RoutingRunner } from '#lib/runner/routing-runner';
import { isStopping } from '#lib/shutdown';
import type { CodeResult, RunStatus } from '#lib/wire/code';
import {
  EXECUTE_TIMEOUT_SECONDS,
  type ExecuteResult,
  type ExecuteStatus,
  type ExecutorHealth,
  type ExecutorInfo,
  type MicroservicesHealth,
} from '#lib/wire/executor';
import type { ReadinessPart } from '#lib/wire/health';

/** Each language as a service, over one runner. See docs/contract.md#executors. */

/** The language in an executor's URL. Throws `not_found`. */
export function executorLanguage(spelling: string | string[] | undefined, settings: Config = config()): Language {
  const offered = enabledLanguages(settings);
  const language = typeof spelling === 'string' ? findLanguage(spelling) : undefined;
  if (language === undefined || !offered.includes(language))
    throw new AppError(
      'not_found',
      `There is no executor ${JSON.stringify(spelling ?? '')} here. Executors: ${offered.map(({ id }) => id).join(', ')}.`,
    );
  return language;
}

/**
 * The health of one executor. While its server stops it is unavailable, so that others get the
 * runs.
 */
export async function executorHealth(runner: RoutingRunner, language: Language): Promise<ExecutorHealth> {
  const health = await runner.languageHealth(language);
  return isStopping() ? { ...health, status: 'unavailable', notice: 'This executor is stopping.' } : health;
}

export async function executorInfo(runner: RoutingRunner, language: Language, settings: Config): Promise<ExecutorInfo> {
  const { version } = await runner.languageHealth(language);
  return {
    language: language.id,
    name: language.name,
    aliases: [...language.aliases],
    version,
    limits: {
      timeout_seconds: Math.min(EXECUTE_TIMEOUT_SECONDS, settings.CODE_MAX_TIMEOUT_SECONDS),
      max_timeout_seconds: settings.CODE_MAX_TIMEOUT_SECONDS,
      max_code_bytes: settings.CODE_MAX_BYTES,
      max_output_bytes: settings.CODE_MAX_OUTPUT_BYTES,
      memory_mb: settings.CODE_MEMORY_MB,
      max_processes: settings.CODE_MAX_PROCESSES,
      disk_mb: settings.CODE_DISK_MB,
    },
    features: ['stdin', 'standard library', ...(language.compile === undefined ? [] : ['compiled'])],
    sample: language.helloProgram,
  };
}

/** The health and latency of all executors. */
export async function microservicesHealth(
  runner: RoutingRunner,
  now: () => number = () => performance.now(),
): Promise<MicroservicesHealth> {
  const services = await Promise.all(
    runner.languages.map(async (language) => {
      const startedAt = now();
      const health = await runner.languageHealth(language);
      return { ...health, latency_ms: Math.round((now() - startedAt) * 10) / 10 };
    }),
  );
  return { status: services.every(({ status }) => status === 'healthy') ? 'healthy' : 'degraded', services };
}

/** Readiness of the remote executors: down only if all are. Pure. */
export function executorsReadiness(executors: readonly ExecutorHealth[]): ReadinessPart {
  if (executors.length === 0) return { state: 'not_configured' };
  const unavailable = executors.filter(({ status }) => status !== 'healthy').map(({ language }) => language);
  if (unavailable.length === 0) return { state: 'up' };
  const detail = `No executor answers for ${unavailable.join(', ')}.`;
  return { state: unavailable.length === executors.length ? 'down' : 'up', detail };
}

/** Converts a result to the response of an executor. Pure. */
export function toExecuteResult(result: CodeResult): ExecuteResult {
  const failed = result.status !== 'success';
  const message = [result.stderr.trimEnd(), result.error].filter(Boolean).join('\n');
  return {
    output: result.stdout,
    error: failed ? message || `The program ended with exit code ${result.exit_code}.` : '',
    executionTime: totalSeconds(result),
    status: EXECUTE_STATUS[result.status],
  };
}

const EXECUTE_STATUS: Record<RunStatus, ExecuteStatus> = {
  success: 'success',
  runtime_error: 'error',
  compile_error: 'error',
  internal_error: 'error',
  timeout: 'timeout',
  memory_limit: 'memory_limit',
  output_limit: 'output_limit',
  killed: 'killed',
};

function totalSeconds({ stage, duration_ms, compile }: CodeResult): number {
  const total = duration_ms + (stage === 'run' ? (compile?.duration_ms ?? 0) : 0);
  return Math.round(total) / 1000;
}
