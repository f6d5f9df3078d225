import { describe, expect, it } from 'vitest';
import type { UsageReportRow } from '#lib/wire/usage';
import { barsOf, formatShort, periodOf, rowName, scaleEnd, sortRows } from './usage-figures.ts';

const ROW: UsageReportRow = {
  requests: 10,
  cached: 4,
  joined: 1,
  prompt_tokens: 100,
  completion_tokens: 50,
  tokens_saved: 60,
  generation_ms: 1000,
  queue_ms: 10,
  errors: 1,
  code_runs: 2,
  code_cpu_ms: 500,
};

describe('the bars', () => {
  it('has one for each day, also for days without a request', () => {
    const bars = barsOf([{ ...ROW, day: '2026-11-28' }], '2026-11-27', '2026-11-29');
    expect(bars.map(({ label, generated, saved }) => [label, generated, saved])).toEqual([
      ['27 Nov', 0, 0],
      ['28 Nov', 150, 60],
      ['29 Nov', 0, 0],
    ]);
  });

  it('adds up weeks of a year', () => {
    const bars = barsOf(
      [
        { ...ROW, day: '2026-01-01' },
        { ...ROW, day: '2026-01-07' },
        { ...ROW, day: '2026-01-08' },
      ],
      '2026-01-01',
      '2026-12-31',
    );
    expect(bars).toHaveLength(53);
    expect(bars[0]).toEqual({ key: '2026-01-01', label: '1 Jan – 7 Jan', generated: 300, saved: 120 });
    expect(bars[1]?.generated).toBe(150);
    expect(bars.at(-1)?.label).toBe('31 Dec');
  });
});

it('asks for whole days up to today', () => {
  expect(periodOf(7, new Date(2026, 10, 29, 0, 30).getTime())).toEqual({ from: '2026-11-23', to: '2026-11-29' });
});

it.each([
  [0, 10],
  [11, 20],
  [20, 20],
  [21, 50],
  [999, 1000],
  [1001, 2000],
])('ends the scale for %d at %d', (most, end) => {
  expect(scaleEnd(most)).toBe(end);
});

it.each([
  [0, '0'],
  [999, '999'],
  [999.7, '1 k'],
  [1500, '1.5 k'],
  [12_345, '12 k'],
  [999_600, '1 M'],
  [3_400_000, '3.4 M'],
  [2_000_000_000, '2 G'],
])('writes %d as %s', (value, text) => {
  expect(formatShort(value)).toBe(text);
});

it('names rows by what they are grouped by, and falls back to the id', () => {
  expect(rowName({ ...ROW, day: '2026-11-29' }, 'day')).toBe('29 Nov');
  expect(rowName({ ...ROW, model: 'qwen3' }, 'model')).toBe('qwen3');
  expect(rowName({ ...ROW, user: 'u1', user_name: 'Ada' }, 'user')).toBe('Ada');
  expect(rowName({ ...ROW, key: 'k1', key_name: null }, 'key')).toBe('k1');
  expect(rowName({ ...ROW, user: '' }, 'user')).toBe('Without an account');
  expect(rowName({ ...ROW, model: '' }, 'model')).toBe('Code runs');
});

it('sorts days from the newest, and other rows by their tokens', () => {
  const days = ['2026-11-01', '2026-11-03', '2026-11-02'].map((day) => ({ ...ROW, day }));
  expect(sortRows(days, 'day').map(({ day }) => day)).toEqual(['2026-11-03', '2026-11-02', '2026-11-01']);
  const models = [
    { ...ROW, model: 'small', prompt_tokens: 1 },
    { ...ROW, model: 'large', prompt_tokens: 9000 },
  ];
  expect(sortRows(models, 'model').map(({ model }) => model)).toEqual(['large', 'small']);
});
