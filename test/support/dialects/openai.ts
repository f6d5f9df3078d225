/**
 * OpenAI's chat completions.
 * - Chunks: https://platform.openai.com/docs/api-reference/chat-streaming, and the types of the
 *   package `openai`. `obfuscation` and `service_tier` are in recorded streams.
 * - Headers of 429: https://platform.openai.com/docs/guides/rate-limits.
 * - Refusals of structured output: `refusal` deltas with `content: null`, finish reason `stop`.
 * - `function_call`: the form before tools, which older gateways still write.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const head = {
  id: 'chatcmpl-CgM1lYzSxXkZc7nT0yJc3nJk',
  object: 'chat.completion.chunk',
  created: 1_764_378_000,
  model: 'gpt-4o-mini-2024-07-18',
  service_tier: 'default',
  system_fingerprint: 'fp_b547601dbd',
};
const chunk = chunks(head, { logprobs: null }, { usage: null, obfuscation: 'xV1' });
const first = chunk({ role: 'assistant', content: '', refusal: null });
const counted = {
  ...head,
  choices: [],
  usage: {
    ...TOKENS,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  },
  obfuscation: '',
};
const call = (index: number, id: string) =>
  chunk({ tool_calls: [{ index, id, type: 'function', function: { name: 'weather', arguments: '' } }] });
const written = (index: number, text: string) => chunk({ tool_calls: [{ index, function: { arguments: text } }] });

export const openai: ServerDialect = {
  name: 'OpenAI',
  api: 'openai',
  responses: {
    text: [first, chunk({ content: 'Hel' }), chunk({ content: 'lo' }), chunk({}, 'stop'), counted],
    reasoning: null,
    'one call': [
      chunk({ role: 'assistant', content: null }),
      call(0, 'call_a'),
      written(0, '{"ci'),
      written(0, 'ty":"Bern"}'),
      chunk({}, 'tool_calls'),
      counted,
    ],
    'two calls': [
      chunk({ role: 'assistant', content: null }),
      call(0, 'call_a'),
      written(0, '{"city":'),
      written(0, '"Bern"}'),
      call(1, 'call_b'),
      written(1, '{"city":"Rome"}'),
      chunk({}, 'tool_calls'),
      counted,
    ],
    length: [first, chunk({ content: 'Hel' }), chunk({}, 'length'), counted],
    filtered: [first, chunk({ content: 'Hel' }), chunk({}, 'content_filter'), counted],
  },
  failure: {
    wire: `${sse({ error: { message: 'The server had an error while processing your request. Sorry about that!', type: 'server_error', param: null, code: null } })}data: [DONE]\n\n`,
    says: 'The server had an error while processing your request.',
  },
  busy: {
    status: 429,
    headers: {
      'retry-after': '7',
      'retry-after-ms': '6201',
      'x-ratelimit-limit-requests': '200',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '23m16.298s',
      'x-ratelimit-remaining-tokens': '39924',
      'x-ratelimit-reset-tokens': '114ms',
    },
    body: JSON.stringify({
      error: {
        message: 'Rate limit reached for gpt-4o-mini in organization org-x on requests per min (RPM): Limit 3, Used 3.',
        type: 'requests',
        param: null,
        code: 'rate_limit_exceeded',
      },
    }),
    says: 'Rate limit reached for gpt-4o-mini',
    retryAfterSeconds: 7,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      error: {
        message:
          "This model's maximum context length is 128000 tokens. However, your messages resulted in 130011 tokens. Please reduce the length of the messages.",
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    }),
    says: 'maximum context length is 128000 tokens',
  },
  models: {
    body: {
      object: 'list',
      data: [
        { id: 'gpt-4o-mini', object: 'model', created: 1_721_172_741, owned_by: 'system' },
        { id: 'text-embedding-3-small', object: 'model', created: 1_705_948_997, owned_by: 'system' },
      ],
    },
    contexts: { 'gpt-4o-mini': null, 'text-embedding-3-small': null },
  },
  oddities: [
    {
      name: 'OpenAI, a refusal in pieces',
      api: 'openai',
      events: [
        chunk({ role: 'assistant', content: null, refusal: '' }),
        chunk({ refusal: "I'm sorry, " }),
        chunk({ refusal: 'no.' }),
        chunk({}, 'stop'),
        counted,
      ],
      text: "I'm sorry, no.",
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
    {
      name: 'OpenAI, a function in the form before tools',
      api: 'openai',
      events: [
        chunk({ role: 'assistant', content: null, function_call: { name: 'weather', arguments: '' } }),
        chunk({ function_call: { arguments: '{"city":' } }),
        chunk({ function_call: { arguments: '"Bern"}' } }),
        chunk({}, 'function_call'),
      ],
      text: '',
      tools: ['weather'],
    },
  ],
};
