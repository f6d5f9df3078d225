import { expect, it } from 'vitest';
import { TURN_STRINGS } from './turns.ts';

it('formats the position and the wait in the queue', () => {
  const at = (position: number, waitMs: number, server?: string) =>
    TURN_STRINGS.queued({ position, length: 9, waitMs, ...(server === undefined ? {} : { server }) });
  expect(at(4, 120_000)).toBe('Queued · 4 ahead of you · about 2 min');
  expect(at(1, 0)).toBe('Queued · 1 ahead of you');
  expect(at(0, 0)).toBe('Queued · you are next');
  expect(at(2, 40_000, 'gpu-b')).toBe('Queued for gpu-b · 2 ahead of you · about 40 s');
});

it('says how far a user is above the share, and how many people go first', () => {
  const share = { name: 'tokens_per_day', over_percent: 30 } as const;
  expect(TURN_STRINGS.overShare({ ...share, ahead: 2 })).toBe(
    'You have used 130 % of today’s share; 2 people are ahead of you.',
  );
  expect(TURN_STRINGS.overShare({ ...share, ahead: 1 })).toBe(
    'You have used 130 % of today’s share; 1 person is ahead of you.',
  );
  expect(TURN_STRINGS.overShare({ name: 'tokens_per_month', over_percent: 0, ahead: 0 })).toBe(
    'You have used 100 % of this month’s share.',
  );
});

it('formats the time of the first token in hundredths of a second', () => {
  expect(TURN_STRINGS.firstToken(297)).toBe('first token 0.30 s');
  expect(TURN_STRINGS.firstToken(4)).toBe('first token 4 ms');
  expect(TURN_STRINGS.firstToken(2_345)).toBe('first token 2.3 s');
});
