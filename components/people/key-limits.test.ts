import { expect, it } from 'vitest';
import type { LimitState } from '#lib/wire/people';
import { keyLimitChanges, readKeyLimits, textsOfKey } from './key-limits.ts';

const OWN: LimitState[] = [{ name: 'tokens_per_day', limit: 1000, used: 4, resets_at: null, kind: 'share' }];

it('reads the limits that are typed', () => {
  const texts = { tokens_per_day: '1,000', output_tokens: '9000', concurrent_requests: '0', context_tokens: ' ' };
  expect(readKeyLimits(texts, OWN)).toEqual({ limits: { tokens_per_day: 1000, output_tokens: 9000 }, wrong: {} });
});

it('says what is no number, and what is above the own limit', () => {
  expect(readKeyLimits({ tokens_per_day: '1001', output_tokens: 'many' }, OWN)).toEqual({
    limits: {},
    wrong: { tokens_per_day: 'At most your own limit of 1,000.', output_tokens: 'Enter a whole number.' },
  });
});

it('changes what differs from the limits that a key has, and takes that back', () => {
  const before = { tokens_per_day: 500, requests_per_minute: 3 };
  const texts = { ...textsOfKey(before), tokens_per_day: '', output_tokens: '200' };
  const { limits } = readKeyLimits(texts, OWN);
  expect(limits).toEqual({ requests_per_minute: 3, output_tokens: 200 });
  expect(keyLimitChanges(before, limits)).toEqual({ tokens_per_day: null, output_tokens: 200 });
  expect(keyLimitChanges(limits, before)).toEqual({ tokens_per_day: 500, output_tokens: null });
  expect(keyLimitChanges(before, readKeyLimits(textsOfKey(before), OWN).limits)).toEqual({});
});
