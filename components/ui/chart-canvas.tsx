'use client';

import 'uplot/dist/uPlot.min.css';
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import { formatClockTime } from '#lib/browser/format';
import { CHART_HEIGHT_PX, type ChartLine, type ChartProps } from './chart-props.ts';

interface ChartCanvasProps extends Omit<ChartProps, 'title' | 'empty'> {
  /** Index of the value under the pointer, if any. */
  onHover: (index: number | undefined) => void;
}

const FONT = '12px Geist, sans-serif';

/** The lines of a chart, drawn with uPlot at the width of the container. */
export default function ChartCanvas({
  times,
  lines,
  format,
  windowMs,
  least,
  most = Number.POSITIVE_INFINITY,
  isStale = false,
  onHover,
}: ChartCanvasProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const latest = useRef({ format, windowMs, least, most, onHover });
  useEffect(() => {
    latest.current = { format, windowMs, least, most, onHover };
  });
  const data = useMemo(() => alignedData(times, lines, windowMs), [times, lines, windowMs]);
  const dataNow = useRef(data);
  useEffect(() => {
    dataNow.current = data;
    plot.current?.setData(data);
  }, [data]);

  const shape = lines.map((line) => `${line.name}|${isStale ? '--ink-3' : line.colour}`).join('\n');
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const colour = (token: string) => resolveColour(element, token);
    const created = new uPlot(
      {
        width: element.clientWidth,
        height: CHART_HEIGHT_PX,
        padding: [8, 30, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
        scales: {
          x: {
            range: (_, __, newest) => {
              // Null without a point, whatever its type says.
              const to = newest || Date.now() / 1000;
              return [to - latest.current.windowMs / 1000, to];
            },
          },
          y: {
            range: (_, __, largest) => {
              const { least, most } = latest.current;
              return [0, Math.min(most, Math.max(least, (largest ?? 0) * 1.1))];
            },
          },
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
            values: (_, splits) => timeLabels(splits),
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
          ...shape.split('\n').map((line) => {
            const ink = () => colour(line.split('|')[1] ?? '--ink');
            return {
              stroke: ink,
              width: 1.5,
              points: { show: true, size: 6, width: 1, stroke: ink, fill: ink, filter: isolatedPoints },
              spanGaps: false,
            };
          }),
        ],
        hooks: { setCursor: [(self) => latest.current.onHover(self.cursor.idx ?? undefined)] },
      },
      dataNow.current,
      element,
    );
    plot.current = created;
    const size = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: CHART_HEIGHT_PX }));
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

  return <div ref={host} aria-hidden style={{ height: CHART_HEIGHT_PX }} />;
}

/** Points without a neighbour: no line is drawn through them. */
function isolatedPoints(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const isMissing = (index: number) => values[index] === null || values[index] === undefined;
  return [...values.keys()].filter((index) => !isMissing(index) && isMissing(index - 1) && isMissing(index + 1));
}

/** `14:03`, with seconds if the labels are less than a minute apart. */
function timeLabels(splits: readonly number[]): string[] {
  const [first = 0, second = first + 60] = splits;
  const length = second - first < 60 ? '00:00:00'.length : '00:00'.length;
  return splits.map((split) => formatClockTime(split * 1000).slice(0, length));
}

/** A moment without values stands before a lone point, which uPlot does not draw. */
function alignedData(times: readonly number[], lines: readonly ChartLine[], windowMs: number): uPlot.AlignedData {
  const [only] = times;
  const isLone = only !== undefined && times.length === 1;
  const moments = isLone ? [only - windowMs, only] : times;
  return [
    moments.map((time) => time / 1000),
    ...lines.map((line) => (isLone ? [null, ...line.values] : [...line.values])),
  ];
}

/**
 * A canvas knows neither `var()` nor `light-dark()`: the browser resolves the colour on an
 * element.
 */
function resolveColour(host: HTMLElement, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
