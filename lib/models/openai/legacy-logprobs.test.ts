import { describe, expect, it } from 'vitest';
import { fromLegacyLogprobs } from '#lib/models/openai/legacy-logprobs';

describe('log probabilities in parallel lists', () => {
  it('become one entry a token, with null for the first of an echoed prompt', () => {
    expect(
      fromLegacyLogprobs({
        tokens: ['One', ' two'],
        token_logprobs: [null, -0.5],
        top_logprobs: [null, { ' two': -0.5, ' 2': -2 }],
      }),
    ).toEqual([
      { token: 'One', logprob: null, top_logprobs: [] },
      {
        token: ' two',
        logprob: -0.5,
        top_logprobs: [
          { token: ' two', logprob: -0.5 },
          { token: ' 2', logprob: -2 },
        ],
      },
    ]);
  });

  it('without alternatives have none', () => {
    const logprobs = fromLegacyLogprobs({ tokens: ['a'], token_logprobs: [-1], top_logprobs: null });
    expect(logprobs).toEqual([{ token: 'a', logprob: -1, top_logprobs: [] }]);
  });

  it('of different lengths are dropped', () => {
    expect(fromLegacyLogprobs({ tokens: ['a', 'b'], token_logprobs: [-1], top_logprobs: null })).toEqual([]);
    expect(fromLegacyLogprobs({ tokens: null, token_logprobs: [-1], top_logprobs: null })).toEqual([]);
  });
});
