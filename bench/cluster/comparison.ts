/** Rows of the table about servers that share a Redis: a figure, and the one it is held against. */
import type { RedisServer } from '../../test/support/redis.ts';
import type { Verdict } from '../harness.ts';

export interface Comparison {
  name: string;
  against: string;
  /** Of what it is held against. */
  limit: string;
  value: string;
  /** The median over the rounds of the ratios or differences. */
  change: string;
  /** Processor time of the servers per request in microseconds, there and here. */
  limitUs?: number;
  us?: number;
  /** The same of Redis, here. */
  redisUs?: number;
}

export interface Measurement {
  /** What was done, in a sentence or two. */
  method: string;
  rows: Comparison[];
  verdicts: Verdict[];
}

/** One measurement of the table. Each has another Redis. */
export interface Part {
  name: string;
  measure: (redis: RedisServer) => Promise<Measurement>;
}

export const COMPARISON_COLUMNS = [
  '',
  'held against',
  'there',
  'here',
  'change',
  'CPU per request there (µs)',
  'here (µs)',
  'of Redis (µs)',
] as const;

export function comparisonRow({ name, against, limit, value, change, ...costs }: Comparison): string[] {
  const us = (cost: number | undefined) => (cost === undefined ? '' : cost.toFixed(0));
  return [name, against, limit, value, change, us(costs.limitUs), us(costs.us), us(costs.redisUs)];
}

export const ms = (value: number) => `${value.toFixed(2)} ms`;
export const addedMs = (value: number) => `${value < 0 ? '−' : '+'} ${Math.abs(value).toFixed(2)} ms`;
export const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`;

/** Whether `value`, in ms, is at most `limit`. */
export function atMostMs(goal: string, value: number, limit: number, shown = ms): Verdict {
  return { goal: `${goal} ≤ ${limit} ms`, result: shown(value), met: value <= limit };
}
