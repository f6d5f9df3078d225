import { expect, it } from 'vitest';
import { chatRequest } from '../../test/support/chat.ts';
import { withoutParameters, withParameters } from './model-parameters.ts';

const PARAMETERS = { temperature: 0.2, num_predict: 100 };

it('leaves a request as it is without parameters', () => {
  const request = chatRequest('hello');
  expect(withParameters(request, undefined)).toBe(request);
});

it.each([
  [{}, { temperature: 0.2, num_predict: 100 }],
  [{ options: { temperature: 1 } }, { temperature: 1, num_predict: 100 }],
  [{ options: { num_predict: -1 } }, { temperature: 0.2, num_predict: -1 }],
  [{ max_tokens: 5 }, { temperature: 0.2 }],
  [{ passthrough: { max_completion_tokens: 5 } }, { temperature: 0.2 }],
])('puts parameters under %j', (sent, options) => {
  expect(withParameters(chatRequest(sent), PARAMETERS).options).toEqual(options);
});

it('names no field that the caller did not send', () => {
  const { options } = chatRequest({ options: { temperature: 1 } });
  const fields = ['options.num_predict', 'options.temperature', 'think'];
  expect(withoutParameters(fields, PARAMETERS, { options })).toEqual(['options.temperature', 'think']);
  expect(withoutParameters(fields, undefined, { options })).toBe(fields);
});
