/**
 * Rounds taken in turn, and ratios within a round: a shared machine is slow for seconds at a time.
 */
import { rounds } from './options.ts';

export interface Turns {
  /** In place of what the flags say. */
  count?: number;
  /** False for contenders that start again for each round. */
  warmUp?: boolean;
}

/**
 * Measures all contenders in turn, `usual` times after one round to warm up; each round begins with
 * another contender, because each finds the machine as the one before it left it. Resolves to the
 * results of each contender, a result for each round.
 */
export async function measureInTurn<Contender, Result>(
  contenders: readonly Contender[],
  usual: number,
  measure: (contender: Contender, isWarmUp: boolean) => Result | Promise<Result>,
  { count = rounds(usual), warmUp = true }: Turns = {},
): Promise<Result[][]> {
  const results = contenders.map((): Result[] => []);
  for (let round = warmUp ? -1 : 0; round < count; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (turn + round + 1) % contenders.length;
      const contender = contenders[index];
      if (contender === undefined) continue;
      const result = await measure(contender, round < 0);
      if (round >= 0) results[index]?.push(result);
    }
  }
  return results;
}

/** The median over the rounds of `one / other`. */
export function medianRatio(one: readonly number[], other: readonly number[]): number {
  return median(one.map((value, round) => value / (other[round] ?? Number.NaN)));
}

/** The median over the rounds of `one - other`. */
export function medianDifference(one: readonly number[], other: readonly number[]): number {
  return median(one.map((value, round) => value - (other[round] ?? Number.NaN)));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
