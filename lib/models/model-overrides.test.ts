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

it('finds a model by its name with and without the tag latest', () => {
  const overrides = new ModelOverrides();
  overrides.set('llama3:latest', { systemPrompt: 'Be brief.', access: { groups: ['lab'], users: [] } });
  expect(overrides.defaultsOf({ model: 'llama3' })).toEqual({ systemPrompt: 'Be brief.' });
  expect(overrides.accessOf('llama3')).toEqual({ groups: ['lab'], users: [] });
  expect(overrides.accessOf('llama3:8b')).toBeUndefined();
});

it('puts what an alias has before what its model has', () => {
  const overrides = new ModelOverrides();
  overrides.set('large:70b', { systemPrompt: 'Model.', parameters: { temperature: 0, top_k: 40 } });
  overrides.set('smart', { systemPrompt: 'Alias.', parameters: { temperature: 1 } });
  expect(overrides.defaultsOf({ model: 'large:70b', alias: 'smart' })).toEqual({
    systemPrompt: 'Alias.',
    parameters: { temperature: 1, top_k: 40 },
  });
  expect(overrides.defaultsOf({ model: 'other', alias: undefined })).toEqual({});
});

it('has rules while a model is hidden or for some only', () => {
  const overrides = new ModelOverrides();
  overrides.set('a', { displayName: 'A' });
  expect(overrides.hasRules).toBe(false);
  overrides.set('a', { access: { groups: [], users: [] } });
  expect([overrides.hasRules, overrides.accessRules.length]).toEqual([true, 1]);
  overrides.set('a', { hidden: true });
  expect([overrides.hasRules, overrides.accessRules.length]).toEqual([true, 0]);
  overrides.set('a', {});
  expect(overrides.hasRules).toBe(false);
});

it('forgets a model of which nothing is changed any more', () => {
  const overrides = new ModelOverrides();
  overrides.set('a', { displayName: 'A', systemPrompt: 'Be brief.' });
  expect(overrides.get('a')?.displayName).toBe('A');
  overrides.set('a', {});
  expect(overrides.get('a')).toBeUndefined();
});
