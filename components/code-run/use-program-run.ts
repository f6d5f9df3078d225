import { useCallback, useEffect } from 'react';
import { UNREACHABLE } from '#lib/browser/api-client';
import { isRunnerUnavailable, useRunnerHealth } from '#lib/browser/service-status';
import type { CodeRequest, RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from './demo/engines.ts';
import { type CodeRun, type CodeRunControls, type RestorableRun, useCodeRun } from './use-code-run.ts';

/** What a place of runs must offer. */
type StartControls = Omit<CodeRunControls, 'clear'>;

export interface ProgramRun extends Omit<StartControls, 'start'> {
  health: RunnerHealth | undefined;
  /** The runner is unavailable. Its health is polled until it is back. */
  isUnavailable: boolean;
  recheckRunner: () => void;
  /**
   * Runs on the server, or in this browser while the runner is unavailable. False if neither is
   * possible.
   */
  execute: (program: CodeRequest) => boolean;
}

/**
 * Runs one program at a time, on the server or in this browser. It ends with the component.
 * `onEnd` as of `useCodeRun`.
 */
export function useProgramRun(
  onEnd?: (program: CodeRequest, run: CodeRun) => void,
): ProgramRun & Pick<RestorableRun, 'clear' | 'restore'> {
  const { clear, restore, ...controls } = useCodeRun(onEnd);
  return { ...useRunControls(controls), clear, restore };
}

/** Chooses where a program runs. `controls` run it. */
export function useRunControls({ start, ...runs }: StartControls): ProgramRun {
  const { data: health, error, mutate } = useRunnerHealth();
  const isUnavailable = isRunnerUnavailable(health, error);
  const recheckRunner = useCallback(() => void mutate(), [mutate]);

  // A failed run notices an unreachable runner before the next health poll does.
  const isUnreachable = runs.run.state === 'failed' && runs.run.code === UNREACHABLE;
  useEffect(() => {
    if (isUnreachable) recheckRunner();
  }, [isUnreachable, recheckRunner]);

  const execute = useCallback(
    (program: CodeRequest) => {
      const place = isUnavailable ? 'browser' : 'server';
      if (isUnavailable && demoEngineOf(program.language) === undefined) return false;
      start(program, place);
      return true;
    },
    [isUnavailable, start],
  );
  return { ...runs, health, isUnavailable, recheckRunner, execute };
}
