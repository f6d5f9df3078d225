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

export const CHART_HEIGHT_PX = 168;
