import { expect, it } from 'vitest';
import { parsePositions } from './reading-position.ts';

it('reads stored positions and ignores what is not one', () => {
  const stored = { a: { messageId: 'm', offset: -40 }, b: { messageId: 1, offset: 0 }, c: null };
  expect([...parsePositions(JSON.stringify(stored))]).toEqual([['a', { messageId: 'm', offset: -40 }]]);
  expect(parsePositions('{').size).toBe(0);
  expect(parsePositions(null).size).toBe(0);
});
