import { describe, expect, it } from 'vitest';
import { carriesError, errorTextOf, statusError, streamedError } from '#lib/models/model-server-errors';

const SERVER = { name: 'The model server', place: '', advice: 'Start it.' };

describe('the sentence in an error body', () => {
  it.each<[body: unknown, sentence: string | undefined]>([
    [{ error: 'plain' }, 'plain'],
    [{ error: { message: 'in an object' } }, 'in an object'],
    [[{ error: { code: 429, message: 'in a list' } }], 'in a list'],
    [{ object: 'error', message: 'at the top', code: 400 }, 'at the top'],
    [{ error: {}, message: 'next to an empty object' }, 'next to an empty object'],
    [{ error_type: 'context_length_exceeded', error_message: 'with other names' }, 'with other names'],
    [{ detail: 'of FastAPI' }, 'of FastAPI'],
    [{ detail: [{ type: 'missing', loc: ['body', 'model'], msg: 'Field required' }] }, 'body.model: Field required'],
    [
      { error: { message: 'Provider returned error', metadata: { raw: '{"error":{"message":"no GPU"}}' } } },
      'Provider returned error: no GPU',
    ],
    [
      { error: { message: 'Provider returned error', metadata: { raw: 'not JSON' } } },
      'Provider returned error: not JSON',
    ],
    [{ error: { message: 'It broke.\n\nTraceback (most recent call last):\n  File "x"' } }, 'It broke.'],
    [{ error: { message: 'Traceback (most recent call last):\n  File "x"' } }, undefined],
    [{ error: { code: 'server_error' } }, undefined],
    [{ detail: [] }, undefined],
    ['text', undefined],
    [null, undefined],
  ])('of %j is %j', (body, sentence) => {
    expect(errorTextOf(body)).toBe(sentence);
  });
});

describe('an error object in a stream', () => {
  it.each<[what: string, body: object, code: string]>([
    ['a status as a number', { error: { message: 'x', code: 429 } }, 'provider_unavailable'],
    ['a status as a text', { error: { message: 'x', code: '503' } }, 'provider_unavailable'],
    ['a name for too many requests', { error: { message: 'x', code: 'rate_limit_exceeded' } }, 'provider_unavailable'],
    ['a name for an overload', { error: { message: 'x', type: 'overloaded_error' } }, 'provider_unavailable'],
    ['a status at the top', { object: 'error', message: 'x', code: 503 }, 'provider_unavailable'],
    ['a refused value', { error: { message: 'x', code: 400 } }, 'unsupported_value'],
    ['a wrong key', { error: { message: 'x', code: 401 } }, 'not_configured'],
    ['an internal error', { error: { message: 'x', code: 500 } }, 'upstream_failed'],
    ['a code that is no status', { error: { message: 'x', code: 2013 } }, 'upstream_failed'],
    ['no code', { error: { message: 'x' } }, 'upstream_failed'],
    [
      'too long a conversation',
      { error: { message: 'greater than the context length', code: 500 } },
      'context_length_exceeded',
    ],
  ])('has the code for %s', (_what, body, code) => {
    expect(carriesError(body)).toBe(true);
    expect(streamedError(SERVER, body, errorTextOf(body))).toMatchObject({ code });
  });

  it('is none without a content', () => {
    for (const body of [{ error: null }, { error: '' }, { error: {} }, { object: 'chat.completion.chunk' }, null, []])
      expect(carriesError(body)).toBe(false);
  });
});

describe('a status', () => {
  it.each([
    [402, 'not_configured', 'asks for payment (402): why'],
    [403, 'not_configured', 'It says: why'],
    [408, 'provider_unavailable', 'busy or down (408): why'],
    [529, 'provider_unavailable', 'busy or down (529): why'],
    [501, 'upstream_failed', 'had an error (501): why'],
  ])('%i becomes %s', (statusCode, code, says) => {
    const error = statusError(SERVER, { statusCode, headers: {} }, 'why');
    expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
  });

  it('401 does not repeat the sentence, which has a part of the key in it', () => {
    expect(statusError(SERVER, { statusCode: 401, headers: {} }, 'Incorrect API key: abc**def').message).not.toContain(
      'abc',
    );
  });
});
