import { describe, expect, it } from 'vitest';
import { auditChanges, idsOfChanges } from './audit-changes.ts';

const NO_NAMES = () => undefined;

it('shows the old and the new value of each parameter of a model that changed', () => {
  const changes = auditChanges(
    'model.change',
    {
      before: { displayName: 'Small', parameters: { temperature: 0.7, top_k: 40 } },
      after: { displayName: 'Small', parameters: { temperature: 0.9, num_ctx: 4096 }, hidden: true },
    },
    NO_NAMES,
  );
  expect(changes).toEqual([
    { field: 'parameters.temperature', before: 0.7, after: 0.9 },
    { field: 'parameters.num_ctx', before: null, after: 4096 },
    { field: 'hidden', before: null, after: true },
    { field: 'parameters.top_k', before: 40, after: null },
  ]);
});

it('names what is stored of a model as the API does', () => {
  const changes = auditChanges('model.change', { before: {}, after: { systemPrompt: 'Be short.' } }, NO_NAMES);
  expect(changes).toEqual([{ field: 'system_prompt', before: null, after: 'Be short.' }]);
});

it('shows the figure of a limit under its name, and its kind', () => {
  const shared = { tokens_per_day: { limit: 10_000, kind: 'share' } };
  const hard = { tokens_per_day: { limit: 10_000, kind: 'hard' }, output_tokens: { limit: 500 } };
  expect(auditChanges('limits.change', { before: shared, after: hard }, NO_NAMES)).toEqual([
    { field: 'tokens_per_day.kind', before: 'share', after: 'hard' },
    { field: 'output_tokens', before: null, after: 500 },
  ]);
  // The kind of a limit begins and ends with it.
  expect(auditChanges('limits.delete', { before: shared }, NO_NAMES)).toEqual([
    { field: 'tokens_per_day', before: 10_000, after: null },
  ]);
});

it('has names in the place of ids, and the id of what has no name any more', () => {
  const detail = {
    before: { access: { groups: ['a'], users: [] } },
    after: { access: { groups: ['a', 'b'], users: ['u'] } },
  };
  const names: Record<string, string> = { a: 'Class 9a', u: 'Ada' };
  expect(idsOfChanges('model.change', detail)).toEqual([
    ...['a', 'a', 'b'].map((id) => ({ entity: 'group', id })),
    { entity: 'user', id: 'u' },
  ]);
  expect(auditChanges('model.change', detail, (_entity, id) => names[id])).toEqual([
    { field: 'access.groups', before: 'Class 9a', after: 'Class 9a, b' },
    { field: 'access.users', before: null, after: 'Ada' },
  ]);
  expect(
    auditChanges('user.change', { before: { group: 'a' }, after: { group: null } }, (_entity, id) => names[id]),
  ).toEqual([{ field: 'group', before: 'Class 9a', after: null }]);
});

describe('long texts', () => {
  it('are cut around their first difference', () => {
    const start = 'x'.repeat(2_000);
    const [change] = auditChanges(
      'model.change',
      { before: { systemPrompt: `${start}old` }, after: { systemPrompt: `${start}new${'y'.repeat(2_000)}` } },
      NO_NAMES,
    );
    expect(change?.before).toBe(`…${'x'.repeat(40)}old`);
    expect(change?.after).toMatch(/^…x{40}newy{457}…$/);
  });

  it('are bounded also where there was none before', () => {
    const [change] = auditChanges(
      'setting.change',
      { before: { value: '' }, after: { value: 'ü'.repeat(9_000) } },
      NO_NAMES,
    );
    expect(change).toEqual({ field: 'value', before: '', after: `${'ü'.repeat(500)}…` });
  });
});

it('bounds the changes of a record', () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`field_${index}`, index]));
  expect(auditChanges('user.change', { before: {}, after: many }, NO_NAMES)).toHaveLength(40);
});

it('shows nothing for a record without the state before it, or without a difference', () => {
  expect(auditChanges('backend.add', { after: { url: 'http://one' } }, NO_NAMES)).toEqual([]);
  expect(auditChanges('group.change', { before: { name: 'A' }, after: { name: 'A' } }, NO_NAMES)).toEqual([]);
});
