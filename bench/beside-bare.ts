/** Loads of ours next to those of a bare node:http server: columns, rows and verdicts. */
import type { Verdict } from './harness.ts';
import type { MeasuredLoad } from './load.ts';
import { median, medianRatio } from './rounds.ts';

export interface BesideBare {
  name: string;
  /** A load for each round, as in `bare`. */
  ours: readonly MeasuredLoad[];
  bare: readonly MeasuredLoad[];
  memoryMb: number;
}

export const BESIDE_BARE_COLUMNS: readonly string[] = [
  ...['', 'requests/s', 'bare', 'of bare', 'CPU (µs)', 'bare CPU (µs)', 'of bare, per core', 'p99 (ms)', 'memory (MB)'],
];

export function besideBareRow({ name, ours, bare, memoryMb }: BesideBare): string[] {
  const of = (loads: readonly MeasuredLoad[], field: keyof MeasuredLoad) => median(fieldOf(loads, field));
  const { share, perCore } = ratios(ours, bare);
  return [
    name,
    of(ours, 'requestsPerSecond').toFixed(0),
    of(bare, 'requestsPerSecond').toFixed(0),
    percent(share),
    of(ours, 'usPerRequest').toFixed(0),
    of(bare, 'usPerRequest').toFixed(0),
    percent(perCore),
    of(ours, 'p99Ms').toFixed(1),
    memoryMb.toFixed(0),
  ];
}

/** `goal`: the least share of the bare server's requests. */
export function besideBareVerdict({ name, ours, bare }: BesideBare, goal: number): Verdict {
  const { share, perCore } = ratios(ours, bare);
  return {
    goal: `${name}: ≥ ${goal * 100} % of bare`,
    result: `${percent(share)}; per core ${percent(perCore)}`,
    met: share >= goal,
  };
}

function ratios(ours: readonly MeasuredLoad[], bare: readonly MeasuredLoad[]): { share: number; perCore: number } {
  return {
    share: medianRatio(fieldOf(ours, 'requestsPerSecond'), fieldOf(bare, 'requestsPerSecond')),
    perCore: medianRatio(fieldOf(bare, 'usPerRequest'), fieldOf(ours, 'usPerRequest')),
  };
}

const fieldOf = (loads: readonly MeasuredLoad[], field: keyof MeasuredLoad) => loads.map((load) => load[field]);
const percent = (ratio: number) => `${(ratio * 100).toFixed(0)} %`;
