import { describe, expect, it } from 'vitest';
import { appendSample } from './use-sampled-stats.ts';

describe('appendSample', () => {
  it('appends in order and evicts the oldest above the maximum', () => {
    let samples: readonly { at: number }[] = [];
    for (let at = 1; at <= 1_000; at += 1) samples = appendSample(samples, { at });
    expect(samples).toHaveLength(900);
    expect(samples[0]?.at).toBe(101);
    expect(samples.at(-1)?.at).toBe(1_000);
  });

  it('ignores a repeated moment and restarts when the clock goes back', () => {
    const two = [{ at: 1 }, { at: 2 }];
    expect(appendSample(two, { at: 2 })).toBe(two);
    expect(appendSample(two, { at: 1 })).toEqual([{ at: 1 }]);
  });
});
