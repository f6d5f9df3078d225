'use client';

import { Meter } from '@base-ui/react/meter';
import clsx from 'clsx';
import { Badge } from '#components/ui/badge';
import { formatCount, formatPercent } from '#lib/browser/format';
import { formatUntil } from '#lib/browser/format-date';
import type { LimitState } from '#lib/wire/people';
import { PEOPLE_STRINGS } from './strings.ts';
import { useNow } from './use-now.ts';

const { limits: STRINGS } = PEOPLE_STRINGS;
const NEARLY = 0.8;

/** Each limit as a bar, with its figures and when it starts again. */
export function LimitBars({ limits }: { limits: readonly LimitState[] }) {
  const now = useNow();
  return (
    <ul className="grid gap-x-10 gap-y-5 sm:grid-cols-2">
      {limits.map((limit) => (
        <LimitBar key={`${limit.name} ${limit.kind}`} limit={limit} now={now} />
      ))}
    </ul>
  );
}

function LimitBar({
  limit: { name, limit, used, resets_at: resetsAt, kind },
  now,
}: {
  limit: LimitState;
  now: number;
}) {
  const fraction = limit > 0 ? used / limit : 0;
  const label = STRINGS.label(name);
  const figures = STRINGS.figures(name, formatCount(used), formatCount(limit));
  const isOver = fraction >= 1;
  return (
    <li className="min-w-0 text-sm">
      <div className="mb-1.5 flex flex-wrap items-center gap-x-2">
        <span className="min-w-0 font-medium [overflow-wrap:anywhere]">{label}</span>
        {kind === 'share' ? <Badge>{STRINGS.share}</Badge> : null}
        {isOver ? (
          <Badge tone={kind === 'share' ? 'warn' : 'error'}>
            {kind === 'share' ? STRINGS.over(formatPercent(fraction)) : STRINGS.reached}
          </Badge>
        ) : null}
      </div>
      <Meter.Root aria-label={label} max={limit} value={Math.min(used, limit)} getAriaValueText={() => figures}>
        <Meter.Track className="h-1.5 overflow-hidden rounded-full bg-pressed forced-color-adjust-none">
          <Meter.Indicator className={clsx('h-full rounded-full', barColour(fraction, kind))} />
        </Meter.Track>
      </Meter.Root>
      <div className="mt-1.5 flex flex-wrap justify-between gap-x-3 text-ink-2 text-xs tabular">
        <span>{figures}</span>
        {resetsAt === null ? null : <span>{STRINGS.resets(formatUntil(resetsAt, now))}</span>}
      </div>
    </li>
  );
}

function barColour(fraction: number, kind: LimitState['kind']): string {
  if (fraction >= 1) return kind === 'share' ? 'bg-warn' : 'bg-error';
  return fraction >= NEARLY ? 'bg-warn' : 'bg-accent-fill';
}
