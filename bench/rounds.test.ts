import { describe, expect, it } from 'vitest';
import { measureInTurn, median, medianDifference, medianRatio } from './rounds.ts';

describe('measureInTurn', () => {
  it('begins each round with another contender and drops the round to warm up', async () => {
    const order: string[] = [];
    const results = await measureInTurn(
      ['a', 'b', 'c'],
      9,
      (contender, isWarmUp) => {
        order.push(isWarmUp ? contender.toUpperCase() : contender);
        return order.length;
      },
      { count: 2 },
    );
    expect(order.join('')).toBe('ABCbcacab');
    expect(results).toEqual([
      [6, 8],
      [4, 9],
      [5, 7],
    ]);
  });
});

describe('measureInTurn without a round to warm up', () => {
  it('keeps every result', async () => {
    const warm: boolean[] = [];
    const results = await measureInTurn(['a'], 9, (_, isWarmUp) => warm.push(isWarmUp), { count: 2, warmUp: false });
    expect(warm).toEqual([false, false]);
    expect(results).toEqual([[1, 2]]);
  });
});

describe('medians', () => {
  it('takes ratios and differences within a round', () => {
    expect(medianRatio([10, 200, 30], [10, 100, 10])).toBe(2);
    expect(medianDifference([10, 200, 30], [10, 100, 10])).toBe(20);
  });

  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 7])).toBe(6);
  });
});
