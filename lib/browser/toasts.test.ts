import { expect, it } from 'vitest';
import { toastTimeoutMs } from './toasts.ts';

const action = { label: 'Undo', run: () => undefined };

it('offers the button of a toast for at least 20 s, and a text for less', () => {
  expect(toastTimeoutMs({ action })).toBeGreaterThanOrEqual(20_000);
  expect(toastTimeoutMs({})).toBeLessThan(10_000);
});

it('keeps to the time that a caller names', () => {
  expect(toastTimeoutMs({ action, timeoutMs: 0 })).toBe(0);
  expect(toastTimeoutMs({ timeoutMs: 12_000 })).toBe(12_000);
});
