import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

describe('parseOptions', () => {
  it('reads names of tables and flags in any order', () => {
    expect(parseOptions(['memory', '--seconds=5', 'queue', '--rounds', '1', '--only=/v1'])).toEqual({
      names: ['memory', 'queue'],
      seconds: 5,
      rounds: 1,
      only: '/v1',
      goals: false,
      continue: false,
    });
  });

  it('is a full run without arguments', () => {
    expect(parseOptions([])).toEqual({ names: [], goals: false, continue: false });
  });

  it('continues a run', () => {
    expect(parseOptions(['--continue']).continue).toBe(true);
  });

  it('repeats the events of a seed', () => {
    expect(parseOptions(['chaos', '--seed=42'])).toMatchObject({ names: ['chaos'], seed: 42 });
    expect(parseOptions(['chaos', '--seed=42', '--per-second=20']).perSecond).toBe(20);
  });

  it.each(['--rounds=0', '--seconds=half', '--seconds=1.5', '--round=1', '--seed=0', '--per-second=0.5'])(
    'refuses %s',
    (flag) => {
      expect(() => parseOptions([flag])).toThrow();
    },
  );
});
