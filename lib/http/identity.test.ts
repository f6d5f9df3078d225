import { beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { authenticate } from '#lib/http/identity';
import { resetSingleton } from '#lib/singletons';

const NOW = Date.UTC(2026, 0, 1);
const FIRST = 'first-key-of-sixteen';
const SECOND = 'second-key-of-sixteen';
const KEYS = [FIRST, SECOND];
const SETTINGS = readConfig({ API_KEYS: KEYS.join(',') });

const claim = (headers: Record<string, string> = {}) => ({
  headers: new Headers(headers),
  peerAddress: '10.0.0.1',
  address: '10.0.0.1',
});

beforeEach(() => {
  resetSingleton('http.failed-keys');
  resetSingleton('http.known-keys');
});

describe('authenticate', () => {
  it('makes every caller an administrator without keys, named by its address', () => {
    expect(authenticate(claim(), readConfig({}), NOW)).toMatchObject({ caller: '10.0.0.1', role: 'admin' });
  });

  it('names callers by key ids that differ and do not contain the key', async () => {
    const names = await Promise.all(
      KEYS.map(async (key) => (await authenticate(claim({ authorization: `Bearer ${key}` }), SETTINGS, NOW)).caller),
    );
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^key:[0-9a-f]{12}$/);
  });

  it('returns the same principal for the same caller, without a promise', () => {
    const shown = claim({ authorization: `Bearer ${FIRST}` });
    const principal = authenticate(shown, SETTINGS, NOW);
    expect(principal).not.toBeInstanceOf(Promise);
    expect(authenticate(shown, SETTINGS, NOW)).toBe(principal);
    const local = readConfig({});
    expect(authenticate(claim(), local, NOW)).toBe(authenticate(claim(), local, NOW));
  });

  it.each([[undefined], ['Bearer wrong'], ['Basic first-key-of-sixteen'], ['Bearer '], ['first-key-of-sixteen']])(
    'refuses %s',
    (authorization) => {
      expect(() => authenticate(claim(authorization === undefined ? {} : { authorization }), SETTINGS, NOW)).toThrow(
        expect.objectContaining({ code: 'unauthorized' }),
      );
    },
  );
});
