/**
 * mistral.rs.
 * - Chunks: EricLBuehler/mistral.rs mistralrs-core/src/response.rs
 *   (`ChatCompletionChunkResponse`): usage with speeds is in the last chunk. Calls come whole in
 *   one chunk.
 * - Errors: mistralrs-server-core/src/streaming.rs (`openai_error_event`) and handler_core.rs,
 *   whose codes are words. Older releases wrote the sentence alone as `data:`.
 * - A generation that the server gives up ends with `canceled`.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const head = {
  id: '2',
  created: 1_764_378_000_123,
  model: 'Qwen/Qwen3-4B',
  system_fingerprint: 'local',
  object: 'chat.completion.chunk',
};
const chunk = chunks(head, { logprobs: null }, { usage: null });
const usage = {
  ...TOKENS,
  avg_tok_per_sec: 70.1,
  avg_prompt_tok_per_sec: 250.5,
  avg_compl_tok_per_sec: 60.2,
  total_time_sec: 0.257,
  total_prompt_time_sec: 0.044,
  total_completion_time_sec: 0.116,
};
const delta = (fields: object) => ({ content: null, role: 'assistant', ...fields });
const last = (fields: object, reason: string) => chunk(delta(fields), reason, { usage });
const call = (index: number, id: string, city: string) => ({
  index,
  id,
  type: 'function',
  function: { name: 'weather', arguments: JSON.stringify({ city }) },
});

export const mistralRs: ServerDialect = {
  name: 'mistral.rs',
  api: 'openai',
  responses: {
    text: [chunk(delta({ content: 'Hel' })), chunk(delta({ content: 'lo' })), last({ content: '' }, 'stop')],
    reasoning: [
      chunk(delta({ reasoning_content: 'Hm.' })),
      chunk(delta({ content: 'Hello' })),
      last({ content: '' }, 'stop'),
    ],
    'one call': [last({ tool_calls: [call(0, 'call-a', 'Bern')] }, 'tool_calls')],
    'two calls': [last({ tool_calls: [call(0, 'call-a', 'Bern'), call(1, 'call-b', 'Rome')] }, 'tool_calls')],
    length: [chunk(delta({ content: 'Hel' })), last({ content: '' }, 'length')],
    filtered: null,
  },
  failure: {
    wire: 'data: The next-token logits contain NaN.\n\ndata: [DONE]\n\n',
    says: 'The next-token logits contain NaN.',
  },
  busy: {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: `${sse({ error: { message: 'Too many requests are waiting.', type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' } })}data: [DONE]\n\n`,
    says: 'Too many requests are waiting.',
    retryAfterSeconds: 5,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      error: {
        message: 'Prompt length of 9000 exceeds the maximum context length of 8192.',
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    }),
    says: 'exceeds the maximum context length',
  },
  models: {
    body: {
      object: 'list',
      data: [{ id: 'Qwen/Qwen3-4B', object: 'model', created: 1_764_378_000, owned_by: 'local', status: 'loaded' }],
    },
    contexts: { 'Qwen/Qwen3-4B': null },
  },
};
