import { describe, expect, it } from 'vitest';
import { durationMs } from '#lib/wire/keep-alive';

describe('durationMs', () => {
  it.each<[keepAlive: number | string, ms: number | undefined]>([
    [0, 0],
    [0.5, 500],
    [60, 60_000],
    [-1, Number.POSITIVE_INFINITY],
    ['0', 0],
    ['-0', 0],
    ['0s', 0],
    ['-0s', 0],
    ['+0.0s', 0],
    ['0h0m', 0],
    ['.0s', 0],
    ['0.s', 0],
    ['0.1ns', 0],
    ['-0.1ns', 0],
    ['1ns', 1e-6],
    ['1us', 1e-3],
    ['1µs', 1e-3],
    ['1μs', 1e-3],
    ['1.5ms', 1.5],
    ['1h30m', 5_400_000],
    ['1m1ms', 60_001],
    ['+5m', 300_000],
    ['-1s', Number.POSITIVE_INFINITY],
    ['', undefined],
    ['60', undefined],
    ['5 m', undefined],
    ['.s', undefined],
    ['1d', undefined],
    ['1h-1m', undefined],
    ['0x1s', undefined],
  ])('reads %j as %s ms', (keepAlive, ms) => expect(durationMs(keepAlive)).toBe(ms));
});
