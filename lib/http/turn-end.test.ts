import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { atPieceEnd, atTurnEnd } from '#lib/http/turn-end';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the end of a turn', () => {
  it('serves new connections between every 256 tasks', async () => {
    const order: string[] = [];
    for (let count = 0; count < 300; count++) atTurnEnd(() => order.push('task'));
    setImmediate(() => order.push('other'));
    await vi.runAllTimersAsync();
    expect([order.indexOf('other'), order.length]).toEqual([256, 301]);
  });

  it('has a first piece at once, and the next ones 4 ms after the last of the same reader', async () => {
    const written: [reader: string, ms: number][] = [];
    const startMs = performance.now();
    const write = (reader: string) => () => void written.push([reader, performance.now() - startMs]);
    atPieceEnd(write('a'), Number.NEGATIVE_INFINITY);
    await vi.advanceTimersByTimeAsync(1);
    atPieceEnd(write('a'), startMs);
    atPieceEnd(write('b'), Number.NEGATIVE_INFINITY);
    atPieceEnd(write('c'), startMs + 1);
    await vi.advanceTimersByTimeAsync(10);
    expect(written.map(([reader]) => reader)).toEqual(['a', 'b', 'a', 'c']);
    const [first, second, third] = written.map(([, ms]) => ms);
    expect([first, second]).toEqual([0, 1]);
    expect(third).toBeGreaterThanOrEqual(3);
    expect(third).toBeLessThanOrEqual(5);
  });
});
