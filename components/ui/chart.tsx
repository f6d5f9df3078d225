'use client';

import dynamic from 'next/dynamic';
import { useRef, useState } from 'react';
import { formatClockTime } from '#lib/browser/format';
import { CHART_HEIGHT_PX, type ChartProps } from './chart-props.ts';
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
export function Chart({ title, ...shown }: ChartProps) {
  const { times, lines, format } = shown;
  const figure = useRef<HTMLElement>(null);
  const isNear = useIsNear(figure, NEAR_PX);
  const [hovered, setHovered] = useState<number>();
  const index = hovered === undefined || hovered >= times.length ? times.length - 1 : hovered;
  const at = times[index];
  return (
    <figure ref={figure} aria-label={title} className="min-w-0 rounded-lg border bg-surface p-4 pb-2">
      <figcaption className="mb-2 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <span className="font-medium text-sm">{title}</span>
        <span className="flex flex-wrap items-baseline gap-x-3 text-ink-2 text-xs tabular">
          {at === undefined || !isNear ? null : <time className="text-ink-3">{formatClockTime(at)}</time>}
          {lines.map((line) => (
            <span key={line.name} className="flex items-baseline gap-1.5">
              {lines.length > 1 ? (
                <>
                  <span className="h-0.5 w-3 self-center" style={{ backgroundColor: `var(${line.colour})` }} />
                  {line.name}
                </>
              ) : null}
              <strong className="font-medium text-ink">{valueText(line.values[index], format)}</strong>
            </span>
          ))}
        </span>
      </figcaption>
      {isNear ? (
        <>
          <PlotCanvas {...shown} onHover={setHovered} />
          <Table title={title} times={times} lines={lines} format={format} />
        </>
      ) : (
        <div style={{ height: CHART_HEIGHT_PX }} />
      )}
    </figure>
  );
}

export function ChartSkeleton() {
  return <div aria-hidden className="skeleton h-[14.75rem] rounded-lg!" />;
}

/** The wrapper hides the table, because a table is never narrower than its content. */
function Table({ title, times, lines, format }: Omit<ChartProps, 'least'>) {
  const from = Math.max(0, times.length - TABLE_ROWS);
  return (
    <div className="sr-only">
      <table>
        <caption>{`${title}, the latest values`}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map((line) => (
              <th key={line.name} scope="col">
                {line.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.slice(from).map((time, index) => (
            <tr key={time}>
              <th scope="row">{formatClockTime(time)}</th>
              {lines.map((line) => (
                <td key={line.name}>{valueText(line.values[from + index], format)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function valueText(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value);
}
