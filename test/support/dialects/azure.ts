/**
 * Azure OpenAI, `https://NAME.openai.azure.com/openai/v1`.
 * - https://learn.microsoft.com/azure/foundry/openai/concepts/content-streaming and
 *   dto-btn/ssc-assistant mergeOpenAiDelta/testHelpers/simple_chat.ts: a first chunk without a
 *   choice, verdicts on each choice.
 * - With the asynchronous filter, verdicts come in choices without a delta, also after `stop`. A
 *   block found that late has no finish reason, only `filtered: true`.
 * - 429 has `retry-after-ms`, and `x-ratelimit-reset-requests` in seconds.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const safe = { hate: { filtered: false, severity: 'safe' }, violence: { filtered: false, severity: 'safe' } };
const head = {
  created: 1_748_977_994,
  id: 'chatcmpl-BeRMQ69PcNQmy9a0f0C0VlLsdOy9H',
  model: 'gpt-4o-2024-05-13',
  object: 'chat.completion.chunk',
  system_fingerprint: 'fp_ee1d74bde0',
};
const chunk = chunks(head, { content_filter_results: safe, logprobs: null }, { usage: null });
const prompt = {
  choices: [],
  created: 0,
  id: '',
  model: '',
  object: '',
  prompt_filter_results: [{ prompt_index: 0, content_filter_results: safe }],
};
const first = chunk({ content: '', refusal: null, role: 'assistant' });
const counted = { ...head, choices: [], usage: TOKENS };
const verdict = (results: object, reason: string | null = null) => ({
  choices: [
    {
      content_filter_offsets: { check_offset: 44, start_offset: 44, end_offset: 198 },
      content_filter_results: results,
      finish_reason: reason,
      index: 0,
    },
  ],
  created: 0,
  id: '',
  model: '',
  object: '',
});
const call = (index: number, id: string) =>
  chunk({ tool_calls: [{ function: { arguments: '', name: 'weather' }, id, index, type: 'function' }] });
const written = (index: number, text: string) => chunk({ tool_calls: [{ function: { arguments: text }, index }] });

export const azure: ServerDialect = {
  name: 'Azure OpenAI',
  api: 'openai',
  responses: {
    text: [
      prompt,
      first,
      chunk({ content: 'Hel' }),
      verdict(safe),
      chunk({ content: 'lo' }),
      chunk({}, 'stop'),
      verdict({ custom_blocklists: [{ filtered: false, id: 'list' }] }),
      counted,
    ],
    reasoning: null,
    'one call': [prompt, first, call(0, 'call_a'), written(0, '{"city":"Bern"}'), chunk({}, 'tool_calls'), counted],
    'two calls': [
      prompt,
      first,
      call(0, 'call_a'),
      written(0, '{"city":"Bern"}'),
      call(1, 'call_b'),
      written(1, '{"city":"Rome"}'),
      chunk({}, 'tool_calls'),
      counted,
    ],
    length: [prompt, first, chunk({ content: 'Hel' }), chunk({}, 'length'), counted],
    filtered: [
      prompt,
      first,
      chunk({ content: 'Hel' }),
      chunk({}, 'stop'),
      verdict({ custom_blocklists: [{ filtered: true, id: 'list' }] }),
      counted,
    ],
  },
  failure: {
    wire: sse({
      error: { message: 'The server had an error processing your request.', type: 'server_error', code: null },
    }),
    says: 'The server had an error processing your request.',
  },
  busy: {
    status: 429,
    headers: { 'retry-after-ms': '20500', 'x-ratelimit-reset-requests': '20' },
    body: JSON.stringify({
      error: {
        code: '429',
        message: 'Requests to the ChatCompletions_Create Operation have exceeded call rate limit of your current tier.',
      },
    }),
    says: 'have exceeded call rate limit',
    retryAfterSeconds: 21,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      error: {
        message:
          "This model's maximum context length is 128000 tokens. However, your messages resulted in 130011 tokens.",
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    }),
    says: 'maximum context length is 128000 tokens',
  },
  models: {
    body: {
      data: [
        {
          status: 'succeeded',
          capabilities: {
            fine_tune: false,
            inference: true,
            completion: false,
            chat_completion: true,
            embeddings: false,
          },
          lifecycle_status: 'generally-available',
          deprecation: { inference: 1_790_812_800 },
          id: 'gpt-4o-2024-05-13',
          created_at: 1_715_558_400,
          object: 'model',
        },
      ],
      object: 'list',
    },
    contexts: { 'gpt-4o-2024-05-13': null },
  },
  oddities: [
    {
      name: 'Azure OpenAI, blocked while it streams',
      api: 'openai',
      events: [
        prompt,
        first,
        chunk({ content: 'Hel' }),
        verdict({ hate: { filtered: true, severity: 'high' } }, 'content_filter'),
      ],
      text: 'Hel',
    },
  ],
};
