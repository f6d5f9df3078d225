'use client';

import 'uplot/dist/uPlot.min.css';
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import { formatClockTime } from '#lib/browser/format';
import { CHART_HEIGHT_PX, type ChartLine, type ChartProps } from './chart-props.ts';

interface ChartCanvasProps extends Omit<ChartProps, 'title'> {
  /** Index of the value under the pointer, if any. */
  onHover: (index: number | undefined) => void;
}

const LEAST_WINDOW_SECONDS = 120;
const FONT = '12px Geist, sans-serif';

/** The lines of a chart, drawn with uPlot at the width of the container. */
export default function ChartCanvas({ times, lines, format, least, onHover }: ChartCanvasProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const latest = useRef({ format, least, onHover });
  useEffect(() => {
    latest.current = { format, least, onHover };
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
        height: CHART_HEIGHT_PX,
        padding: [8, 30, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
        scales: {
          // At least two minutes wide, so that a single sample does not get a scale of years.
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
            values: (_, splits) => splits.map((split) => formatClockTime(split * 1000)),
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

function alignedData(times: readonly number[], lines: readonly ChartLine[]): uPlot.AlignedData {
  return [times.map((time) => time / 1000), ...lines.map((line) => [...line.values])];
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
