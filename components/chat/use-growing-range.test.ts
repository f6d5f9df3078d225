import { describe, expect, it } from 'vitest';
import { firstRange, grown, including } from './use-growing-range.ts';

describe('firstRange', () => {
  it('begins with the end of the conversation', () => {
    expect(firstRange(200, undefined)).toEqual({ start: 196, end: undefined });
    expect(firstRange(2, undefined)).toEqual({ start: 0, end: undefined });
  });

  it('begins around the anchor, and reaches the end if that is near', () => {
    expect(firstRange(200, 50)).toEqual({ start: 48, end: 58 });
    expect(firstRange(200, 0)).toEqual({ start: 0, end: 8 });
    expect(firstRange(200, 195)).toEqual({ start: 193, end: undefined });
  });
});

describe('including', () => {
  it('keeps a range that has the anchor', () => {
    const range = { start: 40, end: 60 };
    expect(including(range, 200, 50)).toBe(range);
  });

  it('extends to an anchor outside, and to the end without one', () => {
    expect(including({ start: 196, end: undefined }, 200, 10)).toEqual({ start: 8, end: undefined });
    expect(including({ start: 40, end: 60 }, 200, 100)).toEqual({ start: 40, end: 108 });
    expect(including({ start: 40, end: 60 }, 200, undefined)).toEqual({ start: 40, end: undefined });
  });
});

it('grows below the anchor to the end, then above it', () => {
  let range = firstRange(20, 9);
  const steps: string[] = [];
  for (let step = 0; step < 8; step++) {
    range = grown(range, 20);
    steps.push(`${range.start}-${range.end ?? 'end'}`);
  }
  expect(steps).toEqual(['7-19', '7-end', '5-end', '3-end', '1-end', '-1-end', '-3-end', '-5-end']);
});
