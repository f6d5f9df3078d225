import { describe, expect, it } from 'vitest';
import {
  type CacheReaders,
  cachePolicy,
  hasDeterministicSampling,
  parseCacheControl,
  restrictPolicy,
} from '#lib/chat/cache/cache-policy';
import type { Config } from '#lib/config/config';
import type { CacheMode } from '#lib/wire/chat';

const OFF = { reads: false, stores: false };
const STORES = { reads: false, stores: true };
const ON = { reads: true, stores: true };

describe('cachePolicy', () => {
  it.each<[CacheMode, CacheReaders, Config['CACHE_SDK'], deterministic: object, random: object]>([
    ['auto', 'pages', 'deterministic', ON, ON],
    ['auto', 'pages', 'never', ON, ON],
    ['auto', 'sdk', 'deterministic', ON, STORES],
    ['auto', 'sdk', 'always', ON, ON],
    ['auto', 'sdk', 'never', OFF, OFF],
    ['on', 'sdk', 'deterministic', ON, ON],
    ['on', 'sdk', 'never', ON, ON],
    ['off', 'sdk', 'always', OFF, OFF],
    ['off', 'pages', 'always', OFF, OFF],
  ])('of mode %s for %s with CACHE_SDK=%s', (mode, readers, sdk, deterministic, random) => {
    expect(cachePolicy(mode, readers, true, sdk)).toEqual(deterministic);
    expect(cachePolicy(mode, readers, false, sdk)).toEqual(random);
  });
});

describe('hasDeterministicSampling', () => {
  it.each([
    [{ temperature: 0 }, true],
    [{ seed: 0 }, true],
    [{ seed: 7, temperature: 1 }, true],
    [{ seed: -1 }, false],
    [{ seed: '7' }, false],
    [{ temperature: 0.1 }, false],
    [{ top_k: 1 }, false],
    [{}, false],
  ])('of %j is %s', (options, expected) => {
    expect(hasDeterministicSampling(options)).toBe(expected);
  });
});

describe('parseCacheControl', () => {
  const none = { noCache: false, noStore: false, maxAgeMs: undefined, onlyIfCached: false };

  it.each([
    ['no-cache', { ...none, noCache: true }],
    ['No-Store', { ...none, noStore: true }],
    ['only-if-cached', { ...none, onlyIfCached: true }],
    ['max-age=60', { ...none, maxAgeMs: 60_000 }],
    ['max-age="60"', { ...none, maxAgeMs: 60_000 }],
    ['max-age=60, max-age=5', { ...none, maxAgeMs: 5_000 }],
    ['max-age=0', { ...none, noCache: true, maxAgeMs: 0 }],
    [' no-transform ,no-cache,\tno-store', { ...none, noCache: true, noStore: true }],
  ])('reads %j', (header, expected) => {
    expect(parseCacheControl(header)).toEqual(expected);
  });

  it.each(['', 'no-transform', 'max-age', 'max-age=', 'max-age=-1', 'max-age=1e3', 'x-no-cache', 'max-stale=5'])(
    'finds nothing to do in %j',
    (header) => {
      expect(parseCacheControl(header)).toBeUndefined();
    },
  );
});

describe('restrictPolicy', () => {
  it.each([
    ['no-cache', ON, STORES],
    ['no-cache', OFF, OFF],
    ['no-store', ON, OFF],
    ['max-age=60', ON, ON],
    ['max-age=60', STORES, STORES],
    ['only-if-cached', STORES, ON],
    ['only-if-cached', OFF, OFF],
    ['only-if-cached, no-cache', ON, STORES],
  ])('applies %s to %j', (header, policy, expected) => {
    expect(restrictPolicy(policy, parseCacheControl(header))).toEqual(expected);
  });

  it('keeps a policy without a header', () => {
    expect(restrictPolicy(ON, undefined)).toBe(ON);
  });
});
