import { describe, expect, it } from 'vitest';
import { javascript } from '#lib/runner/languages/javascript';
import { python } from '#lib/runner/languages/python';
import { rust } from '#lib/runner/languages/rust';
import { WarmPool } from '#lib/runner/pool';
import type { Sandbox, Waiting } from '#lib/runner/sandbox/sandbox';

const LIMITS = {
  wallMs: 1,
  cpuSeconds: 1,
  memoryBytes: 1,
  processes: 1,
  diskBytes: 1,
  openFiles: 1,
  dataBytes: 1,
  outputBytes: 1,
};
const TOOLCHAIN = { binds: [], programs: { python3: '/usr/bin/python3', node: '/node' } };

/** A sandbox that counts what waits in it, and runs nothing. */
function counting() {
  const alive = new Set<Waiting>();
  let dead: Waiting | undefined;
  const sandbox: Sandbox = {
    tier: 'bubblewrap',
    run: () => Promise.reject(new Error('it runs nothing')),
    close: () => Promise.resolve(),
    wait: () => {
      const waiting: Waiting = {
        get isAlive() {
          return waiting !== dead;
        },
        run: () => Promise.reject(new Error('it runs nothing')),
        discard: async () => {
          alive.delete(waiting);
        },
      };
      alive.add(waiting);
      return waiting;
    },
  };
  const kill = () => {
    [dead] = alive;
    return dead;
  };
  return { pool: new WarmPool(sandbox, { size: 2, limits: LIMITS, idleMs: 60_000 }), alive, kill };
}

describe('WarmPool', () => {
  it('has nothing before the first run, and then as many as it may', () => {
    const { pool, alive } = counting();
    expect(pool.take(python)).toBeUndefined();
    pool.refill(python, TOOLCHAIN);
    expect(pool.size).toBe(2);
    const [one, two] = [pool.take(python), pool.take(python)];
    expect(one).toBeDefined();
    expect(two).not.toBe(one);
    expect(pool.take(python)).toBeUndefined();
    expect(pool.take(javascript)).toBeUndefined();
    pool.refill(python, TOOLCHAIN);
    expect(pool.size).toBe(2);
    expect(alive.size).toBe(4);
  });

  it('gives out nothing that has died', () => {
    const { pool, alive, kill } = counting();
    pool.refill(python, TOOLCHAIN);
    const dead = kill();
    expect(pool.take(python)).not.toBe(dead);
    expect(alive.size).toBe(1);
  });

  it('has none for a language that cannot wait', () => {
    const { pool, alive } = counting();
    pool.refill(rust, TOOLCHAIN);
    expect(alive.size).toBe(0);
  });

  it('lets all of them go when it is closed, and makes no new ones', async () => {
    const { pool, alive } = counting();
    pool.refill(python, TOOLCHAIN);
    pool.refill(javascript, TOOLCHAIN);
    expect(alive.size).toBe(4);
    await pool.close();
    pool.refill(python, TOOLCHAIN);
    expect(alive.size).toBe(0);
  });
});
