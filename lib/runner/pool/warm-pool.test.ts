import { describe, expect, it } from 'vitest';
import { type SandboxTemplate, WarmPool } from '#lib/runner/pool/warm-pool';
import type { WarmSandbox } from '#lib/runner/sandbox/sandbox';

/** Templates whose sandboxes are counted, and run nothing. */
function counting({ megabytes = 100 } = {}) {
  const alive = new Set<WarmSandbox>();
  const dead = new Set<WarmSandbox>();
  const template = (name: string, each = 1): SandboxTemplate => ({
    name,
    megabytes: each,
    spareFactor: 1,
    ephemeral: false,
    accepts: () => true,
    start: () => {
      const waiting: WarmSandbox = {
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
  return { pool: new WarmPool({ size: 2, megabytes, idleMs: 60_000 }), alive, kill, template };
}

describe('WarmPool', () => {
  it('is empty before the first refill, and has its size afterwards', () => {
    const { pool, alive, template } = counting();
    const [python, node] = [template('Python'), template('Node')];
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

  it('multiplies its size by the spare factor, and reports an exhausted template', () => {
    const { pool, template } = counting();
    const python = { ...template('Python'), spareFactor: 2 };
    expect(pool.isExhausted(python)).toBe(false);
    pool.refill(python);
    expect(pool.size).toBe(4);
    for (let taken = 0; taken < 4; taken++) {
      expect(pool.isExhausted(python)).toBe(false);
      expect(pool.take(python)).toBeDefined();
    }
    expect(pool.isExhausted(python)).toBe(true);
    expect(pool.isExhausted(template('Node'))).toBe(false);
  });

  it('never hands out a dead sandbox, and replaces it', () => {
    const { pool, alive, kill, template } = counting();
    const python = template('Python');
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

  it('evicts the least recently used templates to stay below its memory', () => {
    const { pool, template } = counting({ megabytes: 10 });
    const [small, large, huge] = [template('small', 1), template('large', 4), template('huge', 11)];
    pool.refill(small);
    pool.refill(large);
    expect(pool.report(0)).toEqual([
      { name: 'small', waiting: 2, resident_kb: 2 },
      { name: 'large', waiting: 2, resident_kb: 8 },
    ]);
    pool.refill(small);
    const other = template('other', 3);
    pool.refill(other);
    expect(pool.report(1_000).map(({ name }) => name)).toEqual(['small', 'large']);
    expect(pool.report(10_000).map(({ name }) => name)).toEqual(['small', 'other']);
    pool.refill(huge);
    expect(pool.report(20_000).map(({ name }) => name)).toEqual(['small', 'other']);
  });

  it('holds one sandbox for each of the newest ephemeral templates', () => {
    const { pool, alive, template } = counting();
    const ephemeral = Array.from({ length: 12 }, (_, index) => ({ ...template(`program ${index}`), ephemeral: true }));
    for (const one of ephemeral) pool.refill(one);
    expect(pool.report(0).map(({ name, waiting }) => `${waiting} ${name}`)).toEqual(
      [4, 5, 6, 7, 8, 9, 10, 11].map((index) => `1 program ${index}`),
    );
    expect(alive.size).toBe(8);
    const [first, last] = [ephemeral[0], ephemeral[11]];
    if (first === undefined || last === undefined) throw new Error('there are twelve');
    expect(pool.take(first)).toBeUndefined();
    expect(pool.take(last)).toBeDefined();
    expect(pool.isExhausted(last)).toBe(false);
  });

  it('starts none if the program of a template was evicted', () => {
    const { pool, template } = counting();
    const evicted = { ...template('evicted'), ephemeral: true, start: () => undefined };
    pool.refill(evicted);
    expect(pool.size).toBe(0);
    expect(pool.take(evicted)).toBeUndefined();
  });

  it('discards all sandboxes when it is closed, and starts no others', async () => {
    const { pool, alive, template } = counting();
    const [python, node] = [template('Python'), template('Node')];
    pool.refill(python);
    pool.refill(node);
    expect(alive.size).toBe(4);
    await pool.close();
    pool.refill(python);
    expect(alive.size).toBe(0);
  });
});
