import useSWR, { type SWRResponse } from 'swr';
import { ApiError, requestJson, UNREACHABLE } from '#lib/browser/api-client';
import { API_BASE, CODE_API_BASE } from '#lib/browser/endpoints';
import { isModels, isRunnerHealth } from '#lib/browser/service-guards';
import { SERVICE_STRINGS as STRINGS } from '#lib/browser/service-strings';
import { BROWSER_STRINGS } from '#lib/browser/strings';
import type { RunnerHealth } from '#lib/wire/code';
import type { Models } from '#lib/wire/models';

export type StatusLevel = 'good' | 'warn' | 'error' | 'unknown';

/** The state of a service as a dot and a sentence. */
export interface ServiceStatus {
  level: StatusLevel;
  sentence: string;
  /** An address or a setting, which only the person who runs the server can use. */
  details?: string | undefined;
}

const REFRESH_MS = 15_000;
const MODELS_TIMEOUT_MS = 10_000;
/** Short, so that an unreachable runner shows soon. */
const HEALTH_TIMEOUT_MS = 3_000;
const HEALTH_RETRY_MS = 5_000;

export function useModels(): SWRResponse<Models, Error> {
  return useSWR<Models, Error>('models', fetchModels, {
    refreshInterval: REFRESH_MS,
    errorRetryInterval: 5_000,
    // Retrying is useless before the user signs in, which reloads the page.
    shouldRetryOnError: (error) => !isSignedOut(error),
  });
}

export function useRunnerHealth(): SWRResponse<RunnerHealth, Error> {
  return useSWR<RunnerHealth, Error>('runner-health', fetchHealth, {
    refreshInterval: REFRESH_MS,
    errorRetryInterval: HEALTH_RETRY_MS,
  });
}

/** Whether programs cannot run on the server: the runner is unreachable or has no sandbox. */
export function isRunnerUnavailable(health: RunnerHealth | undefined, error: Error | undefined): boolean {
  return (
    error !== undefined || (health !== undefined && (health.sandbox === 'unavailable' || health.languages.length === 0))
  );
}

/** A sentence why programs cannot run on the server. */
export function unavailableReason(health: RunnerHealth | undefined): string {
  return health?.sandbox === 'unavailable' ? STRINGS.noSandbox : STRINGS.runnerAway;
}

async function fetchModels(): Promise<Models> {
  try {
    return await requestJson(isModels, `${API_BASE}/api/models`, { signal: AbortSignal.timeout(MODELS_TIMEOUT_MS) });
  } catch (error) {
    // Before the error is shown: `modelsFailure` needs them, and has a sentence without them.
    if (hasResponse(error)) sentences ??= await import('#lib/browser/error-sentence').catch(() => undefined);
    throw error;
  }
}

/** The sentences for what a server refuses. Fetched with the first such error. */
let sentences: typeof import('#lib/browser/error-sentence') | undefined;

function hasResponse(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code !== UNREACHABLE;
}

function fetchHealth(): Promise<RunnerHealth> {
  return requestJson(isRunnerHealth, `${CODE_API_BASE}/health`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
}

/** Whether the server requires a key that this browser does not have. */
export function isSignedOut(error: Error | undefined): boolean {
  return error instanceof ApiError && error.status === 401;
}

export function modelStatus(models: Models | undefined, error: Error | undefined): ServiceStatus {
  if (isSignedOut(error)) return { level: 'unknown', sentence: STRINGS.signedOut };
  if (error !== undefined) return { level: 'error', ...modelsFailure(error) };
  if (models === undefined) return { level: 'unknown', sentence: STRINGS.loadingModels };
  const chosen = models.models.find((model) => model.is_default) ?? models.models[0];
  // The server names a default in every other case.
  if (chosen === undefined && models.default_model === '') return { level: 'warn', sentence: STRINGS.noModelForYou };
  if (chosen === undefined) {
    const reason = models.providers.find((provider) => provider.error !== null)?.error ?? undefined;
    return {
      level: 'error',
      sentence: reason === undefined ? STRINGS.noModel : STRINGS.modelServerAway,
      details: reason,
    };
  }
  const state = chosen.loaded ? STRINGS.loaded : STRINGS.loadsOnUse;
  return chosen.provider === 'embedded'
    ? { level: 'warn', sentence: STRINGS.embeddedModel(chosen.id, state) }
    : { level: 'good', sentence: STRINGS.model(chosen.id, state) };
}

export function runnerStatus(health: RunnerHealth | undefined, error: Error | undefined): ServiceStatus {
  if (error !== undefined) return { level: 'error', sentence: STRINGS.runnerAway };
  if (health === undefined) return { level: 'unknown', sentence: STRINGS.checkingRunner };
  const languages = STRINGS.languages(health.languages.length);
  if (health.sandbox === 'unavailable' || health.languages.length === 0)
    return { level: 'error', sentence: STRINGS.noSandbox, details: health.notices?.join(' ') };
  if (health.sandbox === 'none') return { level: 'warn', sentence: STRINGS.runnerWithoutSandbox(languages) };
  return { level: 'good', sentence: STRINGS.runner(languages, health.sandbox) };
}

/** Why the models are not known. */
export function modelsFailure(error: Error): Omit<ServiceStatus, 'level'> {
  // Also for the `AbortError` of the time limit.
  if (!hasResponse(error)) return { sentence: BROWSER_STRINGS.unreachable };
  const sentence = sentences?.errorSentence(error) ?? BROWSER_STRINGS.unexpectedStatus(error.status);
  return { sentence, details: sentences?.errorDetails(error) };
}
