import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { UNREACHABLE } from '#lib/browser/api-client';
import { isRunnerUnavailable, useRunnerHealth } from '#lib/browser/service-status';
import { findLanguageInfo } from '#lib/languages/infos';
import type { CodeRequest, RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from '../code-run/demo/engines.ts';
import type { CodeRun } from '../code-run/use-code-run.ts';
import { sampleResult } from './language-options.ts';
import { FIRST_PROGRAM } from './program.ts';
import { NO_RUN } from './program-runs.ts';
import { FIRST_TAB, type Tab } from './program-store.ts';
import { programs } from './programs.ts';

/**
 * The program of this tab: the one it had before, one from a link, or the one last edited in this
 * browser. For a new browser (`isNew`) the first sample is server-rendered. Undefined until the
 * browser has taken over, and while a link is read.
 */
export function useTab(isNew: boolean): Tab | undefined {
  const first = isNew ? FIRST_TAB : undefined;
  const tab = useSyncExternalStore(
    subscribe,
    () => (programs().isStarting() ? first : programs().store.tab()),
    () => first,
  );
  useEffect(() => {
    const read = () => void programs().readLink();
    read();
    // A link that is opened in the same tab changes the fragment only.
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }, []);
  // The program of the link is rendered now, or the link has none.
  useEffect(() => {
    if (tab !== undefined && !programs().isStarting()) delete document.documentElement.dataset.linked;
  }, [tab]);
  return tab;
}

interface RunState {
  run: CodeRun;
  health: RunnerHealth | undefined;
  /** The runner is unavailable. Its health is polled until it is back. */
  isUnavailable: boolean;
  recheckRunner: () => void;
  /** Runs on the server, or in this browser while the runner is unavailable. */
  execute: (program: CodeRequest) => void;
  stop: () => void;
}

/** The last run of a program. It goes on while another program or page is shown. */
export function useRunOf(id: string): RunState {
  const run = useSyncExternalStore(
    subscribeToRuns,
    () => programs().runs.of(id),
    () => NO_RUN,
  );
  const { data: health, error, mutate } = useRunnerHealth();
  const isUnavailable = isRunnerUnavailable(health, error);
  const recheckRunner = useCallback(() => void mutate(), [mutate]);
  // A failed run notices an unreachable runner before the next health poll does.
  const isUnreachable = run.state === 'failed' && run.code === UNREACHABLE;
  useEffect(() => {
    if (isUnreachable) recheckRunner();
  }, [isUnreachable, recheckRunner]);
  const execute = useCallback(
    (program: CodeRequest) => {
      const { runs } = programs();
      const language = findLanguageInfo(program.language)?.id ?? FIRST_PROGRAM.language;
      if (!isUnavailable) return runs.start(id, program, 'server');
      if (demoEngineOf(language) !== undefined) return runs.start(id, program, 'browser');
      const sample = sampleResult(language, program.code);
      if (sample !== undefined) runs.showSample(id, sample);
    },
    [id, isUnavailable],
  );
  const stop = useCallback(() => programs().runs.stop(id), [id]);
  return { run, health, isUnavailable, recheckRunner, execute, stop };
}

const subscribe = (listener: () => void) => programs().store.subscribe(listener);
const subscribeToRuns = (listener: () => void) => programs().runs.subscribe(listener);
