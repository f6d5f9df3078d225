import { describe, expect, it } from 'vitest';
import { errorTextOf, refusedFieldOf, statusError } from '#lib/models/model-server-errors';

const SERVER = { name: 'The model server', place: '', advice: '' };

describe('a field that a model server refuses', () => {
  it.each([
    [
      'OpenAI',
      {
        error: {
          message:
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          type: 'invalid_request_error',
          param: 'max_tokens',
          code: 'unsupported_parameter',
        },
      },
      'max_tokens',
    ],
    [
      'OpenAI, unknown',
      { error: { message: "Unknown parameter: 'top_x'.", param: 'top_x', code: 'unknown_parameter' } },
      'top_x',
    ],
    [
      'OpenAI, older',
      { error: { message: 'Unrecognized request argument supplied: top_k', param: null, code: null } },
      'top_k',
    ],
    ['Groq', { error: { message: "property 'logprobs' is unsupported", type: 'invalid_request_error' } }, 'logprobs'],
    [
      'nothing by name',
      { error: { message: 'Unsupported value', param: 'temperature', code: 'unsupported_value' } },
      undefined,
    ],
    ['a name that is none', { error: { message: 'no', param: 'a b\r\n', code: 'unsupported_parameter' } }, undefined],
    ['a text', { error: 'bad option' }, undefined],
    ['no object', 'no', undefined],
  ])('is named as %s names it', (_name, body, expected) => {
    expect(refusedFieldOf(body, errorTextOf(body))).toBe(expected);
  });

  it('is a 400 with the reason of the server', () => {
    const error = statusError(SERVER, { statusCode: 400, headers: {} }, "Unsupported parameter: 'top_k'", 'top_k');
    expect(error).toMatchObject({
      code: 'unsupported_parameter',
      message: "The model server rejected the request (400): Unsupported parameter: 'top_k'",
      details: [{ field: 'top_k', message: "Unsupported parameter: 'top_k'" }],
    });
  });
});
