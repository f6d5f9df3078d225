/** Rows of the table about streams of several servers. */
import type { Verdict } from '../harness.ts';
import { median, medianDifference, medianRatio } from '../rounds.ts';
import { percent } from './comparison.ts';

/** What readers got in a time window, and what that took. */
export interface Flow {
  tokensPerSecond: number;
  /** Delay of a token. */
  p50Ms: number;
  p99Ms: number;
  /** Processor time of all servers for a token that a reader got. */
  usPerToken: number;
  redisMsPerSecond: number;
}

export interface StreamMeasurement {
  method: string;
  rows: string[][];
  verdicts: Verdict[];
}

export const FLOW_COLUMNS = [
  '',
  'tokens/s',
  'of the limit',
  'delay p50 (ms)',
  'p99 (ms)',
  'added p50 (ms)',
  'added p99 (ms)',
  'CPU of the servers per token (µs)',
  'CPU of Redis (ms a second)',
] as const;

/** A row of medians over the rounds, next to the rounds of its limit. */
export function flowRow(name: string, flows: readonly Flow[], limits?: readonly Flow[]): string[] {
  const of = (some: readonly Flow[], field: keyof Flow) => some.map((flow) => flow[field]);
  const typical = (field: keyof Flow) => median(of(flows, field));
  const added = (field: keyof Flow) =>
    limits === undefined ? '' : medianDifference(of(flows, field), of(limits, field)).toFixed(1);
  return [
    name,
    typical('tokensPerSecond').toFixed(0),
    limits === undefined ? '' : percent(medianRatio(of(flows, 'tokensPerSecond'), of(limits, 'tokensPerSecond'))),
    typical('p50Ms').toFixed(1),
    typical('p99Ms').toFixed(1),
    added('p50Ms'),
    added('p99Ms'),
    typical('usPerToken').toFixed(1),
    typical('redisMsPerSecond').toFixed(1),
  ];
}

/** The value below which a share of all lies. Not a number without values. */
export function shareOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
