import useSWR, { type SWRResponse } from 'swr';
import { ApiError, requestJson } from '#lib/browser/api-client';
import { API_BASE, CODE_API_BASE } from '#lib/browser/endpoints';
import { isModels, isRunnerHealth } from '#lib/browser/response-guards';
import type { RunnerHealth } from '#lib/wire/code';
import type { Models } from '#lib/wire/models';

export type StatusLevel = 'good' | 'warn' | 'error' | 'unknown';

/** The state of a service as a dot and a sentence. */
export interface ServiceStatus {
  level: StatusLevel;
  sentence: string;
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

/** One or more sentences why programs cannot run on the server. */
export function unavailableReason(health: RunnerHealth | undefined): string {
  if (health?.sandbox === 'unavailable')
    return `No sandbox is available on the server. ${health.notices?.join(' ') ?? ''}`.trim();
  return 'Code runner unavailable. Retrying…';
}

function fetchModels(): Promise<Models> {
  return requestJson(isModels, `${API_BASE}/api/models`, { signal: AbortSignal.timeout(MODELS_TIMEOUT_MS) });
}

function fetchHealth(): Promise<RunnerHealth> {
  return requestJson(isRunnerHealth, `${CODE_API_BASE}/health`, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
}

/** Whether the server requires a key that this browser does not have. */
function isSignedOut(error: Error | undefined): boolean {
  return error instanceof ApiError && error.status === 401;
}

export function modelStatus(models: Models | undefined, error: Error | undefined): ServiceStatus {
  if (isSignedOut(error)) return { level: 'unknown', sentence: 'Sign in to see which models there are.' };
  if (error !== undefined) return { level: 'error', sentence: error.message };
  if (models === undefined) return { level: 'unknown', sentence: 'Asking which models there are.' };
  const chosen = models.models.find((model) => model.is_default) ?? models.models[0];
  if (chosen === undefined) {
    const reason = models.providers.find((provider) => provider.error !== null)?.error;
    return { level: 'error', sentence: reason ?? 'No model is installed.' };
  }
  const state = chosen.loaded ? 'loaded and ready' : 'ready, is loaded with the first question';
  if (chosen.provider === 'embedded')
    return { level: 'warn', sentence: `${chosen.id}: small built-in model, ${state}.` };
  return { level: 'good', sentence: `${chosen.id}: ${state}.` };
}

export function runnerStatus(health: RunnerHealth | undefined, error: Error | undefined): ServiceStatus {
  if (error !== undefined) return { level: 'error', sentence: 'The code runner cannot be reached.' };
  if (health === undefined) return { level: 'unknown', sentence: 'Asking the code runner.' };
  const languages = `${health.languages.length} ${health.languages.length === 1 ? 'language' : 'languages'}`;
  if (health.sandbox === 'unavailable' || health.languages.length === 0)
    return { level: 'error', sentence: health.notices?.[0] ?? 'No sandbox is available, so no code is run.' };
  if (health.sandbox === 'none')
    return { level: 'warn', sentence: `${languages}, without a sandbox: run only code that you trust.` };
  return { level: 'good', sentence: `Ready: ${languages}, ${health.sandbox} sandbox.` };
}
