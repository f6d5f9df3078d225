'use client';

import 'uplot/dist/uPlot.min.css';
import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';

export interface Line {
  name: string;
  /** A colour token, the same for the same thing everywhere: `--accent`. */
  colour: string;
  values: readonly (number | null)[];
}

export interface PlotProps {
  title: string;
  /** Milliseconds since the epoch, one for each value. */
  times: readonly number[];
  lines: readonly Line[];
  /** How a value reads, with its unit. */
  format: (value: number) => string;
  /** The scale reaches at least to here, so that nothing looks like much. */
  least: number;
}

const HEIGHT_PX = 176;
const LEAST_WINDOW_SECONDS = 120;
/** Rows of the table for screen readers: enough for a trend. */
const TABLE_ROWS = 12;

/** A plot over time: values under the pointer, else the latest. */
export default function Plot({ title, times, lines, format, least }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const [hovered, setHovered] = useState<number>();
  const latest = useRef({ format, least });
  useEffect(() => {
    latest.current = { format, least };
  });
  const data = useMemo(() => alignedData(times, lines), [times, lines]);
  const dataNow = useRef(data);
  useEffect(() => {
    dataNow.current = data;
    plot.current?.setData(data);
  }, [data]);

  const shape = lines.map((line) => `${line.name}|${line.colour}`).join('\n');
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const colour = (token: string) => resolveColour(element, token);
    const created = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        padding: [8, 30, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
        scales: {
          // A first moment is drawn at the right, in a window of two minutes, and not on a scale of years.
          x: { range: (_, from, to) => [Math.min(from, to - LEAST_WINDOW_SECONDS), to] },
          y: { range: (_, __, most) => [0, Math.max(latest.current.least, (most ?? 0) * 1.1)] },
        },
        axes: [
          {
            stroke: () => colour('--ink-3'),
            font: FONT,
            size: 34,
            gap: 10,
            space: 80,
            grid: { show: false },
            ticks: { show: false },
            values: (_, splits) => splits.map((split) => clockTime(split * 1000)),
          },
          {
            stroke: () => colour('--ink-3'),
            font: FONT,
            size: 64,
            space: 36,
            grid: { stroke: () => colour('--line'), width: 1 },
            ticks: { show: false },
            values: (_, splits) => splits.map((split) => latest.current.format(split)),
          },
        ],
        series: [
          {},
          ...shape.split('\n').map((line) => ({
            stroke: () => colour(line.split('|')[1] ?? '--ink'),
            width: 1.5,
            points: { show: false },
            spanGaps: false,
          })),
        ],
        hooks: { setCursor: [(self) => setHovered(self.cursor.idx ?? undefined)] },
      },
      dataNow.current,
      element,
    );
    plot.current = created;
    const size = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    size.observe(element);
    const redraw = () => created.redraw(false);
    const theme = new MutationObserver(redraw);
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const scheme = window.matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', redraw);
    return () => {
      size.disconnect();
      theme.disconnect();
      scheme.removeEventListener('change', redraw);
      created.destroy();
    };
  }, [shape]);

  const index = hovered === undefined || hovered >= times.length ? times.length - 1 : hovered;
  const at = times[index];
  return (
    <figure aria-label={title} className="min-w-0 rounded-lg border bg-surface p-4 pb-2">
      <figcaption className="mb-2 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <span className="font-medium text-sm">{title}</span>
        <span className="flex flex-wrap items-baseline gap-x-3 text-ink-2 text-xs tabular">
          {at === undefined ? null : <time className="text-ink-3">{clockTime(at)}</time>}
          {lines.map((line) => (
            <span key={line.name} className="flex items-baseline gap-1.5">
              {lines.length > 1 ? (
                <>
                  <span className="h-0.5 w-3 self-center" style={{ backgroundColor: `var(${line.colour})` }} />
                  {line.name}
                </>
              ) : null}
              <strong className="font-medium text-ink">{shown(line.values[index], format)}</strong>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={host} aria-hidden style={{ height: HEIGHT_PX }} />
      <Table title={title} times={times} lines={lines} format={format} />
    </figure>
  );
}

const FONT = '12px "Geist Variable", sans-serif';

/** A table is never narrower than its words, so it is a box around it that hides them. */
function Table({ title, times, lines, format }: Omit<PlotProps, 'least'>) {
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
              <th scope="row">{clockTime(time)}</th>
              {lines.map((line) => (
                <td key={line.name}>{shown(line.values[from + index], format)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function alignedData(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [times.map((time) => time / 1000), ...lines.map((line) => [...line.values])];
}

function shown(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value);
}

function clockTime(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** A canvas knows no `var()` and no `light-dark()`: the browser works the colour out on an element. */
function resolveColour(host: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
