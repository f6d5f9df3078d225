import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { findLanguageInfo } from '#lib/languages/infos';
import type { CodeRequest } from '#lib/wire/code';
import type { RunLocation } from '../code-run/use-code-run.ts';
import { type ProgramRun, useRunControls } from '../code-run/use-program-run.ts';
import { sampleResult } from './language-options.ts';
import { FIRST_PROGRAM } from './program.ts';
import { NO_RUN } from './program-runs.ts';
import { programs } from './programs.ts';
import { FIRST_TAB, type Tab } from './tab.ts';

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

/**
 * The last run of a program. It goes on while another program or page is shown. `execute` shows a
 * recorded output if nothing can run.
 */
export function useRunOf(id: string): ProgramRun {
  const run = useSyncExternalStore(
    subscribeToRuns,
    () => programs().runs.of(id),
    () => NO_RUN,
  );
  const start = useCallback(
    (program: CodeRequest, place: RunLocation = 'server') => programs().runs.start(id, program, place),
    [id],
  );
  const stop = useCallback(() => programs().runs.stop(id), [id]);
  const controls = useRunControls({ run, start, stop });
  const runWhereItCan = controls.execute;
  const execute = useCallback(
    (program: CodeRequest) => {
      if (runWhereItCan(program)) return true;
      const language = findLanguageInfo(program.language)?.id ?? FIRST_PROGRAM.language;
      const sample = sampleResult(language, program.code);
      if (sample !== undefined) programs().runs.showSample(id, sample);
      return false;
    },
    [id, runWhereItCan],
  );
  return { ...controls, execute };
}

const subscribe = (listener: () => void) => programs().store.subscribe(listener);
const subscribeToRuns = (listener: () => void) => programs().runs.subscribe(listener);
