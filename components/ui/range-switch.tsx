'use client';

import clsx from 'clsx';
import { useCallback, useState } from 'react';
import type { HistoryRange } from '#lib/browser/stats-history';
import { STATS_STRINGS } from './strings.ts';

export const RANGES: readonly HistoryRange[] = ['5m', '1h', '24h'];
export const RANGE_NAMES: Record<HistoryRange, string> = STATS_STRINGS.ranges;

/** The range in the page's address. `initial` is what the server found there. */
export function useRange(initial: HistoryRange): [range: HistoryRange, choose: (range: HistoryRange) => void] {
  const [range, setRange] = useState(initial);
  const choose = useCallback((next: HistoryRange) => {
    const url = new URL(location.href);
    url.searchParams.set('range', next);
    history.replaceState(null, '', url);
    setRange(next);
  }, []);
  return [range, choose];
}

/** Chooses how far back the charts go. */
export function RangeSwitch({ range, onChange }: { range: HistoryRange; onChange: (range: HistoryRange) => void }) {
  return (
    <fieldset aria-label={STATS_STRINGS.range} className="flex rounded-md border bg-surface p-0.5">
      {RANGES.map((each) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === range}
          onClick={() => onChange(each)}
          className={clsx(
            'h-6 rounded-sm px-2.5 font-medium text-xs tabular transition-colors pointer-coarse:h-10 pointer-coarse:min-w-12',
            each === range ? 'bg-pressed text-ink' : 'text-ink-2 hover:bg-hover hover:text-ink',
          )}
        >
          {RANGE_NAMES[each]}
        </button>
      ))}
    </fieldset>
  );
}
