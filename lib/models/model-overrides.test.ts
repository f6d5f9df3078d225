import { expect, it } from 'vitest';
import { ModelOverrides } from './model-overrides.ts';

it('hides a model by each of its names', () => {
  const overrides = new ModelOverrides();
  expect(overrides.isHidden('llama3')).toBe(false);
  overrides.set('llama3:latest', { hidden: true });
  expect(overrides.isHidden('llama3')).toBe(true);
  expect(overrides.isHidden('llama3:latest')).toBe(true);
  expect(overrides.isHidden('llama3:70b')).toBe(false);
});

it('forgets a model of which nothing is changed any more', () => {
  const overrides = new ModelOverrides();
  overrides.set('a', { displayName: 'A', systemPrompt: 'Be brief.' });
  expect(overrides.get('a')?.displayName).toBe('A');
  overrides.set('a', {});
  expect(overrides.get('a')).toBeUndefined();
});
