/**
 * SGLang.
 * - Chunks: sgl-project/sglang python/sglang/srt/entrypoints/openai/protocol.py (`DeltaMessage`,
 *   `ChatCompletionResponseStreamChoice`): each delta has all its fields, null where unused, and
 *   each choice `matched_stop`.
 * - Errors: serving_base.py (`create_error_response`: an object without `error` around it). A full
 *   queue comes as an error object in a stream with status 200, with or without `error` around it.
 * - An aborted generation ends with `finish_reason: "abort"`.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const head = { id: '6f2c1a5f5d9a4d6db0', object: 'chat.completion.chunk', created: 1_764_378_000, model: 'default' };
const chunk = chunks(head, { logprobs: null, matched_stop: null }, { usage: null });
const delta = (fields: object) => ({
  role: null,
  content: null,
  reasoning_content: null,
  tool_calls: null,
  ...fields,
});
const first = chunk(delta({ role: 'assistant', content: '' }));
const last = (reason: string) => ({
  ...head,
  choices: [{ index: 0, delta: delta({}), logprobs: null, finish_reason: reason, matched_stop: 151_645 }],
  usage: null,
});
const counted = { ...head, choices: [], usage: { ...TOKENS, prompt_tokens_details: null, reasoning_tokens: 0 } };
const call = (index: number, id: string, text: string) =>
  chunk(delta({ tool_calls: [{ id, index, type: 'function', function: { name: 'weather', arguments: text } }] }));
const written = (index: number, text: string) =>
  chunk(delta({ tool_calls: [{ id: null, index, type: 'function', function: { name: null, arguments: text } }] }));
const queueIsFull = {
  object: 'error',
  message: 'The request queue is full.',
  type: 'SERVICE_UNAVAILABLE',
  param: null,
  code: 503,
};

export const sglang: ServerDialect = {
  name: 'SGLang',
  api: 'openai',
  responses: {
    text: [first, chunk(delta({ content: 'Hel' })), chunk(delta({ content: 'lo' })), last('stop'), counted],
    reasoning: [
      first,
      chunk(delta({ reasoning_content: 'Hm.' })),
      chunk(delta({ content: 'Hello' })),
      last('stop'),
      counted,
    ],
    'one call': [first, call(0, 'call_a', ''), written(0, '{"city": "Bern"}'), last('tool_calls'), counted],
    'two calls': [
      first,
      call(0, 'call_a', ''),
      written(0, '{"city": '),
      written(0, '"Bern"}'),
      call(1, 'call_b', ''),
      written(1, '{"city": "Rome"}'),
      last('tool_calls'),
      counted,
    ],
    length: [first, chunk(delta({ content: 'Hel' })), last('length'), counted],
    filtered: null,
  },
  failure: { wire: `${sse(last('abort'))}data: [DONE]\n\n`, says: 'ended the answer early (abort)' },
  busy: {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: `${sse({ error: queueIsFull })}data: [DONE]\n\n`,
    says: 'The request queue is full.',
    retryAfterSeconds: 5,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      object: 'error',
      message: "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
      type: 'BadRequestError',
      param: null,
      code: 400,
    }),
    says: "longer than the model's context length",
  },
  models: {
    body: {
      object: 'list',
      data: [
        {
          id: 'default',
          object: 'model',
          created: 1_764_378_000,
          owned_by: 'sglang',
          root: 'default',
          parent: null,
          max_model_len: 8_192,
        },
      ],
    },
    contexts: { default: 8_192 },
  },
};
