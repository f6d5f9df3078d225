import { describe, expect, it } from 'vitest';
import { WaitEstimator } from '#lib/chat/scheduler/wait-estimator';

describe('WaitEstimator', () => {
  it('estimates from the model’s own runs, from the setting until there is one', () => {
    const times = new WaitEstimator(30_000);
    expect([times.averageMs, times.estimateMs('m', 2, 1), times.estimateMs('m', 3, 2)]).toEqual([
      30_000, 60_000, 60_000,
    ]);
    times.add('m', 1_000);
    times.add('m', 2_000);
    times.add('slow', 10_000);
    expect([times.estimateMs('m', 2, 1), times.estimateMs('slow', 1, 1), times.estimateMs('new', 1, 1)]).toEqual([
      2_400, 10_000, 30_000,
    ]);
    expect(times.averageMs).toBeCloseTo(2_960);
    expect(times.estimateMs('m', 0, 1)).toBe(0);
  });

  it('does not grow with the number of model names', () => {
    const times = new WaitEstimator(5);
    for (let n = 0; n < 1_000; n += 1) times.add(`m${n}`, n + 1);
    expect([times.estimateMs('m0', 1, 1), times.estimateMs('m999', 1, 1)]).toEqual([5, 1_000]);
  });
});
