import { expect, it } from 'vitest';
import { modelChanges } from './model-edit.ts';

const MODEL = {
  display_name: 'Small',
  system_prompt: null,
  parameters: { temperature: 0.2, mirostat: 1 },
  access: { groups: ['a', 'b'], users: [] },
};
const AS_IT_IS = { name: 'Small', prompt: '', parameters: {}, access: { groups: ['b', 'a'], users: [] } };

it('changes nothing of a model that is as it was', () => {
  expect(modelChanges(AS_IT_IS, MODEL)).toEqual({ change: {}, undo: {} });
});

it('changes only what differs, and takes that back', () => {
  const edit = { ...AS_IT_IS, name: ' ', parameters: { temperature: null, top_k: 40 }, access: null };
  expect(modelChanges(edit, MODEL)).toEqual({
    change: { display_name: null, parameters: { temperature: null, top_k: 40 }, access: null },
    undo: { display_name: 'Small', parameters: { temperature: 0.2, top_k: null }, access: MODEL.access },
  });
  expect(modelChanges({ ...AS_IT_IS, prompt: 'Be brief.' }, MODEL)).toEqual({
    change: { system_prompt: 'Be brief.' },
    undo: { system_prompt: null },
  });
});

it('knows a group that was replaced by another one', () => {
  const edit = { ...AS_IT_IS, access: { groups: ['a', 'c'], users: [] } };
  expect(modelChanges(edit, MODEL).undo).toEqual({ access: MODEL.access });
});
