import { describe, expect, it } from 'vitest';
import { type BackendLoad, chooseBackend } from '#lib/gateway/load-balancer';

const backend = (pending: number, isDown = false): BackendLoad => ({ pending, isDown });

/** Returns `numbers` in turn, repeatedly. */
function sequence(...numbers: number[]): () => number {
  let at = 0;
  return () => numbers[at++ % numbers.length] ?? 0;
}

describe('chooseBackend', () => {
  it('returns the less busy of two different random backends', () => {
    const [a, b, c] = [backend(5), backend(1), backend(0)];
    expect(chooseBackend([a, b, c], sequence(0, 0))).toBe(b);
    expect(chooseBackend([a, b, c], sequence(0, 0.99))).toBe(c);
    for (const first of [0, 0.4, 0.99])
      for (const second of [0, 0.4, 0.99]) expect(chooseBackend([a, c], sequence(first, second))).toBe(c);
  });

  it('skips backends that are down, unless all are', () => {
    const [down, busy] = [backend(0, true), backend(9)];
    expect(chooseBackend([down, busy], Math.random)).toBe(busy);
    expect(chooseBackend([down, backend(0, true)], Math.random)).toBeDefined();
    expect(chooseBackend([down], Math.random)).toBe(down);
  });

  it('never returns a backend that was tried', () => {
    const [a, b] = [backend(0), backend(0, true)];
    expect(chooseBackend([a, b], Math.random, new Set([a]))).toBe(b);
    expect(chooseBackend([a, b], Math.random, new Set([a, b]))).toBeUndefined();
    expect(chooseBackend([a], Math.random, new Set([a]))).toBeUndefined();
    expect(chooseBackend([], Math.random)).toBeUndefined();
  });

  it('returns equally busy backends equally often', () => {
    const backends = [backend(0), backend(0), backend(0)];
    const counts = new Map<BackendLoad | undefined, number>();
    for (let first = 0; first < 1; first += 0.1)
      for (let second = 0; second < 1; second += 0.1) {
        const chosen = chooseBackend(backends, sequence(first, second));
        counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
      }
    for (const one of backends) expect(counts.get(one)).toBeGreaterThan(20);
  });
});
