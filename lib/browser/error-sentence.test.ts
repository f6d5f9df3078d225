import { describe, expect, it } from 'vitest';
import {
  errorDetails,
  errorReason,
  errorReference,
  errorSentence,
  isForOperators,
  type PageError,
} from '#lib/browser/error-sentence';
import { ERROR_CODES } from '#lib/wire/error';

const OPERATOR =
  'Ollama does not answer at http://127.0.0.1:11434. Start it with `ollama serve`, or correct OLLAMA_API_URL.';

describe('the sentence of an error', () => {
  it('says nothing that only an operator can use, for any code', () => {
    for (const code of ERROR_CODES) {
      const sentence = errorSentence({ message: OPERATOR, code });
      expect(isForOperators(sentence), `${code}: ${sentence}`).toBe(false);
      expect(sentence, code).toMatch(/^[A-Z][^_`]+[.…]$/);
    }
  });

  it('keeps the operator’s sentence as details', () => {
    const error = { message: OPERATOR, code: 'provider_unavailable' };
    expect(errorSentence(error)).toBe('The model server is not responding. Try again, or ask your administrator.');
    expect(errorDetails(error)).toBe(OPERATOR);
    expect(errorDetails({ message: 'Too long.', code: 'invalid_request' })).toBeUndefined();
  });

  it('holds of a restart also once the server is up again', () => {
    expect(errorSentence({ message: 'The server is stopping.', code: 'shutting_down' })).toBe(
      'The server was restarted before this was done. Try again in a moment.',
    );
  });

  it('keeps a sentence of the server that a user can act on', () => {
    const message = 'The request is not valid: temperature must be at most 2.';
    expect(errorSentence({ message, code: 'invalid_request' })).toBe(message);
  });

  it('names the figures of limits', () => {
    const of = (code: string, data: PageError['data']) => errorSentence({ message: 'Refused.', code, data });
    expect(of('rate_limited', { limit: 6, retry_after_seconds: 54 })).toBe(
      'Rate limit: 6 requests per minute. Try again in 54 s.',
    );
    expect(of('queue_full', { queue_length: 1, retry_after_seconds: 40 })).toBe(
      'The queue is full (1 waiting). Try again in about 40 s.',
    );
    expect(of('code_too_large', { size_bytes: 2_000_000, limit_bytes: 1_000_000 })).toMatch(
      /^Your program is too long \(.+ MB; the limit is .+ [KM]B\)\.$/,
    );
    expect(of('model_not_found', { model: 'llama3:8b' })).toBe('llama3:8b is not available. Choose another model.');
    expect(of('model_not_found', { reason: 'not_allowed' })).toBe(
      'This model is not available to you. Choose another model, or ask your administrator.',
    );
  });

  it('names the limit of a person that is used up, and when it resets', () => {
    const of = (limit_name: string, limit: number, retry_after_seconds: number) =>
      errorSentence({
        message: 'Refused.',
        code: 'rate_limited',
        data: { reason: 'limit', limit_name, limit, retry_after_seconds },
      });
    expect(of('tokens_per_day', 100_000, 43_260)).toBe(
      'You have used up your 100,000 tokens of today. Try again in 12 h 1 min.',
    );
    expect(of('tokens_per_month', 5, 864_000)).toBe(
      'You have used up your 5 tokens of this month. Try again in 10 days.',
    );
    expect(of('code_seconds_per_day', 600, 60)).toBe(
      'Your programs have used up their 10 min of today. Try again in 1 min.',
    );
    expect(of('requests_per_minute', 20, 30)).toBe('Your limit is 20 messages a minute. Try again in 30 s.');
    expect(of('concurrent_requests', 2, 5)).toBe(
      '2 of your requests are still running, which is your limit. Try again in 5 s.',
    );
  });

  it('writes why a queue is full, and when to try again, from the data alone', () => {
    const of = (code: string, data: PageError['data']) => errorSentence({ message: 'Try again in 9 s.', code, data });
    expect(of('queue_full', { reason: 'displaced', queue_length: 9, retry_after_seconds: 2 })).toBe(
      'The queue is full, and requests of less busy users go first. Try again in about 2 s.',
    );
    expect(of('queue_full', { reason: 'caller', queue_length: 9, limit_bytes: 32_000_000 })).toMatch(
      /^Your queued messages are at their limit of .+ MB\. Try again when some are done\.$/,
    );
    expect(of('queue_full', undefined)).toBe('The server is busy with other requests. Try again in a moment.');
    expect(of('rate_limited', { reason: 'wrong_passwords', retry_after_seconds: 840 })).toBe(
      'Too many wrong attempts. Try again in 14 min.',
    );
    expect(of('rate_limited', { reason: 'sign_ins', retry_after_seconds: 40 })).toBe(
      'Too many sign-ins from this network. Try again in 40 s.',
    );
    expect(of('rate_limited', { reason: 'mails', retry_after_seconds: 40 })).toBe(
      'Too many links were asked for. Try again in 40 s.',
    );
    expect(of('rate_limited', { reason: 'wrong_keys', retry_after_seconds: 40 })).toBe(
      'Too many wrong keys from this address. Try again in 40 s.',
    );
  });

  it('names the model server where there are several', () => {
    const data = { model_server: 'gpu-b' };
    expect(errorSentence({ message: OPERATOR, code: 'provider_unavailable', data })).toBe(
      'The model server gpu-b is not responding. Choose another model, or ask your administrator.',
    );
  });

  it('leaves out when to try again where a countdown says it', () => {
    for (const code of ['rate_limited', 'queue_full', 'runner_busy', 'shutting_down']) {
      const error = { message: 'Try again in 9 s.', code, data: { retry_after_seconds: 9 } };
      expect(errorReason(error), code).not.toMatch(/try again/i);
      expect(errorSentence(error), code).toMatch(/ Try again in [^.]+\.$/);
    }
  });

  it('gives an internal error a reference', () => {
    const requestId = '4f2a90c1-0000-4000-8000-000000000000';
    const error = { message: 'It failed under this X-Request-Id.', code: 'internal_error', requestId };
    expect(errorSentence(error)).toBe('Server error. Reference: 4f2a90c1…');
    expect(errorReference(error)).toBe(requestId);
    expect(errorDetails(error)).toBeUndefined();
    expect(errorReference({ ...error, code: 'queue_full' })).toBeUndefined();
  });
});

it('recognises what is for operators', () => {
  for (const sentence of ['See https://example.com.', 'Set OPENAI_BASE_URL.', 'Run `ollama serve`.', OPERATOR])
    expect(isForOperators(sentence), sentence).toBe(true);
  for (const sentence of ['The queue is full.', 'Use JSON or UTF-8.', 'gpt_4 is not available.'])
    expect(isForOperators(sentence), sentence).toBe(false);
});
