import { expect, it } from 'vitest';
import { titleOf } from './document-title.ts';

const plain = { conversation: undefined, isRunning: false, isReady: false };

it.each([
  ['of a page without a conversation', plain, 'Playground · Chill Space'],
  ['of a conversation', { ...plain, conversation: 'Fix the login' }, 'Fix the login · Chill Space'],
  ['while its response runs', { ...plain, conversation: 'Fix', isRunning: true }, '● Fix · Chill Space'],
  ['after a response ended out of sight', { ...plain, isReady: true }, '✓ Playground · Chill Space'],
])('writes the title %s', (_, parts, expected) => expect(titleOf(parts, 'Playground · Chill Space')).toBe(expected));
