export interface ChartLine {
  name: string;
  /** A colour token, the same for the same thing everywhere: `--accent`. */
  colour: string;
  values: readonly (number | null)[];
}

export interface ChartProps {
  title: string;
  /** Milliseconds since the epoch, one for each value. */
  times: readonly number[];
  lines: readonly ChartLine[];
  /** How a value reads, with its unit. */
  format: (value: number) => string;
  /** The scale reaches at least to here, so that nothing looks like much. */
  least: number;
}

export const CHART_HEIGHT_PX = 176;
