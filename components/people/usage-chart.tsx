'use client';

import { type PointerEvent, useState } from 'react';
import { formatCount } from '#lib/browser/format';
import { PEOPLE_STRINGS } from './strings.ts';
import { formatShort, scaleEnd, type UsageBar } from './usage-figures.ts';

const { usage: STRINGS } = PEOPLE_STRINGS;
const HEIGHT_PX = 160;
const LINES = [1, 0.5, 0];

/** Tokens a day: generated ones, and on top of them those that the cache saved. */
export function UsageChart({ bars }: { bars: readonly UsageBar[] }) {
  const [hovered, setHovered] = useState<number>();
  const shown = hovered === undefined ? undefined : bars[hovered];
  const sum = (read: (bar: UsageBar) => number) => bars.reduce((total, bar) => total + read(bar), 0);
  const generated = shown?.generated ?? sum((bar) => bar.generated);
  const saved = shown?.saved ?? sum((bar) => bar.saved);
  const end = scaleEnd(Math.max(0, ...bars.map((bar) => bar.generated + bar.saved)));
  const isEmpty = bars.every((bar) => bar.generated + bar.saved === 0);
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const index = Math.floor(((event.clientX - left) / width) * bars.length);
    setHovered(Math.min(bars.length - 1, Math.max(0, index)));
  };
  return (
    <figure aria-label={STRINGS.tokensPerDay} className="relative min-w-0 rounded-lg border bg-surface p-4 pb-3">
      <figcaption className="mb-3 tabular">
        <span className="flex items-baseline justify-between gap-x-4">
          <span className="font-medium text-sm">{STRINGS.tokensPerDay}</span>
          <span className="shrink-0 text-ink-3 text-xs">{shown?.label ?? STRINGS.total}</span>
        </span>
        <span className="flex min-h-5 flex-wrap items-baseline gap-x-4 text-ink-2 text-xs">
          <Legend colour="bg-accent-fill" name={STRINGS.generated} value={formatCount(generated)} />
          <Legend colour="bg-cached" name={STRINGS.saved} value={formatCount(saved)} />
        </span>
      </figcaption>
      <div aria-hidden className="flex gap-2">
        <div className="relative w-12 shrink-0 text-end text-ink-3 text-xs tabular" style={{ height: HEIGHT_PX }}>
          {LINES.map((part) => (
            <span key={part} className="absolute end-0 -translate-y-1/2" style={{ top: `${(1 - part) * 100}%` }}>
              {formatShort(end * part)}
            </span>
          ))}
        </div>
        <div className="min-w-0 flex-1">
          <div
            className="relative flex items-end gap-px touch-pan-y"
            style={{ height: HEIGHT_PX }}
            onPointerMove={onPointerMove}
            onPointerDown={onPointerMove}
            onPointerLeave={() => setHovered(undefined)}
          >
            {LINES.map((part) => (
              <span key={part} className="absolute inset-x-0 border-t" style={{ top: `${(1 - part) * 100}%` }} />
            ))}
            {bars.map((bar, index) => (
              <span
                key={bar.key}
                className="relative flex h-full min-w-0 flex-1 flex-col justify-end forced-color-adjust-none data-[hovered=true]:bg-hover"
                data-hovered={index === hovered}
              >
                <span className="bg-cached" style={{ height: `${(bar.saved / end) * 100}%` }} />
                <span className="bg-accent-fill" style={{ height: `${(bar.generated / end) * 100}%` }} />
              </span>
            ))}
            {isEmpty ? (
              <span className="absolute inset-0 flex items-center justify-center text-center text-ink-3 text-sm">
                <span className="bg-surface px-2">{STRINGS.empty}</span>
              </span>
            ) : null}
          </div>
          <div className="mt-2 flex justify-between text-ink-3 text-xs tabular">
            <span>{bars[0]?.label.split(' – ')[0]}</span>
            <span>{bars.at(-1)?.label.split(' – ').at(-1)}</span>
          </div>
        </div>
      </div>
      <Table bars={bars} />
    </figure>
  );
}

function Legend({ colour, name, value }: { colour: string; name: string; value: string }) {
  return (
    <span className="flex items-baseline gap-1.5">
      <span className={`size-2 self-center rounded-[2px] forced-color-adjust-none ${colour}`} />
      {name}
      <strong className="font-medium text-ink text-sm">{value}</strong>
    </span>
  );
}

/** The bars for screen readers. The wrapper hides the table: a table is as wide as its content. */
function Table({ bars }: { bars: readonly UsageBar[] }) {
  return (
    <div className="sr-only">
      <table>
        <caption>{STRINGS.tokensPerDay}</caption>
        <thead>
          <tr>
            <th scope="col">{STRINGS.groups.day}</th>
            <th scope="col">{STRINGS.generated}</th>
            <th scope="col">{STRINGS.saved}</th>
          </tr>
        </thead>
        <tbody>
          {bars
            .filter((bar) => bar.generated + bar.saved > 0)
            .map((bar) => (
              <tr key={bar.key}>
                <th scope="row">{bar.label}</th>
                <td>{formatCount(bar.generated)}</td>
                <td>{formatCount(bar.saved)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
