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
  /** The scale reaches at least this value, so that noise stays small. */
  least: number;
}

export const CHART_HEIGHT_PX = 176;
