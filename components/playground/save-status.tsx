'use client';

import { useState } from 'react';
import { hasNewRevision, saveStateOf } from './save-state.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import type { Tab } from './tab.ts';

/** Whether the program is saved, next to its name. Only a failure is announced. */
export function SaveStatus({ tab }: { tab: Tab }) {
  const [saved, setSaved] = useState(tab);
  const isNew = hasNewRevision(tab, saved);
  if (isNew) setSaved(tab);
  const state = saveStateOf(tab, isNew ? tab : saved);
  const failure = tab.problem === undefined ? undefined : S.notSavedBecause[tab.problem];
  return (
    <span className="flex min-w-0 shrink-[2] items-center ps-1 text-xs max-md:sr-only">
      {state === 'failed' ? null : <span className="truncate text-ink-3">{S.saveStates[state]}</span>}
      <span role="status" title={failure} className="truncate text-warn">
        {failure}
      </span>
    </span>
  );
}
