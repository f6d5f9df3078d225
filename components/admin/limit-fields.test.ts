import { describe, expect, it } from 'vitest';
import { LIMIT_NAMES, type ScopedLimits, SHARE_NAMES } from '#lib/wire/limits';
import { LIMITS, readLimit } from '../people/limit-list.ts';
import { changesOf, textsOf, undoOf } from './limit-fields.ts';

const STORED: Pick<ScopedLimits, 'limits' | 'locked'> = {
  limits: { tokens_per_day: { limit: 50_000, kind: 'share' }, concurrent_requests: { limit: 2, kind: 'hard' } },
  locked: ['output_tokens'],
};

it('shows every limit of the wire, and knows which may be shared', () => {
  expect(LIMITS.map(({ name }) => name).toSorted()).toEqual([...LIMIT_NAMES].toSorted());
  expect(LIMITS.filter(({ mayBeShared }) => mayBeShared).map(({ name }) => name)).toEqual([...SHARE_NAMES]);
});

it.each([
  ['', null],
  ['0', 0],
  ['50 000', 50_000],
  ['50,000', 50_000],
  ['-1', undefined],
  ['1e6', undefined],
  ['many', undefined],
])('reads %j as %j', (text, limit) => {
  expect(readLimit(text)).toBe(limit);
});

describe('the changes', () => {
  it('are taken back to what was stored', () => {
    const changes = { tokens_per_day: null, requests_per_minute: { limit: 20, kind: 'hard' } } as const;
    expect(undoOf(changes, STORED)).toEqual({
      tokens_per_day: { limit: 50_000, kind: 'share' },
      requests_per_minute: null,
    });
    expect(undoOf({}, STORED)).toEqual({});
  });

  it('are empty for what is stored', () => {
    expect(changesOf(textsOf(STORED), STORED)).toEqual({ changes: {}, wrong: [] });
  });

  it('has what was changed, added and removed, and leaves out what is locked', () => {
    const texts = textsOf(STORED);
    texts.tokens_per_day = { text: '50000', kind: 'hard' };
    texts.concurrent_requests = { text: '', kind: 'hard' };
    texts.requests_per_minute = { text: '20', kind: 'hard' };
    texts.output_tokens = { text: '9', kind: 'hard' };
    expect(changesOf(texts, STORED)).toEqual({
      changes: {
        tokens_per_day: { limit: 50_000, kind: 'hard' },
        concurrent_requests: null,
        requests_per_minute: { limit: 20, kind: 'hard' },
      },
      wrong: [],
    });
  });

  it('names what is no number', () => {
    const texts = { ...textsOf(STORED), tokens_per_month: { text: 'all', kind: 'share' as const } };
    expect(changesOf(texts, STORED).wrong).toEqual(['tokens_per_month']);
  });
});
