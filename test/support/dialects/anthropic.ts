/**
 * Anthropic's endpoint for OpenAI's SDKs.
 * - https://platform.claude.com/docs/en/cli-sdks-libraries/libraries/openai-sdk.md: reasoning is
 *   not returned; `refusal`, `logprobs`, `service_tier` and `system_fingerprint` are always empty;
 *   the sentences of errors are Anthropic's, in OpenAI's form.
 * - 529 and rate limits: https://docs.claude.com/en/api/errors and /rate-limits. Resets are dates.
 * - The list of models has `max_input_tokens` and `capabilities` with `supported` each.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const head = {
  id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
  object: 'chat.completion.chunk',
  created: 1_764_378_000,
  model: 'claude-haiku-4-5',
};
const chunk = chunks(head);
const counted = { ...head, choices: [], usage: { ...TOKENS, completion_tokens_details: null } };
const call = (index: number, id: string) =>
  chunk({ tool_calls: [{ index, id, type: 'function', function: { name: 'weather', arguments: '' } }] });
const written = (index: number, text: string) => chunk({ tool_calls: [{ index, function: { arguments: text } }] });

export const anthropic: ServerDialect = {
  name: 'Anthropic’s endpoint for OpenAI’s SDKs',
  api: 'openai',
  responses: {
    text: [
      chunk({ role: 'assistant', content: 'Hel' }),
      chunk({ content: 'lo' }),
      chunk({ content: '' }, 'stop'),
      counted,
    ],
    reasoning: null,
    'one call': [
      chunk({ role: 'assistant', content: '' }),
      call(0, 'toolu_01A'),
      written(0, ''),
      written(0, '{"city": "B'),
      written(0, 'ern"}'),
      chunk({}, 'tool_calls'),
      counted,
    ],
    'two calls': [
      chunk({ role: 'assistant', content: '' }),
      call(0, 'toolu_01A'),
      written(0, '{"city": "Bern"}'),
      call(1, 'toolu_01B'),
      written(1, '{"city": "Rome"}'),
      chunk({}, 'tool_calls'),
      counted,
    ],
    length: [chunk({ role: 'assistant', content: 'Hel' }), chunk({}, 'length'), counted],
    filtered: null,
  },
  failure: {
    wire: sse({ error: { code: null, message: 'Overloaded', type: 'overloaded_error', param: null } }),
    says: 'Overloaded',
  },
  busy: {
    status: 429,
    headers: {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': new Date(Date.now() + 40_000).toISOString(),
      'anthropic-ratelimit-tokens-remaining': '79000',
      'anthropic-ratelimit-tokens-reset': new Date(Date.now() + 3_000_000).toISOString(),
    },
    body: JSON.stringify({
      error: {
        code: 'rate_limit_error',
        message: "This request would exceed your organization's rate limit of 50 requests per minute.",
        type: 'rate_limit_error',
        param: null,
      },
    }),
    says: 'rate limit of 50 requests per minute',
    retryAfterSeconds: 40,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      error: {
        code: 'invalid_request_error',
        message: 'prompt is too long: 210266 tokens > 200000 maximum',
        type: 'invalid_request_error',
        param: null,
      },
    }),
    says: 'prompt is too long: 210266 tokens',
  },
  models: {
    body: {
      data: [
        {
          type: 'model',
          id: 'claude-haiku-4-5',
          display_name: 'Claude Haiku 4.5',
          created_at: '2025-10-15T00:00:00Z',
          max_input_tokens: 200_000,
          max_tokens: 64_000,
          capabilities: { image_input: { supported: true }, thinking: { supported: true }, batch: { supported: true } },
        },
      ],
      first_id: 'claude-haiku-4-5',
      last_id: 'claude-haiku-4-5',
      has_more: false,
    },
    contexts: { 'claude-haiku-4-5': 200_000 },
  },
};
