import { expect, it } from 'vitest';
import { FLOW_COLUMNS, flowRow, shareOf } from './stream-rows.ts';

const flow = (tokensPerSecond: number, p50Ms: number) => ({
  ...{ tokensPerSecond, p50Ms, p99Ms: 2 * p50Ms, usPerToken: 20, redisMsPerSecond: 30 },
});

it('shows the medians of the ratios and differences of each round', () => {
  const limits = [flow(1_000, 1), flow(2_000, 2), flow(4_000, 3)];
  const flows = [flow(990, 4), flow(1_960, 7), flow(4_000, 5)];
  expect(flowRow('here', flows, limits)).toEqual([
    ...['here', '1960', '99.0 %', '5.0', '10.0', '3.0', '6.0', '20.0', '30.0'],
  ]);
});

it('leaves the columns of a comparison empty for the limit', () => {
  const row = flowRow('limit', [flow(1_000, 1)]);
  expect(row).toHaveLength(FLOW_COLUMNS.length);
  expect([row[2], row[5], row[6]]).toEqual(['', '', '']);
});

it('finds the value below which a share lies, whatever the order', () => {
  const values = Array.from({ length: 100 }, (_, index) => 99 - index);
  expect([shareOf(values, 0.5), shareOf(values, 0.99), shareOf(values, 1)]).toEqual([50, 99, 99]);
  expect(shareOf([], 0.5)).toBeNaN();
});
