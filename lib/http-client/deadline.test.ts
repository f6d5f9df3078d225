import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadline } from '#lib/http-client/deadline';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched() {
  const reached: number[] = [];
  const startMs = performance.now();
  return { reached, deadline: new Deadline(() => reached.push(performance.now() - startMs)) };
}

describe('a deadline', () => {
  it('is reached once, on time', () => {
    const { reached, deadline } = watched();
    deadline.set(100);
    vi.advanceTimersByTime(1_000);
    expect(reached).toEqual([100]);
  });

  it('that is infinite is never reached, and ends one that is set', () => {
    const { reached, deadline } = watched();
    deadline.set(100);
    deadline.set(Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(1_000);
    expect([reached, vi.getTimerCount()]).toEqual([[], 0]);
    deadline.set(100);
    vi.advanceTimersByTime(1_000);
    expect(reached).toHaveLength(1);
  });

  it('can be moved later and earlier any number of times', () => {
    const { reached, deadline } = watched();
    deadline.set(100);
    vi.advanceTimersByTime(90);
    deadline.set(100);
    vi.advanceTimersByTime(90);
    deadline.set(1_000);
    deadline.set(50);
    vi.advanceTimersByTime(1_000);
    expect(reached).toEqual([230]);
    deadline.set(10);
    vi.advanceTimersByTime(1_000);
    expect(reached).toEqual([230, 1_190]);
  });

  it('can be cleared and set again', () => {
    const { reached, deadline } = watched();
    deadline.set(100);
    deadline.clear();
    vi.advanceTimersByTime(1_000);
    deadline.set(100);
    vi.advanceTimersByTime(1_000);
    expect(reached).toEqual([1_100]);
  });

  it('uses one timer, and none once it is closed', () => {
    const { reached, deadline } = watched();
    for (let count = 0; count < 50; count++) {
      deadline.set(100);
      vi.advanceTimersByTime(1);
    }
    expect(vi.getTimerCount()).toBe(1);
    deadline.close();
    expect(vi.getTimerCount()).toBe(0);
    deadline.set(100);
    vi.advanceTimersByTime(1_000);
    expect(reached).toEqual([]);
  });
});
