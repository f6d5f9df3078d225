import type { Principal } from '#lib/http/principal';
import type { UsageEvent } from '#lib/people/usage/usage-event';
import type { CodeResult, LanguageId } from '#lib/wire/code';
import type { ErrorCode } from '#lib/wire/error';

const NO_MODEL = {
  kind: 'code',
  model: '',
  server: '',
  cached: false,
  joined: false,
  promptTokens: 0,
  completionTokens: 0,
  savedTokens: 0,
  generationMs: 0,
  queueMs: 0,
} as const;

/** The usage of a program that has ended. Only what this server did wrong is an error. */
export function runUsage(
  principal: Principal | undefined,
  language: LanguageId,
  { status, cpu_ms: cpuMs }: CodeResult,
): UsageEvent {
  const error = status === 'internal_error' ? status : undefined;
  return { ...NO_MODEL, principal, language, outcome: status, cpuMs, error };
}

/** The usage of a program that got no result. */
export function refusedRun(principal: Principal | undefined, language: LanguageId, code: ErrorCode): UsageEvent {
  const isCancelled = code === 'cancelled';
  return { ...NO_MODEL, principal, language, outcome: code, error: isCancelled ? undefined : code };
}

/** A program that was never to run is no run. */
export function isFaultOfRequest(code: ErrorCode): boolean {
  return code === 'invalid_request' || code === 'code_too_large' || code === 'unsupported_language';
}
