import { execa } from 'execa';
import { describe, expect, it } from 'vitest';

const MB = 1024 * 1024;

/**
 * The outcome of each fault, for any caller; the soak itself checks the `fine` responses in
 * between.
 */
const DOCUMENTED = {
  '500': 'upstream_failed',
  '8 MB': 'upstream_truncated',
  'a line in many packets': 'upstream_failed',
  'client gone': 'cancelled',
  'error in the middle': 'upstream_failed',
  'no JSON': 'upstream_failed',
  'no done': 'upstream_truncated',
  'no such model': 'model_not_found',
  'several lines in a packet': 'upstream_failed',
  'silent at first': 'upstream_timeout',
  'silent in the middle': 'upstream_timeout',
  busy: 'provider_unavailable',
  cancelled: 'cancelled',
  cut: 'upstream_failed',
  empty: 'upstream_truncated',
  reset: 'upstream_failed',
};

describe('after ten thousand faults of every kind', () => {
  it('each had its documented outcome, and the server is as it was after the first three thousand', async () => {
    const { stdout, stderr } = await execa(process.execPath, ['--expose-gc', 'test/support/fault-soak.ts'], {
      timeout: 280_000,
      extendEnv: false,
      env: { PATH: process.env.PATH },
    });
    // No warning of listeners that pile up, and no unhandled rejection.
    expect(stderr).toBe('');
    const { outcomes, before, after, left, resources, upstream } = JSON.parse(stdout);
    expect(Object.keys(outcomes).sort()).toEqual(Object.keys(DOCUMENTED).sort());
    let faults = 0;
    for (const [kind, code] of Object.entries(DOCUMENTED)) {
      expect({ [kind]: Object.keys(outcomes[kind]) }).toEqual({ [kind]: [code] });
      faults += outcomes[kind][code];
    }
    expect(faults).toBe(10_000);
    expect(left).toEqual({ running: 0, queue: 0, processing: 0 });
    expect(upstream).toBe(0);
    expect(resources).toEqual([]);
    // Next to other tests V8 compiles later, and keeps up to 6 MB more; a kilobyte of each fault
    // would be 7 MB on top of what it keeps alone, 2 MB.
    expect((after - before) / MB).toBeLessThan(8);
  }, 300_000);
});
