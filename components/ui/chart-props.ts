import { STATS_STRINGS } from './strings.ts';

export interface ChartLine {
  name: string;
  /** A colour token, the same for the same quantity on all pages: `--accent`. */
  colour: string;
  values: readonly (number | null)[];
}

export interface ChartProps {
  title: string;
  /** Milliseconds since the epoch, one per value. */
  times: readonly number[];
  lines: readonly ChartLine[];
  /** Formats a value with its unit. */
  format: (value: number) => string;
  /** The time axis ends at the newest value and is this long. */
  windowMs: number;
  /** The scale reaches at least this value, so that noise stays small. */
  least: number;
  /** The largest value that there can be. */
  most?: number;
  /** Shown while no value is above zero: why the chart is empty. */
  empty?: string | undefined;
  /** Draws all lines in grey: the values are old. */
  isStale?: boolean;
}

/** A chart without what all charts of a page share. */
export type ChartSpec = Omit<ChartProps, 'times' | 'windowMs' | 'isStale'>;

export function percentileLines(p50: ChartLine['values'], p95: ChartLine['values']): ChartLine[] {
  return [
    { name: STATS_STRINGS.p50, colour: '--accent', values: p50 },
    { name: STATS_STRINGS.p95, colour: '--warn', values: p95 },
  ];
}

export const CHART_HEIGHT_PX = 168;
