import { describe, expect, it } from 'vitest';
import { firstRange, grown, including, nextStep } from './use-growing-range.ts';

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
    range = grown(range, 20, 2);
    steps.push(`${range.start}-${range.end ?? 'end'}`);
  }
  expect(steps).toEqual(['7-19', '7-end', '5-end', '3-end', '1-end', '-1-end', '-3-end', '-5-end']);
});

it('takes larger steps while they are short, and small ones on a slow device', () => {
  const after = (times: number[]) => times.reduce((turns, tookMs) => nextStep(turns, tookMs), 2);
  expect(after([4])).toBe(4);
  expect(after([4, 4, 4, 4, 4])).toBe(8);
  expect(after([4, 12, 12])).toBe(4);
  expect(after([4, 4, 30])).toBe(4);
  expect(after([60, 60])).toBe(2);
});
