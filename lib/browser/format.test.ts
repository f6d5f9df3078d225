import { describe, expect, it } from 'vitest';
import {
  dayGroup,
  formatApproximate,
  formatBytes,
  formatCount,
  formatDuration,
  formatLatency,
  formatPercent,
  formatPercentage,
  formatRate,
  formatSeconds,
} from '#lib/browser/format';

describe('durations', () => {
  it.each([
    [0, '0 ms'],
    [819.6, '820 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [3_240, '3.2 s'],
    [9_940, '9.9 s'],
    [9_960, '10 s'],
    [59_499, '59 s'],
    [59_500, '1 min'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [3_840_000, '1 h 4 min'],
    [200_000_000, '2 days 7 h'],
  ])('formats %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('formats whole seconds', () => {
    expect(formatSeconds(400)).toBe('less than a second');
    expect(formatSeconds(3_400)).toBe('3 s');
  });

  it.each([
    [1_000, 'a few seconds'],
    [38_000, 'about 40 s'],
    [57_000, 'about 55 s'],
    [58_000, 'about 1 min'],
    [80_000, 'about 1.5 min'],
    [590_000, 'about 10 min'],
    [1_234_000, 'about 21 min'],
  ])('approximates %d ms as %s', (ms, text) => expect(formatApproximate(ms)).toBe(text));
});

describe('amounts', () => {
  it.each([
    [0, '0 B'],
    [312, '312 B'],
    [1_023, '1023 B'],
    [4_608, '4.5 KB'],
    [128 * 1024 * 1024, '128 MB'],
    [1024 ** 3 - 1, '1 GB'],
  ])('formats %d bytes as %s', (value, text) => expect(formatBytes(value)).toBe(text));

  it.each([
    [0, '0'],
    [9.96, '10'],
    [3.14, '3.1'],
    [12_345.4, '12,345'],
    [1_234_567, '1,234,567'],
    [Number.NaN, '–'],
  ])('formats the count %d as %s', (value, text) => expect(formatCount(value)).toBe(text));

  it.each([
    [0, '0%'],
    [0.0312, '3.1%'],
    [0.425, '43%'],
    [1, '100%'],
  ])('formats the fraction %d as %s', (value, text) => expect(formatPercent(value)).toBe(text));
});

it('groups by local days', () => {
  const now = new Date(2026, 4, 20, 0, 30).getTime();
  expect(dayGroup(new Date(2026, 4, 20, 0, 1).getTime(), now)).toBe('Today');
  expect(dayGroup(new Date(2026, 4, 19, 23, 59).getTime(), now)).toBe('Yesterday');
  expect(dayGroup(new Date(2026, 4, 14, 12, 0).getTime(), now)).toBe('Previous 7 days');
  expect(dayGroup(new Date(2026, 3, 1).getTime(), now)).toBe('Older');
});

it('formatLatency has a decimal below 10 ms', () => {
  expect([0.42, 3, 12.4, 1500].map(formatLatency)).toEqual(['0.4 ms', '3 ms', '12 ms', '1.5 s']);
});

it('formatRate keeps two digits of what is rare', () => {
  expect([0, 0.033, 0.1, 0.456, 1.25, 12.4, 12_345].map(formatRate)).toEqual([
    ...['0/s', '0.033/s', '0.1/s', '0.46/s', '1.3/s', '12/s', '12,345/s'],
  ]);
});

it('formatPercentage has a decimal below 10', () => {
  expect([0, 0.44, 3, 42.4].map(formatPercentage)).toEqual(['0%', '0.4%', '3%', '42%']);
});
