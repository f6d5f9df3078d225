import { afterEach, beforeEach, expect, it } from 'vitest';
import { administrator, member } from '#lib/http/principal';
import { modelOverrides } from '#lib/models/model-overrides';
import { resetSingleton } from '#lib/singletons';
import { mayUseEveryModel, mayUseResolved, visibleModels } from './allowed-models.ts';

const ann = member('user:ann', { userId: 'ann', groupId: 'lab' });
const bob = member('user:bob', { userId: 'bob' });
const serviceKey = member('key:lab', { keyId: 'lab', groupId: 'lab' });

beforeEach(() => resetSingleton('models.overrides'));
afterEach(() => resetSingleton('models.overrides'));

const route = (model: string, alias?: string, ...others: string[]) => ({
  model,
  alias,
  targets: [model, ...others].map((name) => ({ model: name, servers: [] })),
});

it('opens every model to everyone without a rule', () => {
  expect([mayUseEveryModel(ann), mayUseResolved(undefined, 'a', route('a'))]).toEqual([true, true]);
});

it('opens a model to its groups, with their service keys, its people and administrators', () => {
  modelOverrides().set('a', { access: { groups: ['lab'], users: [] } });
  const may = [ann, serviceKey, bob, administrator('user:ada')].map((who) => mayUseResolved(who, 'a', route('a')));
  expect(may).toEqual([true, true, false, true]);
  modelOverrides().set('a', { access: { groups: [], users: ['bob'] } });
  expect([ann, bob].map((who) => mayUseResolved(who, 'a', route('a')))).toEqual([false, true]);
});

it('keeps a key for some models from others, also if its person may use them', () => {
  modelOverrides().set('a', { access: { groups: ['lab'], users: [] } });
  const key = member('key:x', { keyId: 'x', userId: 'ann', groupId: 'lab', models: new Set(['b']) });
  expect([mayUseResolved(key, 'a', route('a')), mayUseResolved(key, 'b', route('b'))]).toEqual([false, true]);
  // A key does not open a model that its person may not use.
  const another = member('key:y', { keyId: 'y', userId: 'bob', models: new Set(['a']) });
  expect(mayUseResolved(another, 'a', route('a'))).toBe(false);
});

it('needs every model of an alias, unless the alias has a rule', () => {
  modelOverrides().set('b', { access: { groups: ['lab'], users: [] } });
  expect(mayUseResolved(bob, 'fast', route('a', 'fast', 'b'))).toBe(false);
  modelOverrides().set('fast', { access: { groups: [], users: ['bob'] } });
  expect([ann, bob].map((who) => mayUseResolved(who, 'fast', route('a', 'fast', 'b')))).toEqual([false, true]);
});

it('lists what may be used', () => {
  modelOverrides().set('b', { access: { groups: ['lab'], users: [] } });
  const models = [{ id: 'a' }, { id: 'b' }, { id: 'fast', alias_of: ['a', 'b@gpu-1'] }];
  expect(visibleModels(models, ann).map(({ id }) => id)).toEqual(['a', 'b', 'fast']);
  expect(visibleModels(models, bob).map(({ id }) => id)).toEqual(['a']);
  expect(mayUseEveryModel(bob)).toBe(false);
});
