'use client';

import dynamic from 'next/dynamic';
import { useRef, useState } from 'react';
import { LoadBoundary } from '#components/ui/load-boundary';
import { formatClockTime } from '#lib/browser/format';
import { CHART_HEIGHT_PX, type ChartProps } from './chart-props.ts';
import { STATS_STRINGS, UI_STRINGS } from './strings.ts';
import { useIsNear } from './use-is-near.ts';

/** Rows of the table for screen readers: enough for a trend. */
const TABLE_ROWS = 12;
/** Charts are drawn shortly before they scroll into view: drawing all at once blocks a phone. */
const NEAR_PX = 400;

const PlotCanvas = dynamic(() => import('#components/ui/chart-canvas'), {
  ssr: false,
  loading: () => <div style={{ height: CHART_HEIGHT_PX }} />,
});

/** A time series. Shows the values under the pointer, else the latest. */
export function Chart({ title, empty, ...shown }: ChartProps) {
  const { times, lines, format } = shown;
  const figure = useRef<HTMLElement>(null);
  const isNear = useIsNear(figure, NEAR_PX);
  const [hovered, setHovered] = useState<number>();
  const index = hovered === undefined || hovered >= times.length ? times.length - 1 : hovered;
  const at = times[index];
  const isEmpty = empty !== undefined && lines.every(({ values }) => values.every((value) => (value ?? 0) <= 0));
  return (
    <figure ref={figure} aria-label={title} className="relative min-w-0 rounded-lg border bg-surface p-4 pb-2">
      <figcaption className="mb-2 tabular">
        <span className="flex items-baseline justify-between gap-x-4">
          <span className="font-medium text-sm">{title}</span>
          {at === undefined || !isNear ? null : (
            <time className="shrink-0 text-ink-3 text-xs">{formatClockTime(at)}</time>
          )}
        </span>
        <span className="flex min-h-5 flex-wrap items-baseline gap-x-4 text-ink-2 text-xs">
          {lines.map((line) => (
            <span key={line.name} className="flex items-baseline gap-1.5">
              {lines.length > 1 ? (
                <>
                  <span
                    className="h-0.5 w-3 self-center forced-color-adjust-none"
                    style={{ backgroundColor: `var(${line.colour})` }}
                  />
                  {line.name}
                </>
              ) : null}
              <strong className="font-medium text-ink text-sm">{valueText(line.values[index], format)}</strong>
            </span>
          ))}
        </span>
      </figcaption>
      {isNear ? (
        <>
          <LoadBoundary fallback={<NotLoaded />}>
            <PlotCanvas {...shown} onHover={setHovered} />
          </LoadBoundary>
          <Table title={title} times={times} lines={lines} format={format} />
        </>
      ) : (
        <div style={{ height: CHART_HEIGHT_PX }} />
      )}
      {isEmpty ? (
        <p
          className="pointer-events-none absolute inset-x-4 bottom-2 flex items-center justify-center ps-16 pb-8 text-center text-ink-3 text-sm"
          style={{ height: CHART_HEIGHT_PX }}
        >
          <span className="bg-surface px-2">{empty}</span>
        </p>
      ) : null}
    </figure>
  );
}

function NotLoaded() {
  return (
    <p className="flex items-center justify-center text-ink-3 text-sm" style={{ height: CHART_HEIGHT_PX }}>
      {UI_STRINGS.loadFailed}
    </p>
  );
}

export function ChartSkeleton() {
  return <div aria-hidden className="skeleton h-[15.125rem] rounded-lg!" />;
}

/** The wrapper hides the table, because a table is never narrower than its content. */
function Table({ title, times, lines, format }: Pick<ChartProps, 'title' | 'times' | 'lines' | 'format'>) {
  const step = Math.max(1, Math.ceil(times.length / TABLE_ROWS));
  const rows = [...times.entries()].filter(([index]) => (times.length - 1 - index) % step === 0);
  return (
    <div className="sr-only">
      <table>
        <caption>{STATS_STRINGS.chartTable(title)}</caption>
        <thead>
          <tr>
            <th scope="col">{STATS_STRINGS.time}</th>
            {lines.map((line) => (
              <th key={line.name} scope="col">
                {line.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([index, time]) => (
            <tr key={time}>
              <th scope="row">{formatClockTime(time)}</th>
              {lines.map((line) => (
                <td key={line.name}>{valueText(line.values[index], format)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function valueText(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? STATS_STRINGS.noValue : format(value);
}
