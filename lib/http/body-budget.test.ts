import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { BodyBudget, BodyBuffer, bodyBudget } from '#lib/http/body-budget';
import { resetSingleton } from '#lib/singletons';
import { KIB, MIB } from '#lib/units';

beforeEach(() => resetSingleton('http.body-budget'));

describe('BodyBudget', () => {
  it('never exceeds its total, and always has capacity for one more caller', () => {
    const moves = fc.array(
      fc.record({ caller: fc.constantFrom('a', 'b', 'c'), bytes: fc.integer({ min: 1, max: 400 }) }),
    );
    fc.assert(
      fc.property(moves, (all) => {
        const budget = new BodyBudget(1_000);
        const taken: typeof all = [];
        for (const move of all) if (budget.reserve(move.caller, move.bytes)) taken.push(move);
        const sum = taken.reduce((bytes, move) => bytes + move.bytes, 0);
        expect(budget.usedBytes).toBe(sum);
        expect(sum).toBeLessThanOrEqual(875);
        expect(budget.hasCapacity('new', Math.floor((1_000 - sum) / 2))).toBe(true);
        for (const { caller, bytes } of taken) budget.release(caller, bytes);
        expect(budget.usedBytes).toBe(0);
        expect(budget.reserve('a', 500)).toBe(true);
      }),
    );
  });

  it('grants one caller half, and the next as much as is free then', () => {
    const budget = new BodyBudget(120);
    expect([budget.reserve('a', 60), budget.reserve('a', 1), budget.reserve('b', 30), budget.reserve('b', 1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
});

describe('BodyBuffer', () => {
  it('returns the bytes of all chunks, and counts in the budget until then', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 })), fc.boolean(), (chunks, declares) => {
        const whole = Buffer.concat(chunks);
        const body = new BodyBuffer('a', 100_000, declares ? whole.byteLength : 0);
        for (const chunk of chunks) body.append(chunk);
        expect(bodyBudget().usedBytes).toBeGreaterThanOrEqual(whole.byteLength);
        expect(bodyBudget().usedBytes).toBeLessThanOrEqual(2 * whole.byteLength);
        expect(Buffer.from(body.finish()).equals(whole)).toBe(true);
        body.release();
        expect(bodyBudget().usedBytes).toBe(0);
      }),
    );
  });

  it('stores a body of single bytes in at most twice its size', () => {
    const body = new BodyBuffer('a', MIB, 0);
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 200_000; count++) body.append(Uint8Array.of(1));
    expect(bodyBudget().usedBytes).toBeLessThanOrEqual(400_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(40 * MIB);
    body.release();
  });

  it('rejects a body above its limit or its share, and releases its memory', () => {
    const body = new BodyBuffer('a', 10 * KIB, 0);
    body.append(Buffer.alloc(10 * KIB));
    expect(() => body.append(Buffer.alloc(1))).toThrow(expect.objectContaining({ code: 'body_too_large' }));
    expect(bodyBudget().usedBytes).toBe(0);
    const half = bodyBudget().totalBytes / 2;
    bodyBudget().reserve('a', half - 2 * MIB);
    const next = new BodyBuffer('a', 20 * MIB, 20 * MIB);
    next.append(Buffer.alloc(MIB));
    expect(() => {
      for (;;) next.append(Buffer.alloc(MIB));
    }).toThrow(expect.objectContaining({ code: 'queue_full', retryAfterSeconds: 5 }));
    expect(bodyBudget().usedBytes).toBe(half - 2 * MIB);
  });
});
