'use client';

import { useEffect, useState } from 'react';
import { StatusDot } from '#components/ui/status-dot';
import { formatSeconds } from '#lib/browser/format';
import { STATS_STRINGS } from './strings.ts';

interface LastUpdatedProps {
  /** When the figures arrived; undefined without any. */
  at: number | undefined;
  isStale: boolean;
}

/** Whether the figures are live, else their age. */
export function LastUpdated({ at, isStale }: LastUpdatedProps) {
  const [now, setNow] = useState(0);
  useEffect(() => {
    if (!isStale) return;
    const tick = () => setNow(Date.now());
    tick();
    const timer = setInterval(tick, 1_000);
    return () => clearInterval(timer);
  }, [isStale]);
  if (at === undefined) return null;
  return (
    <span className="flex min-w-0 items-center gap-1.5 ps-2 text-ink-3 text-xs tabular">
      <StatusDot level={isStale ? 'unknown' : 'good'} />
      <span className="truncate">
        {isStale ? STATS_STRINGS.updated(formatSeconds(Math.max(0, now - at))) : STATS_STRINGS.live}
      </span>
    </span>
  );
}
