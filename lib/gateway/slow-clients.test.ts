import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type ClientTransfer, SlowClients, Stopwatch } from '#lib/gateway/slow-clients';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A client with a constant rate that is waited for during `share` of the time. */
function transfer(bytesPerSecond: number, share = 1): ClientTransfer & { endedAtMs: number | undefined } {
  const startMs = performance.now();
  return {
    graceMs: 5_000,
    endedAtMs: undefined,
    get movedBytes() {
      return ((performance.now() - startMs) / 1000) * bytesPerSecond;
    },
    waitedMs: (nowMs) => (nowMs - startMs) * share,
    onTooSlow() {
      this.endedAtMs = performance.now() - startMs;
    },
  };
}

it('ends transfers below the minimum rate after their grace period, and no others', () => {
  const slowClients = new SlowClients(240);
  const all = [transfer(0), transfer(239), transfer(241), transfer(200, 0.5)];
  const left = transfer(0);
  for (const one of [...all, left]) slowClients.watch(one);
  slowClients.unwatch(left);
  vi.advanceTimersByTime(60_000);
  expect([...all, left].map(({ endedAtMs }) => endedAtMs)).toEqual([5_000, 5_000, undefined, undefined, undefined]);
  slowClients.close();
});

it('ends no transfer without a limit, and has no timer without transfers', () => {
  const none = new SlowClients(0);
  const idle = transfer(0);
  none.watch(idle);
  expect(vi.getTimerCount()).toBe(0);
  const slowClients = new SlowClients(240);
  slowClients.watch(idle);
  slowClients.unwatch(idle);
  vi.advanceTimersByTime(60_000);
  expect([idle.endedAtMs, vi.getTimerCount()]).toEqual([undefined, 0]);
});

it('a stopwatch counts only the time in which it runs', () => {
  const watch = new Stopwatch();
  watch.start(100);
  watch.start(150);
  watch.stop(300);
  watch.stop(400);
  watch.start(1_000);
  expect([watch.elapsedMs(1_000), watch.elapsedMs(1_050)]).toEqual([200, 250]);
});
