import { useEffect, useRef } from 'react';
import { whenIdle } from '#lib/browser/when-idle';
import { type KeptRun, keptRuns } from './kept-runs.ts';
import type { CodeRun } from './use-code-run.ts';

const PATIENCE_MS = 400;

/** Storage is missing or full. The result then lasts as long as the page. */
const ignoreStorageFailure = () => undefined;

/** Shows the result that was kept under `key`, unless the program was run again meanwhile. */
export function useKeptRun(
  key: string | undefined,
  code: string,
  run: CodeRun,
  restore: (kept: KeptRun) => void,
): void {
  const isIdle = useRef(true);
  useEffect(() => {
    isIdle.current = run.state === 'idle';
  });
  useEffect(() => {
    if (key === undefined || code === '') return;
    let isCurrent = true;
    // The database is opened after the messages are drawn, which have priority.
    const cancel = whenIdle(() => {
      keptRuns()
        .read(key, code)
        .then((kept) => {
          if (isCurrent && isIdle.current && kept !== undefined) restore(kept);
        }, ignoreStorageFailure);
    }, PATIENCE_MS);
    return () => {
      isCurrent = false;
      cancel();
    };
  }, [key, code, restore]);
}

export function keepRun(key: string, code: string, run: CodeRun): void {
  if (run.state === 'ended' || run.state === 'stopped') keptRuns().save(key, code, run).catch(ignoreStorageFailure);
}

export function forgetRun(key: string): void {
  keptRuns().remove(key).catch(ignoreStorageFailure);
}
