import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textCompletion, textCompletionEncoder } from '#lib/chat/formats/openai-completion';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import type { TokenLogprob } from '#lib/wire/chat';

const request: RequestView = {
  id: 'r',
  generationId: 'r',
  createdAt: 1_700_000_000_000,
  model: 'a "quoted" {"text":""} model',
  cached: false,
  conversation: undefined,
  timings: () => ({ queued_ms: 0, first_token_ms: 1, total_ms: 2 }),
};

const HEAD = { id: 'cmpl-r', object: 'text_completion', created: 1_700_000_000, model: request.model };
const usage = { prompt_tokens: 3, completion_tokens: 5 };
const token = (text: string, logprob: number | null = -0.5): TokenLogprob => ({
  token: text,
  logprob,
  top_logprobs: [{ token: 'x', logprob: -2 }],
});

function encoded(events: GenerationEvent[], { index, includeUsage = false }: EncodedOptions = {}) {
  const choice = index === undefined ? undefined : { index, first: request };
  const { encode } = textCompletionEncoder(request, includeUsage, choice);
  const text = events.map((event, index) => encode(event, index + 1)).join('');
  return text.split('\n\n').flatMap((line) => {
    const data = line.slice('data: '.length);
    return data === '' ? [] : [data === '[DONE]' ? data : JSON.parse(data)];
  });
}

interface EncodedOptions {
  index?: number;
  includeUsage?: boolean;
}

describe('the stream of a completion', () => {
  it('has any text in a chunk, whatever the model is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(3), (text, index) => {
        const [chunk] = encoded([{ type: 'content', text }], { index });
        expect(chunk).toEqual({ ...HEAD, choices: [{ text, index, logprobs: null, finish_reason: null }] });
      }),
    );
  });

  it('ends with the reason, the usage if it is asked for, and [DONE]', () => {
    const done: GenerationEvent = { type: 'done', done_reason: 'length', usage };
    const last = { ...HEAD, choices: [{ text: '', index: 0, logprobs: null, finish_reason: 'length' }] };
    expect(encoded([done])).toEqual([last, '[DONE]']);
    expect(encoded([done], { includeUsage: true })).toEqual([
      { ...last, usage: null },
      { ...HEAD, choices: [], usage: { ...usage, total_tokens: 8 } },
      '[DONE]',
    ]);
  });

  it('goes on after a choice that is not the only one', () => {
    const done: GenerationEvent = { type: 'done', done_reason: 'stop', usage };
    expect(encoded([done], { index: 2 })).toEqual([
      { ...HEAD, choices: [{ text: '', index: 2, logprobs: null, finish_reason: 'stop' }] },
    ]);
  });

  it('counts the offsets of tokens over all chunks, in characters', () => {
    const chunks = encoded([
      { type: 'logprobs', logprobs: [token('🦀', null), token(' b')] },
      { type: 'content', text: '🦀 b' },
      { type: 'logprobs', logprobs: [token('c')] },
      { type: 'content', text: 'c' },
      { type: 'content', text: 'd' },
    ]);
    expect(chunks.map(({ choices }) => choices[0].logprobs)).toEqual([
      {
        tokens: ['🦀', ' b'],
        token_logprobs: [null, -0.5],
        top_logprobs: [null, { x: -2 }],
        text_offset: [0, 1],
      },
      { tokens: ['c'], token_logprobs: [-0.5], top_logprobs: [{ x: -2 }], text_offset: [3] },
      null,
    ]);
  });
});

it('puts the responses of several prompts into one body, with their usage added up', () => {
  const response = (content: string, done_reason: string) => ({
    ...{ content, done_reason, thinking: 'hm', tool_calls: [], model: request.model, usage },
  });
  expect(textCompletion(request, [response('a', 'stop'), response('b', 'length')])).toEqual({
    ...HEAD,
    choices: [
      { text: 'a', index: 0, logprobs: null, finish_reason: 'stop' },
      { text: 'b', index: 1, logprobs: null, finish_reason: 'length' },
    ],
    usage: { prompt_tokens: 6, completion_tokens: 10, total_tokens: 16 },
  });
  const four = ['a', 'b', 'c', 'd'].map((content) => response(content, 'stop'));
  expect(textCompletion(request, four, 2)).toMatchObject({
    usage: { prompt_tokens: 6, completion_tokens: 20, total_tokens: 26 },
  });
});
