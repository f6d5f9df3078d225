import { TimeSeries, type TimeSeriesSize } from '#lib/telemetry/time-series';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#lib/units';
import type { HistoryRange } from '#lib/wire/stats-history';

/** An hour, and a day at a coarser step. */
export const FINE: TimeSeriesSize = { stepMs: 10 * SECOND_MS, capacity: HOUR_MS / (10 * SECOND_MS) };
export const COARSE: TimeSeriesSize = { stepMs: 5 * MINUTE_MS, capacity: (24 * HOUR_MS) / (5 * MINUTE_MS) };

const RANGES: Record<HistoryRange, { resolution: 'fine' | 'coarse'; limit: number }> = {
  '5m': { resolution: 'fine', limit: (5 * MINUTE_MS) / FINE.stepMs },
  '1h': { resolution: 'fine', limit: FINE.capacity },
  '24h': { resolution: 'coarse', limit: COARSE.capacity },
};

/** An interval that has just begun says little about rates. */
const MIN_PARTIAL_MS = 2 * SECOND_MS;

type Point<Field extends string> = Record<Field, number>;

/** Where a recorder gets its figures: counters since the start of the process, and gauges. */
export interface SeriesSource<Reading, Field extends string> {
  readonly fields: readonly Field[];
  /** Fields whose largest value stands for an interval of the coarse series. */
  readonly peaks: readonly Field[];
  read(): Reading;
  /** The interval between two readings. NaN without a measurement. */
  point(before: Reading, after: Reading, seconds: number): Point<Field>;
}

export interface RecordedSeries<Field extends string> {
  stepMs: number;
  /** Milliseconds since the epoch. */
  points: { at: number; point: Point<Field> }[];
  /** The last point at or before it is complete; a later one is of the interval in progress. */
  completeUntil: number;
}

/**
 * Turns readings at equal intervals into two time series of the same fields. The first interval
 * begins with the recorder.
 */
export class SeriesRecorder<Reading, Field extends string> {
  readonly #source: SeriesSource<Reading, Field>;
  readonly #fine: Resolution<Reading, Field>;
  readonly #coarse: Resolution<Reading, Field>;

  constructor(source: SeriesSource<Reading, Field>, now: number) {
    this.#source = source;
    const start = { at: now, reading: source.read() };
    this.#fine = { size: FINE, series: new TimeSeries(source.fields, FINE), last: start, peaks: {} };
    this.#coarse = { size: COARSE, series: new TimeSeries(source.fields, COARSE), last: start, peaks: {} };
  }

  /** Call it at each whole multiple of the fine step. */
  record(now: number): void {
    const reading = this.#source.read();
    this.#close(this.#fine, now, reading);
    const isCoarseEnd = Math.round(now / FINE.stepMs) % (COARSE.stepMs / FINE.stepMs) === 0;
    const isOverdue = now - this.#coarse.last.at > 1.5 * COARSE.stepMs;
    if (isCoarseEnd || isOverdue || now < this.#coarse.last.at) this.#close(this.#coarse, now, reading);
  }

  /** The points of a range after `since`, and the interval in progress. */
  series(range: HistoryRange, since: number, now: number): RecordedSeries<Field> {
    const { resolution, limit } = RANGES[range];
    const from = resolution === 'fine' ? this.#fine : this.#coarse;
    const oldest = now - limit * from.size.stepMs;
    const points = from.series.points(Math.max(since, oldest), limit);
    const completeUntil = from.series.newestAt ?? from.last.at;
    if (now - from.last.at >= MIN_PARTIAL_MS && now > completeUntil)
      points.push({ at: now, point: this.#between(from, now, this.#source.read()) });
    return { stepMs: from.size.stepMs, points, completeUntil };
  }

  /** Ends an interval. A very short one, the first or after a late timer, joins the next. */
  #close(resolution: Resolution<Reading, Field>, now: number, reading: Reading): void {
    const { size, last, series } = resolution;
    if (now >= last.at && now - last.at < size.stepMs / 2) return;
    const point = this.#between(resolution, now, reading);
    if (now > last.at) series.add(now, point);
    resolution.last = { at: now, reading };
    resolution.peaks = {};
    if (resolution !== this.#fine) return;
    for (const field of this.#source.peaks)
      this.#coarse.peaks[field] = Math.max(this.#coarse.peaks[field] ?? 0, point[field]);
  }

  #between({ last, peaks }: Resolution<Reading, Field>, now: number, reading: Reading): Point<Field> {
    const point = this.#source.point(last.reading, reading, Math.max(1, now - last.at) / SECOND_MS);
    for (const field of this.#source.peaks) point[field] = Math.max(point[field], peaks[field] ?? 0);
    return point;
  }
}

interface Resolution<Reading, Field extends string> {
  readonly size: TimeSeriesSize;
  readonly series: TimeSeries<Field>;
  /** The end of the last interval. */
  last: { at: number; reading: Reading };
  /** The largest values since then. */
  peaks: Partial<Record<Field, number>>;
}
