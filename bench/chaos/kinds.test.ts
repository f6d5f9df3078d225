import { expect, it } from 'vitest';
import { LOAD_KINDS } from './kinds.ts';

it('has shares of a hundred, and no two kinds of one name', () => {
  expect(LOAD_KINDS.reduce((sum, { share }) => sum + share, 0)).toBe(100);
  expect(new Set(LOAD_KINDS.map(({ name }) => name)).size).toBe(LOAD_KINDS.length);
});
