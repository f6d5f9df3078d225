import { useCallback, useEffect } from 'react';
import { demoEngine } from '#lib/client/demo/languages';
import { UNREACHABLE } from '#lib/client/request';
import { type Runs, useRun } from '#lib/client/run';
import { isRunnerAway, useRunnerHealth } from '#lib/client/status';
import type { CodeRequest, RunnerHealth } from '#lib/wire/code';

export interface ProgramRun extends Omit<Runs, 'start'> {
  health: RunnerHealth | undefined;
  /** Programs cannot be run at the runner now. It is looked for until it is back. */
  isAway: boolean;
  lookForRunner: () => void;
  /** Runs it at the runner, or in this browser while that is away; false where neither can be. */
  execute: (program: CodeRequest) => boolean;
}

/** Runs one program at a time, where it can be run now. */
export function useProgramRun(): ProgramRun {
  const { start, ...runs } = useRun();
  const { data: health, error, mutate } = useRunnerHealth();
  const isAway = isRunnerAway(health, error);
  const lookForRunner = useCallback(() => void mutate(), [mutate]);

  // That it is away is seen at a run first, where the last look at its health is some seconds old.
  const isUnreachable = runs.run.state === 'failed' && runs.run.code === UNREACHABLE;
  useEffect(() => {
    if (isUnreachable) lookForRunner();
  }, [isUnreachable, lookForRunner]);

  const execute = useCallback(
    (program: CodeRequest) => {
      const place = isAway ? 'browser' : 'server';
      if (isAway && demoEngine(program.language) === undefined) return false;
      start(program, place);
      return true;
    },
    [isAway, start],
  );
  return { ...runs, health, isAway, lookForRunner, execute };
}
