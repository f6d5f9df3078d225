import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { nativeStreamEncoder } from '#lib/chat/formats/native';
import { ollamaStreamEncoder } from '#lib/chat/formats/ollama';
import { openAiStreamEncoder } from '#lib/chat/formats/openai';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';

const request: RequestView = {
  id: 'r',
  generationId: 'r',
  createdAt: 1_700_000_000_000,
  model: 'a "quoted" {"content":""} model',
  cached: false,
  conversation: undefined,
  timings: () => ({ queued_ms: 0, first_token_ms: 1, total_ms: 2 }),
};

const encoders: [name: string, create: () => StreamEncoder, expected: (type: string, text: string) => object][] = [
  ['native', () => nativeStreamEncoder(request), (type, text) => ({ [type]: text, done: false, cached: false })],
  [
    'Ollama chat',
    () => ollamaStreamEncoder('chat', request),
    (type, text) => ({
      model: request.model,
      created_at: '2026-01-01T00:00:00.000Z',
      message: { role: 'assistant', content: '', ...(text === '' ? {} : { [type]: text }) },
      done: false,
    }),
  ],
  [
    'Ollama generate',
    () => ollamaStreamEncoder('generate', request),
    (type, text) => ({
      model: request.model,
      created_at: '2026-01-01T00:00:00.000Z',
      response: '',
      ...(text === '' ? {} : { [type === 'content' ? 'response' : type]: text }),
      done: false,
    }),
  ],
  ...[false, true].map((usage): (typeof encoders)[number] => [
    `OpenAI ${usage ? 'with usage' : ''}`,
    () => openAiStreamEncoder(request, usage),
    (type, text) => ({
      id: 'chatcmpl-r',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: request.model,
      choices: [
        {
          index: 0,
          delta: { [type === 'content' ? 'content' : 'reasoning_content']: text },
          logprobs: null,
          finish_reason: null,
        },
      ],
      ...(usage ? { usage: null } : {}),
    }),
  ]),
];

describe.each(encoders)('the %s stream', (_name, create, expected) => {
  it('has the JSON of an object for each text', () => {
    vi.useFakeTimers({ now: new Date('2026-01-01T00:00:00Z') });
    const event = fc.record({
      type: fc.constantFrom('content' as const, 'thinking' as const),
      text: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\n', '\ud800', '{"content":""')),
    });
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const encoder = create();
        encoder.encode({ type: 'content', text: 'first' }, 1);
        for (const [index, one] of events.entries()) {
          const encoded = encoder.encode(one satisfies GenerationEvent, index + 2);
          expect(encoded.replace(/^data: |\n+$/g, '')).toBe(JSON.stringify(expected(one.type, one.text)));
        }
      }),
    );
    vi.useRealTimers();
  });
});

describe('the OpenAI stream', () => {
  it('has log probabilities in the chunk of their text, and none in the next', () => {
    const encoder = openAiStreamEncoder(request, false);
    const logprobs = [{ token: 'b', logprob: -1 }];
    const chunks = (
      [
        { type: 'content', text: 'a' },
        { type: 'content', text: 'a' },
        { type: 'logprobs', logprobs },
        { type: 'content', text: 'b' },
        { type: 'content', text: 'c' },
      ] satisfies GenerationEvent[]
    ).map((event) => encoder.encode(event, 1));
    const found = chunks
      .filter((chunk) => chunk !== '')
      .map((chunk) => JSON.parse(chunk.slice('data: '.length)).choices[0].logprobs?.content.length ?? 0);
    expect(found).toEqual([0, 0, 1, 0]);
  });
});
