import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readConfig } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { member } from '#lib/http/principal';
import { type Allowance, installRequestLimits } from '#lib/http/request-limits';
import { runWithinLimits } from '#lib/runner/http/run-within-limits';

/** CPU time that was counted, in milliseconds. */
let spent: number[];
let open: number;
const ANN = member('user:ann', {});
const SETTINGS = readConfig({ CODE_TIMEOUT_SECONDS: '5', CODE_COMPILE_TIMEOUT_SECONDS: '20' });
const CANCELLED = new AppError('cancelled', 'The run was cancelled.');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
  spent = [];
  open = 0;
  const allowance: Allowance = {
    contextTokens: undefined,
    outputTokens: undefined,
    load: () => undefined,
    count: () => {},
    uncount: () => {},
    enter: () => {
      open += 1;
      return () => {
        open -= 1;
      };
    },
    overrun: () => undefined,
    spendTokens: () => {},
    spendCpu: (ms) => spent.push(ms),
  };
  installRequestLimits({ allowanceOf: () => allowance });
});
afterEach(() => {
  installRequestLimits(undefined);
  vi.useRealTimers();
});

async function cancelledAfter(ms: number, program: { language: 'python' | 'c'; timeout?: number }): Promise<void> {
  const run = runWithinLimits(ANN, program, SETTINGS, async (onStart) => {
    onStart();
    await new Promise((resolve) => setTimeout(resolve, ms));
    throw CANCELLED;
  });
  const ended = expect(run).rejects.toBe(CANCELLED);
  await vi.advanceTimersByTimeAsync(ms);
  await ended;
}

it('counts the duration of a run that is cancelled after it began', async () => {
  await cancelledAfter(3_000, { language: 'python' });
  expect([spent, open]).toEqual([[3_000], 0]);
});

it.each([
  [{ language: 'python' }, 5_000],
  [{ language: 'python', timeout: 8 }, 8_000],
  [{ language: 'c', timeout: 8 }, 28_000],
] as const)('counts no more of %o than it may take', async (program, most) => {
  await cancelledAfter(60_000, program);
  expect(spent).toEqual([most]);
});

it('counts nothing of a run that never began', async () => {
  const run = runWithinLimits(ANN, { language: 'python' }, SETTINGS, () => Promise.reject(CANCELLED));
  await expect(run).rejects.toBe(CANCELLED);
  expect([spent, open]).toEqual([[], 0]);
});
