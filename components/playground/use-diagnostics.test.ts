import { expect, test } from 'vitest';
import { ApiError } from '#lib/browser/api-client';
import { delayBeforeCheck, pauseAfterError, problemsOf } from './use-diagnostics.ts';

test('waits after the last key and at least five seconds between checks', () => {
  expect(delayBeforeCheck(1_000, Number.NEGATIVE_INFINITY, 0)).toBe(700);
  expect(delayBeforeCheck(10_000, 9_000, 0)).toBe(4_000);
  expect(delayBeforeCheck(20_000, 9_000, 0)).toBe(700);
  expect(delayBeforeCheck(20_000, 9_000, 30_000)).toBe(10_000);
});

test('waits for the retry-after of the server, and long after a missing route', () => {
  expect(pauseAfterError(new ApiError('slow down', 429, 'rate_limited', 12))).toBe(12_000);
  expect(pauseAfterError(new ApiError('no', 404, 'not_found'))).toBeGreaterThan(60_000);
  expect(pauseAfterError(new ApiError('no', 0, 'unreachable'))).toBe(5_000);
  expect(pauseAfterError(new Error('?'))).toBe(5_000);
});

test('sorts errors and warnings by line', () => {
  const at = (line: number, column: number) => ({ line, column, message: 'm' });
  const found = problemsOf({ isValid: false, errors: [at(5, 1), at(2, 9)], warnings: [at(2, 3)] });
  expect(found.map(({ severity, line, column }) => [severity, line, column])).toEqual([
    ['warning', 2, 3],
    ['error', 2, 9],
    ['error', 5, 1],
  ]);
});
