/**
 * OpenRouter.
 * - Comments, usage and errors in a stream: https://openrouter.ai/docs/api/reference/streaming and
 *   /errors-and-debugging. The role is in each chunk; the usage chunk repeats the last choice.
 * - `reasoning_details`: https://openrouter.ai/docs/use-cases/reasoning-tokens. Servers with its
 *   format, such as MiniMax, send these alone.
 * - A failure of the provider behind it is in `metadata.raw`. `X-RateLimit-Reset` is a time in
 *   milliseconds.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const head = {
  id: 'gen-1764378000-AbCdEfGh',
  provider: 'Some',
  model: 'qwen/qwen3-8b',
  object: 'chat.completion.chunk',
  created: 1_764_378_000,
};
const chunk = (delta: object, reason: string | null = null) =>
  chunks(head, { native_finish_reason: reason === null ? null : 'STOP', logprobs: null })(
    { role: 'assistant', content: '', ...delta },
    reason,
  );
const counted = {
  ...chunk({}),
  usage: { ...TOKENS, cost: 0.0001, is_byok: false, completion_tokens_details: { reasoning_tokens: 0 } },
};
const call = (index: number, id: string) =>
  chunk({ content: null, tool_calls: [{ index, id, type: 'function', function: { name: 'weather', arguments: '' } }] });
const written = (index: number, text: string) =>
  chunk({ content: null, tool_calls: [{ index, type: 'function', function: { arguments: text } }] });
const details = (text: string) => [
  { type: 'reasoning.text', text, format: 'unknown', index: 0 },
  { type: 'reasoning.encrypted', data: 'gAAAAAB', format: 'unknown', index: 1 },
];

export const openRouter: ServerDialect = {
  name: 'OpenRouter',
  api: 'openai',
  write: (events) =>
    `: OPENROUTER PROCESSING\n\n${events.map((event) => `${sse(event)}: OPENROUTER PROCESSING\n\n`).join('')}data: [DONE]\n\n`,
  responses: {
    text: [chunk({ content: 'Hel' }), chunk({ content: 'lo' }), chunk({}, 'stop'), counted],
    reasoning: [
      chunk({ reasoning: 'H', reasoning_details: details('H') }),
      chunk({ reasoning: 'm.', reasoning_details: details('m.') }),
      chunk({ content: 'Hello' }),
      chunk({}, 'stop'),
      counted,
    ],
    'one call': [call(0, 'call_a'), written(0, '{"city":'), written(0, '"Bern"}'), chunk({}, 'tool_calls'), counted],
    'two calls': [
      call(0, 'call_a'),
      written(0, '{"city":"Bern"}'),
      call(1, 'call_b'),
      written(1, '{"city":"Rome"}'),
      chunk({}, 'tool_calls'),
      counted,
    ],
    length: [chunk({ content: 'Hel' }), chunk({}, 'length'), counted],
    filtered: [chunk({ content: 'Hel' }), chunk({}, 'content_filter'), counted],
  },
  failure: {
    wire: sse({
      ...chunk({}, 'error'),
      error: { code: 'server_error', message: 'Provider disconnected' },
    }),
    says: 'Provider disconnected',
  },
  busy: {
    status: 429,
    headers: {
      'x-ratelimit-limit': '20',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Date.now() + 50_000),
    },
    body: JSON.stringify({
      error: {
        message: 'Provider returned error',
        code: 429,
        metadata: {
          raw: '{"error":{"message":"qwen/qwen3-8b is temporarily rate-limited upstream."}}',
          provider_name: 'Some',
        },
      },
      user_id: 'user_x',
    }),
    says: 'Provider returned error: qwen/qwen3-8b is temporarily rate-limited upstream.',
    retryAfterSeconds: 50,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      error: {
        message:
          "This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens (140000 of text input). Please reduce the length of either one.",
        code: 400,
        metadata: { provider_name: null },
      },
    }),
    says: 'maximum context length is 131072 tokens',
  },
  models: {
    body: {
      data: [
        {
          id: 'qwen/qwen3-8b',
          canonical_slug: 'qwen/qwen3-8b-04-28',
          name: 'Qwen: Qwen3 8B',
          created: 1_745_876_632,
          context_length: 131_072,
          architecture: { modality: 'text->text', input_modalities: ['text'], output_modalities: ['text'] },
          pricing: { prompt: '0.00000005', completion: '0.0000004' },
          top_provider: { context_length: 40_960, max_completion_tokens: 8_192, is_moderated: false },
          per_request_limits: null,
          supported_parameters: ['max_tokens', 'reasoning', 'tools'],
        },
      ],
    },
    contexts: { 'qwen/qwen3-8b': 40_960 },
  },
  oddities: [
    {
      name: 'a server with reasoning_details alone',
      api: 'openai',
      events: [
        chunk({ reasoning_details: details('H') }),
        chunk({ reasoning_details: [{ type: 'reasoning.summary', summary: 'm.' }] }),
        chunk({ content: 'Hello', reasoning_details: [] }),
        chunk({}, 'stop'),
      ],
      text: 'Hello',
      thinking: 'Hm.',
    },
  ],
};
