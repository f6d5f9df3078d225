import { describe, expect, it } from 'vitest';
import { type SandboxTemplate, WarmPool } from '#lib/runner/pool/warm-pool';
import type { WarmSandbox } from '#lib/runner/sandbox/sandbox';

/** Kinds of sandbox that count what waits in them, and run nothing. */
function counting({ megabytes = 100 } = {}) {
  const alive = new Set<WarmSandbox<string>>();
  const dead = new Set<WarmSandbox<string>>();
  const kind = (name: string, each = 1): SandboxTemplate<string> => ({
    name,
    megabytes: each,
    make: () => {
      const waiting: WarmSandbox<string> = {
        get isAlive() {
          return !dead.has(waiting);
        },
        residentBytes: () => each * 1024,
        run: () => Promise.reject(new Error('it runs nothing')),
        discard: async () => {
          alive.delete(waiting);
        },
      };
      alive.add(waiting);
      return waiting;
    },
  });
  const kill = () => {
    const [one] = alive;
    if (one !== undefined) dead.add(one);
    return one;
  };
  return { pool: new WarmPool({ size: 2, megabytes, idleMs: 60_000 }), alive, kill, kind };
}

describe('WarmPool', () => {
  it('has nothing before the first run, and then as many as it may', () => {
    const { pool, alive, kind } = counting();
    const [python, node] = [kind('Python'), kind('Node')];
    expect(pool.take(python)).toBeUndefined();
    pool.refill(python);
    expect(pool.size).toBe(2);
    const [one, two] = [pool.take(python), pool.take(python)];
    expect(one).toBeDefined();
    expect(two).not.toBe(one);
    expect(pool.take(python)).toBeUndefined();
    expect(pool.take(node)).toBeUndefined();
    pool.refill(python);
    expect(pool.size).toBe(2);
    expect(alive.size).toBe(4);
  });

  it('has twice as many of what asks for it, and knows what has run out', () => {
    const { pool, kind } = counting();
    const python = { ...kind('Python'), isKeptTwice: true };
    expect(pool.isExhausted(python)).toBe(false);
    pool.refill(python);
    expect(pool.size).toBe(4);
    for (let taken = 0; taken < 4; taken++) {
      expect(pool.isExhausted(python)).toBe(false);
      expect(pool.take(python)).toBeDefined();
    }
    expect(pool.isExhausted(python)).toBe(true);
    expect(pool.isExhausted(kind('Node'))).toBe(false);
  });

  it('gives out nothing that has died, and makes up for it', () => {
    const { pool, alive, kill, kind } = counting();
    const python = kind('Python');
    pool.refill(python);
    const dead = kill();
    pool.refill(python);
    expect(pool.size).toBe(2);
    expect(alive.size).toBe(2);
    kill();
    expect(pool.take(python)).not.toBe(dead);
    expect(pool.size).toBe(0);
    expect(alive.size).toBe(1);
  });

  it('holds no more memory than it may: what was asked for last has it', () => {
    const { pool, kind } = counting({ megabytes: 10 });
    const [small, large, huge] = [kind('small', 1), kind('large', 4), kind('huge', 11)];
    pool.refill(small);
    pool.refill(large);
    expect(pool.report(0)).toEqual([
      { name: 'small', waiting: 2, resident_kb: 2 },
      { name: 'large', waiting: 2, resident_kb: 8 },
    ]);
    pool.refill(small);
    const other = kind('other', 3);
    pool.refill(other);
    expect(pool.report(1_000).map(({ name }) => name)).toEqual(['small', 'large']);
    expect(pool.report(10_000).map(({ name }) => name)).toEqual(['small', 'other']);
    pool.refill(huge);
    expect(pool.report(20_000).map(({ name }) => name)).toEqual(['small', 'other']);
  });

  it('has one for each of a few programs, and forgets those that were not asked for as long', () => {
    const { pool, alive, kind } = counting();
    const passing = Array.from({ length: 12 }, (_, index) => ({ ...kind(`program ${index}`), isPassing: true }));
    for (const one of passing) pool.refill(one);
    expect(pool.report(0).map(({ name, waiting }) => `${waiting} ${name}`)).toEqual(
      [4, 5, 6, 7, 8, 9, 10, 11].map((index) => `1 program ${index}`),
    );
    expect(alive.size).toBe(8);
    const [first, last] = [passing[0], passing[11]];
    if (first === undefined || last === undefined) throw new Error('there are twelve');
    expect(pool.take(first)).toBeUndefined();
    expect(pool.take(last)).toBeDefined();
    expect(pool.isExhausted(last)).toBe(false);
  });

  it('makes none where what they are made of is gone', () => {
    const { pool, kind } = counting();
    const gone = { ...kind('gone'), isPassing: true, make: () => undefined };
    pool.refill(gone);
    expect(pool.size).toBe(0);
    expect(pool.take(gone)).toBeUndefined();
  });

  it('lets all of them go when it is closed, and makes no new ones', async () => {
    const { pool, alive, kind } = counting();
    const [python, node] = [kind('Python'), kind('Node')];
    pool.refill(python);
    pool.refill(node);
    expect(alive.size).toBe(4);
    await pool.close();
    pool.refill(python);
    expect(alive.size).toBe(0);
  });
});
