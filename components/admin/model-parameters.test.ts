import { expect, it } from 'vitest';
import { PARAMETER_FIELDS, parameterChanges, parameterTexts, readParameter } from './model-parameters.ts';

const ALL = PARAMETER_FIELDS.map(({ name }) => name);
const field = (name: string) => {
  const found = PARAMETER_FIELDS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no field ${name}`);
  return found;
};

it.each([
  ['temperature', '0.2', 0.2],
  ['temperature', '0,2', 0.2],
  ['temperature', '', null],
  ['temperature', 'warm', undefined],
  ['temperature', '2', 2],
  ['temperature', '9', undefined],
  ['top_p', '1.5', undefined],
  ['num_ctx', '8,192', 8192],
  ['num_ctx', '0', undefined],
  ['num_predict', '-1', -1],
  ['num_predict', '0', undefined],
])('reads %s %j as %j', (name, text, value) => {
  expect(readParameter(field(name), text)).toBe(value);
});

it('changes only what differs, and removes what was emptied', () => {
  const stored = { temperature: 0.2, top_k: 40, mirostat: 1 };
  const texts = { ...parameterTexts(stored), temperature: '', num_ctx: '4096' };
  expect(parameterChanges(texts, stored, ALL)).toEqual({ changes: { temperature: null, num_ctx: 4096 }, wrong: [] });
});

it('names what is not valid, and leaves out what the model server does not have', () => {
  const texts = { ...parameterTexts({}), top_p: '2', num_ctx: 'long' };
  expect(parameterChanges(texts, {}, ['top_p'])).toEqual({ changes: {}, wrong: ['top_p'] });
});
