/**
 * Ollama, its own API and its `/v1`.
 * - https://github.com/ollama/ollama/blob/main/docs/api.md, server/routes.go (`streamResponse`) and
 *   server/sched.go (`ErrMaxQueue`) of v0.24.0.
 * - `/v1`: middleware/openai.go and openai/openai.go: the role is in each chunk, and calls come
 *   whole. An error in the stream is lost there: the chunk of it has no text, and nothing follows.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

function part(message: object, more: object = {}) {
  return {
    model: 'served',
    created_at: '2026-11-29T01:00:00.123456789Z',
    message: { role: 'assistant', ...message },
    done: false,
    ...more,
  };
}

const counts = {
  total_duration: 5_043_500_667,
  load_duration: 5_025_959,
  prompt_eval_count: 11,
  prompt_eval_duration: 325_953_000,
  eval_count: 7,
  eval_duration: 4_709_213_000,
};
const ended = (reason = 'stop') => part({ content: '' }, { done: true, done_reason: reason, ...counts });
const call = (index: number, city: string) => ({
  id: `call_${index}x9y8z7w`,
  function: { index, name: 'weather', arguments: { city } },
});
const tag = (name: string) => ({
  name,
  model: name,
  modified_at: '2026-01-01T00:00:00.1Z',
  size: 4_661_224_676,
  digest: `sha256:${name}`,
  details: { parent_model: '', format: 'gguf', family: 'llama', families: ['llama'], parameter_size: '8.0B' },
});

export const ollama: ServerDialect = {
  name: 'Ollama',
  api: 'ollama',
  responses: {
    text: [part({ content: 'Hel' }), part({ content: 'lo' }), ended()],
    reasoning: [
      part({ content: '', thinking: 'H' }),
      part({ content: '', thinking: 'm.' }),
      part({ content: 'Hello' }),
      ended(),
    ],
    'one call': [part({ content: '', tool_calls: [call(0, 'Bern')] }), ended()],
    'two calls': [
      part({ content: '', tool_calls: [call(0, 'Bern')] }),
      part({ content: '', tool_calls: [call(1, 'Rome')] }),
      ended(),
    ],
    length: [part({ content: 'Hel' }), ended('length')],
    filtered: null,
  },
  failure: {
    wire: '{"error":"model runner has unexpectedly stopped, this may be due to resource limitations"}\n',
    says: 'model runner has unexpectedly stopped',
  },
  busy: {
    status: 503,
    body: '{"error":"server busy, please try again.  maximum pending requests exceeded"}',
    says: 'server busy, please try again.',
    retryAfterSeconds: 5,
  },
  tooLong: {
    status: 400,
    body: '{"error":"the input length exceeds the context length"}',
    says: 'the input length exceeds the context length',
  },
  // `/api/show` of the scripted server says 4096.
  models: { body: { models: [tag('served:8b')] }, contexts: { 'served:8b': 4_096 } },
  oddities: [
    {
      name: 'Ollama with thinking, calls without an id, and text after them',
      api: 'ollama',
      events: [
        part({ content: '', thinking: 'Let me' }),
        part({ content: '', thinking: ' see.' }),
        part({
          content: '',
          tool_calls: [
            { id: 'call_x', function: { index: 0, name: 'weather', arguments: { city: 'Bern', days: [1, 2] } } },
            { function: { index: 1, name: 'time', arguments: {} } },
          ],
        }),
        part({ content: 'Done.' }),
        ended(),
      ],
      text: 'Done.',
      thinking: 'Let me see.',
      tools: ['weather', 'time'],
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
    {
      name: 'Ollama with CRLF and empty fields',
      api: 'ollama',
      events: [
        part({ content: 'Hi', thinking: null, tool_calls: null, images: null }, { error: null }),
        part({ content: '' }, { done: true, done_reason: null, error: '', ...counts }),
      ],
      write: (events) => events.map((event) => `${JSON.stringify(event)}\r\n`).join('\r\n'),
      text: 'Hi',
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
    {
      name: 'Ollama in the form of /api/generate',
      api: 'ollama',
      events: [
        { model: 'served', created_at: '2026-11-29T01:00:00Z', response: 'Hel', done: false },
        { model: 'served', created_at: '2026-11-29T01:00:00Z', response: 'lo', done: false },
        {
          model: 'served',
          created_at: '2026-11-29T01:00:00Z',
          response: '',
          context: [1, 2],
          done: true,
          done_reason: 'stop',
          ...counts,
        },
      ],
      text: 'Hello',
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
    {
      name: 'Ollama with tags of a model that it knows to think',
      api: 'ollama',
      events: [part({ content: '<think>Hm.</think>\n\nHi' }), ended()],
      text: 'Hi',
      thinking: 'Hm.',
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
    {
      name: 'Ollama that does not stream',
      api: 'ollama',
      isOnePiece: true,
      events: [part({ content: 'One piece.', thinking: 'Hm.' }, { done: true, done_reason: 'stop', ...counts })],
      write: (events) => events.map((event) => JSON.stringify(event, null, 2)).join('\n'),
      text: 'One piece.',
      thinking: 'Hm.',
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
  ],
};

const head = {
  id: 'chatcmpl-613',
  object: 'chat.completion.chunk',
  created: 1_764_378_000,
  model: 'served',
  system_fingerprint: 'fp_ollama',
};
const chunk = chunks(head);
const said = (fields: object, reason: string | null = null) =>
  chunk({ role: 'assistant', content: '', ...fields }, reason);
const counted = { ...head, choices: [], usage: TOKENS };
const openAiCall = (index: number, city: string) => ({
  id: `call_${index}x9y8z7w`,
  index,
  type: 'function',
  function: { name: 'weather', arguments: JSON.stringify({ city }) },
});

export const ollamaV1: ServerDialect = {
  name: 'Ollama’s /v1',
  api: 'openai',
  responses: {
    text: [said({ content: 'Hel' }), said({ content: 'lo' }), said({}, 'stop'), counted],
    reasoning: [
      said({ reasoning: 'H' }),
      said({ reasoning: 'm.' }),
      said({ content: 'Hello' }),
      said({}, 'stop'),
      counted,
    ],
    'one call': [said({ tool_calls: [openAiCall(0, 'Bern')] }), said({}, 'tool_calls'), counted],
    'two calls': [
      said({ tool_calls: [openAiCall(0, 'Bern')] }),
      said({ tool_calls: [openAiCall(1, 'Rome')] }),
      said({}, 'tool_calls'),
      counted,
    ],
    length: [said({ content: 'Hel' }), said({}, 'length'), counted],
    filtered: null,
  },
  failure: { wire: sse(chunk({ role: '', content: '' })), says: 'ended early' },
  busy: {
    status: 503,
    body: JSON.stringify({
      error: {
        message: 'server busy, please try again.  maximum pending requests exceeded',
        type: 'api_error',
        param: null,
        code: null,
      },
    }),
    says: 'server busy, please try again.',
    retryAfterSeconds: 5,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      error: {
        message: 'the input length exceeds the context length',
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    }),
    says: 'the input length exceeds the context length',
  },
  models: {
    body: { object: 'list', data: [{ id: 'served:8b', object: 'model', created: 1_764_378_000, owned_by: 'library' }] },
    contexts: { 'served:8b': null },
  },
};
