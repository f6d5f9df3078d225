/**
 * LM Studio.
 * - Chunks with CRLF, `data:` without a space and no `[DONE]` were seen behind its proxy; its own
 *   streams have LF.
 * - Errors in a stream have status 200, the event `error`, and no `[DONE]`:
 *   https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/2322,
 *   https://github.com/zendev-sh/goai/pull/110. A conversation that is too long is one of them.
 * - Models: lmstudio-ai/docs 1_developer/2_rest/endpoints.mdx (`/api/v0/models`), with
 *   `loaded_context_length` of a loaded model.
 * - Calls: each whole, in chunks with their own index.
 */
import { chunks, type ServerDialect, TOKENS } from './dialect.ts';

const head = {
  id: 'chatcmpl-i3gkjwthhw96whukek9tz',
  object: 'chat.completion.chunk',
  created: 1_731_990_317,
  model: 'granite-3.0-2b-instruct',
  system_fingerprint: 'granite-3.0-2b-instruct',
};
const chunk = chunks(head, { logprobs: null });
const counted = { ...head, choices: [], usage: TOKENS };
const call = (index: number, id: string, text: string) =>
  chunk({ tool_calls: [{ index, id, type: 'function', function: { name: 'weather', arguments: text } }] });
const errorEvent = (message: string) => `event: error\ndata: ${JSON.stringify({ error: { message }, message })}\n\n`;

export const lmStudio: ServerDialect = {
  name: 'LM Studio',
  api: 'openai',
  responses: {
    text: [chunk({ role: 'assistant', content: 'Hel' }), chunk({ content: 'lo' }), chunk({}, 'stop'), counted],
    reasoning: [
      chunk({ role: 'assistant', reasoning_content: 'Hm.' }),
      chunk({ role: 'assistant', content: 'Hello' }),
      chunk({}, 'stop'),
      counted,
    ],
    'one call': [call(0, '365174485', '{"city":"Bern"}'), chunk({}, 'tool_calls'), counted],
    'two calls': [
      call(0, '365174485', '{"city":"Bern"}'),
      call(1, '365174486', '{"city":"Rome"}'),
      chunk({}, 'tool_calls'),
      counted,
    ],
    length: [chunk({ role: 'assistant', content: 'Hel' }), chunk({}, 'length'), counted],
    filtered: null,
  },
  failure: { wire: errorEvent('Compute error.'), says: 'Compute error.' },
  busy: null,
  tooLong: {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: errorEvent(
      'The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input',
    ),
    says: 'greater than the context length',
  },
  models: {
    body: {
      object: 'list',
      data: [
        {
          id: 'qwen2-vl-7b-instruct',
          object: 'model',
          type: 'vlm',
          publisher: 'mlx-community',
          arch: 'qwen2_vl',
          compatibility_type: 'mlx',
          quantization: '4bit',
          state: 'not-loaded',
          max_context_length: 32_768,
        },
        {
          id: 'granite-3.0-2b-instruct',
          object: 'model',
          type: 'llm',
          state: 'loaded',
          max_context_length: 131_072,
          loaded_context_length: 4_096,
          capabilities: ['tool_use'],
        },
      ],
    },
    contexts: { 'qwen2-vl-7b-instruct': 32_768, 'granite-3.0-2b-instruct': 4_096 },
  },
  oddities: [
    {
      name: 'LM Studio with CRLF, without a space, without [DONE]',
      api: 'openai',
      events: [
        chunk({ role: 'assistant', content: 'Hel' }),
        chunk({ content: 'lo' }),
        { ...chunk({}, 'stop'), usage: TOKENS },
      ],
      write: (events) => events.map((event) => `data:${JSON.stringify(event)}\r\n\r\n`).join(''),
      text: 'Hello',
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
  ],
};
