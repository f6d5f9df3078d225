/**
 * LiteLLM's proxy, 1.80.5.
 * - Chunks: litellm/proxy/proxy_server.py (`async_data_generator`) writes what is set of each, so
 *   fields are missing instead of null.
 * - An error in a stream has its code as a text, and a Python traceback in its message. A string
 *   that is no chunk is written as `data:` as it is.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const head = {
  id: 'chatcmpl-ed4a2c5e-2b0f-4d0a-8a2f-6a1f1e0e7d3b',
  created: 1_764_378_000,
  model: 'fast',
  object: 'chat.completion.chunk',
};
const full = chunks(head);
/** Without a finish reason that is null. */
function chunk(delta: object, reason?: string) {
  const { choices, ...rest } = full(delta, reason ?? null);
  return reason === undefined
    ? { ...rest, choices: choices.map(({ index }) => ({ index, delta })) }
    : full(delta, reason);
}
const counted = { ...chunk({}), usage: { ...TOKENS, completion_tokens_details: { reasoning_tokens: 0 } } };
const call = (index: number, id: string) =>
  chunk({
    role: 'assistant',
    tool_calls: [{ id, function: { arguments: '', name: 'weather' }, type: 'function', index }],
  });
const written = (index: number, text: string) =>
  chunk({ tool_calls: [{ function: { arguments: text }, type: 'function', index }] });

export const liteLlm: ServerDialect = {
  name: 'LiteLLM',
  api: 'openai',
  responses: {
    text: [chunk({ content: 'Hel', role: 'assistant' }), chunk({ content: 'lo' }), chunk({}, 'stop'), counted],
    reasoning: [
      chunk({ reasoning_content: 'Hm.', provider_specific_fields: {}, content: '', role: 'assistant' }),
      chunk({ content: 'Hello' }),
      chunk({}, 'stop'),
      counted,
    ],
    'one call': [call(0, 'call_a'), written(0, '{"city": "Bern"}'), chunk({}, 'tool_calls'), counted],
    'two calls': [
      call(0, 'call_a'),
      written(0, '{"city": "Bern"}'),
      call(1, 'call_b'),
      written(1, '{"city": "Rome"}'),
      chunk({}, 'tool_calls'),
      counted,
    ],
    length: [chunk({ content: 'Hel', role: 'assistant' }), chunk({}, 'length'), counted],
    filtered: [chunk({ content: 'Hel', role: 'assistant' }), chunk({}, 'content_filter'), counted],
  },
  failure: {
    wire: sse({
      error: {
        message:
          'litellm.InternalServerError: OpenAIException - Connection error.\n\nTraceback (most recent call last):\n  File "/app/litellm/main.py", line 1, in acompletion\n    raise e',
        type: 'None',
        param: 'None',
        code: '500',
      },
    }),
    says: 'litellm.InternalServerError: OpenAIException - Connection error.',
  },
  busy: {
    status: 429,
    headers: { 'retry-after': '12', 'x-litellm-version': '1.80.5' },
    body: JSON.stringify({
      error: {
        message: 'No deployments available for selected model, Try again in 12 seconds.',
        type: 'throttling_error',
        param: 'None',
        code: '429',
      },
    }),
    says: 'No deployments available for selected model',
    retryAfterSeconds: 12,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      error: {
        message:
          'litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - Too many tokens.',
        type: null,
        param: null,
        code: '400',
      },
    }),
    says: 'litellm.ContextWindowExceededError',
  },
  models: {
    body: { data: [{ id: 'fast', object: 'model', created: 1_677_610_602, owned_by: 'openai' }], object: 'list' },
    contexts: { fast: null },
  },
};
