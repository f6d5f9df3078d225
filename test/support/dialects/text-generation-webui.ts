/**
 * text-generation-webui.
 * - oobabooga/text-generation-webui modules/api/completions.py (`chat_streaming_chunk`): the first
 *   chunk has the role and no text; tool calls come whole; usage is in the chunk with the finish
 *   reason. Older releases repeat the role in each chunk, with `tool_calls: null`, and `message`
 *   next to `delta`.
 * - modules/api/script.py: sse-starlette writes the events, and a `: ping` between them. A failure
 *   in the stream ends the connection. Errors are FastAPI's `detail`, or OpenAI's.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const head = {
  id: 'chatcmpl-1764378000000000000',
  object: 'chat.completion.chunk',
  created: 1_764_378_000,
  model: 'Qwen3-4B-Q4_K_M.gguf',
  system_fingerprint: null,
};
const chunk = chunks(head, { logprobs: null });
const first = chunk({ role: 'assistant', refusal: null, content: '' });
const last = (reason: string) => chunk({}, reason, { usage: TOKENS });
const call = (index: number, id: string, city: string) => ({
  index,
  id,
  type: 'function',
  function: { name: 'weather', arguments: JSON.stringify({ city }) },
});
const old = (content: string, reason: string | null = null, more: object = {}) => ({
  id: 'chatcmpl-1700000000000000000',
  object: 'chat.completions.chunk',
  created: 1_700_000_000,
  model: 'served',
  choices: [
    {
      index: 0,
      finish_reason: reason,
      message: { role: 'assistant', content },
      delta: { role: 'assistant', content, tool_calls: null },
    },
  ],
  ...more,
});

export const textGenerationWebui: ServerDialect = {
  name: 'text-generation-webui',
  api: 'openai',
  write: (events) => `${events.map(sse).join(': ping - 2026-11-29 01:00:00.000000+00:00\n\n')}data: [DONE]\n\n`,
  responses: {
    text: [first, chunk({ content: 'Hel' }), chunk({ content: 'lo' }), last('stop')],
    reasoning: [first, chunk({ reasoning_content: 'Hm.' }), chunk({ content: 'Hello' }), last('stop')],
    'one call': [first, chunk({ tool_calls: [call(0, 'call_a', 'Bern')] }), last('tool_calls')],
    'two calls': [
      first,
      chunk({ tool_calls: [call(0, 'call_a', 'Bern'), call(1, 'call_b', 'Rome')] }),
      last('tool_calls'),
    ],
    length: [first, chunk({ content: 'Hel' }), last('length')],
    filtered: null,
  },
  failure: { wire: '', says: 'ended early' },
  busy: {
    status: 503,
    body: '{"error":{"message":"No model is loaded.","type":"server_error","param":null,"code":null}}',
    says: 'No model is loaded.',
    retryAfterSeconds: 5,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      detail: [
        {
          type: 'value_error',
          loc: ['body', 'messages'],
          msg: 'Prompt exceeds the context length of 8192.',
          input: [],
        },
      ],
    }),
    says: 'body.messages: Prompt exceeds the context length of 8192.',
  },
  models: {
    body: {
      object: 'list',
      data: [{ id: 'Qwen3-4B-Q4_K_M.gguf', object: 'model', created: 0, owned_by: 'user' }],
    },
    contexts: { 'Qwen3-4B-Q4_K_M.gguf': null },
  },
  oddities: [
    {
      name: 'text-generation-webui, an older release',
      api: 'openai',
      events: [old(''), old('Hel'), old('lo'), old('', 'stop', { usage: TOKENS })],
      text: 'Hello',
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
  ],
};
