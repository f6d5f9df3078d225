import { expect, it } from 'vitest';
import { ApiError, UNREACHABLE } from '#lib/browser/api-client';
import { CONNECTION_LOST, reconnectDelayMs, SHUTTING_DOWN } from './reconnect.ts';

const lost = new ApiError('', 0, CONNECTION_LOST);

it('waits longer on each attempt and gives up', () => {
  const delays = Array.from({ length: 11 }, (_, attempt) => reconnectDelayMs(lost, attempt, true));
  expect(delays.slice(0, 10)).toEqual([...delays.slice(0, 10)].sort((a, b) => (a ?? 0) - (b ?? 0)));
  expect(delays[0]).toBeLessThan(1_000);
  expect(delays[10]).toBeUndefined();
});

it('retries accepted requests after network failures and stops of the server only', () => {
  expect(reconnectDelayMs(new ApiError('', 0, SHUTTING_DOWN), 0, true)).toBeDefined();
  expect(reconnectDelayMs(new ApiError('', 503, SHUTTING_DOWN), 0, false)).toBeUndefined();
  expect(reconnectDelayMs(new ApiError('', 0, UNREACHABLE), 0, true)).toBeDefined();
  const refused = (reason: string) => new ApiError('', 503, 'queue_full', 2, { reason });
  expect(reconnectDelayMs(refused('elsewhere'), 0, true)).toBeDefined();
  expect(reconnectDelayMs(refused('full'), 0, true)).toBeUndefined();
  expect(reconnectDelayMs(lost, 0, false)).toBeUndefined();
  expect(reconnectDelayMs(new ApiError('', 404, 'not_found'), 0, true)).toBeUndefined();
  expect(reconnectDelayMs(new TypeError('x'), 0, true)).toBeUndefined();
});
