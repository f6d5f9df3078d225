import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError, jsonBody, requestJson } from '#lib/browser/api-client';
import { EXECUTORS_BASE } from '#lib/browser/endpoints';
import { isValidation } from '#lib/browser/response-guards';
import type { CodeRequest } from '#lib/wire/code';
import type { ValidateResult } from '#lib/wire/executor';

export interface Problem {
  severity: 'error' | 'warning';
  /** 1-based, in the main file. */
  line: number;
  column: number;
  message: string;
}

/** After the last key press. */
const IDLE_MS = 700;
/** A validation occupies a runner slot and counts against the rate limit. */
const LEAST_BETWEEN_MS = 5_000;
const TIMEOUT_MS = 30_000;

/**
 * Validates the program on the runner shortly after a change. Call `check` on each change.
 * `enabled` is false while no validator is available.
 */
export function useDiagnostics(enabled: boolean, program: () => CodeRequest) {
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const timing = useRef({ lastAt: Number.NEGATIVE_INFINITY, notBefore: 0 });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const abort = useRef<AbortController>(null);
  const latest = useRef(program);
  useEffect(() => {
    latest.current = program;
  });

  const clear = useCallback(() => {
    clearTimeout(timer.current);
    abort.current?.abort();
    setProblems([]);
  }, []);

  const check = useCallback(() => {
    clearTimeout(timer.current);
    abort.current?.abort();
    if (!enabled) return;
    const wait = delayBeforeCheck(performance.now(), timing.current.lastAt, timing.current.notBefore);
    timer.current = setTimeout(() => {
      const request = latest.current();
      if (request.code.trim() === '') return setProblems([]);
      const controller = new AbortController();
      abort.current = controller;
      timing.current.lastAt = performance.now();
      validateProgram(request, controller.signal).then(
        (result) => {
          if (!controller.signal.aborted) setProblems(problemsOf(result));
        },
        (error: unknown) => {
          if (controller.signal.aborted) return;
          setProblems([]);
          timing.current.notBefore = performance.now() + pauseAfterError(error);
        },
      );
    }, wait);
  }, [enabled]);

  useEffect(() => {
    if (enabled) check();
    else clear();
  }, [enabled, check, clear]);
  useEffect(() => clear, [clear]);
  return { problems, check, clear };
}

/** Milliseconds from `now`. Pure. */
export function delayBeforeCheck(now: number, lastAt: number, notBefore: number): number {
  return Math.max(IDLE_MS, lastAt + LEAST_BETWEEN_MS - now, notBefore - now);
}

/**
 * Milliseconds to wait after a failure: the server's retry-after, or long if the route does not
 * exist. Pure.
 */
export function pauseAfterError(error: unknown): number {
  if (!(error instanceof ApiError)) return LEAST_BETWEEN_MS;
  if (error.retryAfterSeconds !== undefined) return error.retryAfterSeconds * 1000;
  return error.status === 404 || error.status === 405 ? 10 * 60_000 : LEAST_BETWEEN_MS;
}

export function problemsOf({ errors, warnings }: ValidateResult): Problem[] {
  const all = [
    ...errors.map((entry) => ({ ...entry, severity: 'error' as const })),
    ...warnings.map((entry) => ({ ...entry, severity: 'warning' as const })),
  ];
  return all.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function validateProgram({ language, code, files }: CodeRequest, signal: AbortSignal): Promise<ValidateResult> {
  const body = { code, ...(files === undefined ? {} : { files }) };
  return requestJson(isValidation, `${EXECUTORS_BASE}/${encodeURIComponent(language)}/validate`, {
    ...jsonBody(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
}
