'use client';

import { useEffect, useState } from 'react';
import { formatDuration } from '#lib/browser/format';

const STALE_AFTER_MS = 6_000;

/** Whether the figures are live, else their age. */
export function LastUpdated({ at, failed }: { at: string | undefined; failed: boolean }) {
  const [now, setNow] = useState<number>();
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  if (at === undefined || now === undefined) return null;
  const age = now - Date.parse(at);
  const isLive = !failed && age < STALE_AFTER_MS;
  return (
    <span className="flex items-center gap-1.5 ps-2 text-ink-3 text-xs tabular">
      <span className={`size-1.5 rounded-full ${isLive ? 'bg-good' : 'bg-ink-3'}`} />
      {isLive ? 'Live' : `${formatDuration(Math.max(0, Math.round(age / 1000) * 1000))} old`}
    </span>
  );
}
