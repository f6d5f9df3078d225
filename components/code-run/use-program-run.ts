import { useCallback, useEffect } from 'react';
import { UNREACHABLE } from '#lib/browser/api-client';
import { isRunnerUnavailable, useRunnerHealth } from '#lib/browser/service-status';
import type { CodeRequest, RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from './demo/engines.ts';
import { type CodeRunControls, useCodeRun } from './use-code-run.ts';

export interface ProgramRun extends Omit<CodeRunControls, 'start'> {
  health: RunnerHealth | undefined;
  /** Programs cannot be run at the runner now. It is looked for until it is back. */
  isUnavailable: boolean;
  recheckRunner: () => void;
  /** Runs it at the runner, or in this browser while that is away; false where neither can be. */
  execute: (program: CodeRequest) => boolean;
}

/** Runs one program at a time, where it can be run now. */
export function useProgramRun(): ProgramRun {
  const { start, ...runs } = useCodeRun();
  const { data: health, error, mutate } = useRunnerHealth();
  const isUnavailable = isRunnerUnavailable(health, error);
  const recheckRunner = useCallback(() => void mutate(), [mutate]);

  // That it is away is seen at a run first, where the last look at its health is some seconds old.
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
