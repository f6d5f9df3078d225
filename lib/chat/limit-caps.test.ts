import { describe, expect, it } from 'vitest';
import { withinCaps } from '#lib/chat/limit-caps';
import type { ChatRequest } from '#lib/wire/chat';
import { chatRequest } from '../../test/support/chat.ts';

const CAPS = { contextTokens: 4_096, outputTokens: 100 };

describe('the tokens of a request', () => {
  it.each<[string, Partial<ChatRequest>, Partial<ChatRequest>, string[]]>([
    ['gets the limit without one of its own', {}, { options: { num_predict: 100 } }, []],
    ['keeps a lower max_tokens', { max_tokens: 7 }, { max_tokens: 7, options: {} }, []],
    ['lowers a higher max_tokens', { max_tokens: 101 }, { max_tokens: 100 }, ['max_tokens']],
    ['lowers max_tokens without a bound', { max_tokens: -1 }, { max_tokens: 100 }, ['max_tokens']],
    [
      'lowers num_predict and num_ctx',
      { options: { num_predict: -1, num_ctx: 8_192, top_k: 3 } },
      { options: { num_predict: 100, num_ctx: 4_096, top_k: 3 } },
      ['options.num_ctx', 'options.num_predict'],
    ],
    [
      'lowers max_completion_tokens where it is passed through',
      { passthrough: { max_completion_tokens: 500, verbosity: 'low' } },
      { passthrough: { max_completion_tokens: 100, verbosity: 'low' }, options: {} },
      ['max_completion_tokens'],
    ],
  ])('%s', (_title, sent, expected, lowered) => {
    const result = withinCaps(chatRequest(sent), CAPS);
    expect(result.request).toMatchObject(expected);
    expect(result.lowered).toEqual(lowered);
  });

  it('stay as they are without such a limit', () => {
    const request = chatRequest({ max_tokens: -1, options: { num_ctx: 1_000_000 } });
    expect(withinCaps(request, undefined).request).toBe(request);
    expect(withinCaps(request, { contextTokens: undefined, outputTokens: undefined }).request).toBe(request);
    expect(withinCaps(request, { contextTokens: 10, outputTokens: undefined }).request).toMatchObject({
      max_tokens: -1,
      options: { num_ctx: 10 },
    });
  });
});
