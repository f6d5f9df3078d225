import { expect, it } from 'vitest';
import { nextStep } from './use-history-search.ts';

const FOUND = { query: 'rust', hits: new Map([['c', { messageId: 'm', snippet: { text: 'rust', marks: [] } }]]) };

it('searches a longer query in what was found, and any other in all messages', () => {
  expect(nextStep(FOUND, 'rust')).toBe('keep');
  expect(nextStep(FOUND, 'rusty')).toEqual({ search: 'rusty', within: new Set(['c']) });
  expect(nextStep(FOUND, 'go')).toEqual({ search: 'go' });
});

it('forgets what was found for a cleared query', () => {
  expect(nextStep(FOUND, '')).toBe('forget');
  expect(nextStep({ query: '', hits: new Map() }, '')).toBe('keep');
});
