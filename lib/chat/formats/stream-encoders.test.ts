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

describe('a stream whose server does not reach the one that works on it', () => {
  const status = {
    ...{ type: 'status' as const, status: 'processing' as const },
    ...{ queue_position: 0, queue_length: 0, estimated_wait_time: 0 },
  };

  it('says so at once, in each heartbeat, and once when it is over, in the native format', () => {
    const encoder = nativeStreamEncoder(request);
    const usual = encoder.heartbeat;
    const lost = { request_id: 'r', connection_lost: true, done: false, cached: false };
    expect(encoder.encode(status, 0)).toBe('');
    expect(encoder.encode({ ...status, connection_lost: true }, 1)).toBe(`data: ${JSON.stringify(lost)}\n\n`);
    expect(encoder.heartbeat).toBe(`data: ${JSON.stringify(lost)}\n\n`);
    const queued = encoder.encode({ ...status, status: 'queued', queue_position: 2, connection_lost: true }, 1);
    expect(JSON.parse(queued.slice('data: '.length))).toMatchObject({ queue_position: 2, connection_lost: true });
    const found = { ...lost, connection_lost: false };
    expect(encoder.encode({ ...status, connection_lost: false }, 1)).toBe(`data: ${JSON.stringify(found)}\n\n`);
    expect(encoder.heartbeat).toBe(usual);
  });

  it('says so in comments of OpenAI streams', () => {
    const encoder = openAiStreamEncoder(request, false);
    const usual = encoder.heartbeat;
    const comment = ': connection to the other servers lost, waiting\n\n';
    expect(encoder.encode({ ...status, connection_lost: true }, 1)).toBe(comment);
    expect(encoder.heartbeat).toBe(comment);
    expect(encoder.encode({ ...status, connection_lost: false }, 1)).toBe('');
    expect(encoder.heartbeat).toBe(usual);
  });
});
