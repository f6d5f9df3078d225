/**
 * llama.cpp's server.
 * - Chunks and `timings`: ggml-org/llama.cpp tools/server/server-task.cpp
 *   (`to_json_oaicompat_chat_stream`); the first chunk has `content: null`, reasoning is in
 *   `reasoning_content`, a call's name comes before its arguments, and usage has empty `choices`.
 * - Errors: tools/server/server-common.cpp (`format_error_response`); in a stream, older builds
 *   wrote the field `error:` instead of `data:`.
 * - Models: tools/server/server-context.cpp (`get_res_model_info`): one body with both `models`, as
 *   Ollama writes them, and `data`. `n_ctx` is what one conversation gets.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const head = {
  created: 1_764_378_000,
  id: 'chatcmpl-L7OQyvC2Rk8CDXuSvZbGBlcqGfYvB1ZF',
  model: 'qwen3-4b.gguf',
  system_fingerprint: 'b7083-9bcb4eff4',
  object: 'chat.completion.chunk',
};
const chunk = chunks(head);
const first = chunk({ role: 'assistant', content: null });
const timings = {
  cache_n: 0,
  prompt_n: 11,
  prompt_ms: 32.1,
  prompt_per_token_ms: 2.92,
  prompt_per_second: 342.6,
  predicted_n: 7,
  predicted_ms: 71.5,
  predicted_per_token_ms: 10.2,
  predicted_per_second: 97.9,
};
const counted = { choices: [], ...head, usage: TOKENS, timings };
const call = (index: number, id: string) =>
  chunk({ tool_calls: [{ index, id, type: 'function', function: { name: 'weather', arguments: '{' } }] });
const written = (index: number, text: string) => chunk({ tool_calls: [{ index, function: { arguments: text } }] });

export const llamaCpp: ServerDialect = {
  name: 'llama.cpp',
  api: 'openai',
  responses: {
    text: [first, chunk({ content: 'Hel' }), chunk({ content: 'lo' }), chunk({}, 'stop'), counted],
    reasoning: [
      first,
      chunk({ reasoning_content: 'H' }),
      chunk({ reasoning_content: 'm.' }),
      chunk({ content: 'Hello' }),
      chunk({}, 'stop'),
      counted,
    ],
    'one call': [first, call(0, 'x1a'), written(0, '"city":'), written(0, '"Bern"}'), chunk({}, 'tool_calls'), counted],
    'two calls': [
      first,
      call(0, 'x1a'),
      written(0, '"city":"Bern"}'),
      call(1, 'x2b'),
      written(1, '"city":"Rome"}'),
      chunk({}, 'tool_calls'),
      counted,
    ],
    length: [first, chunk({ content: 'Hel' }), chunk({}, 'length'), counted],
    filtered: null,
  },
  failure: {
    wire: sse({
      error: { code: 500, message: 'Context size has been exceeded while decoding.', type: 'server_error' },
    }),
    says: 'Context size has been exceeded while decoding.',
  },
  busy: {
    status: 503,
    body: JSON.stringify({ error: { message: 'Loading model', type: 'unavailable_error', code: 503 } }),
    says: 'Loading model',
    retryAfterSeconds: 5,
  },
  tooLong: {
    status: 400,
    body: JSON.stringify({
      error: {
        code: 400,
        message: 'request (4170 tokens) exceeds the available context size (4096 tokens), try increasing it',
        type: 'exceed_context_size_error',
        n_prompt_tokens: 4170,
        n_ctx: 4096,
      },
    }),
    says: 'request (4170 tokens) exceeds the available context size',
  },
  models: {
    body: {
      models: [
        {
          name: 'qwen3-4b.gguf',
          model: 'qwen3-4b.gguf',
          modified_at: '',
          size: '',
          digest: '',
          type: 'model',
          description: '',
          tags: [''],
          capabilities: ['completion', 'multimodal'],
          parameters: '',
          details: { parent_model: '', format: 'gguf', family: '', families: [''], parameter_size: '' },
        },
      ],
      object: 'list',
      data: [
        {
          id: 'qwen3-4b.gguf',
          aliases: [],
          tags: [],
          object: 'model',
          created: 1_764_378_000,
          owned_by: 'llamacpp',
          meta: {
            vocab_type: 2,
            n_vocab: 151_936,
            n_ctx: 4_096,
            n_ctx_train: 40_960,
            n_embd: 2_560,
            n_params: 4_022_468_096,
            size: 2_491_600_896,
            ftype: 'Q4_K - Medium',
          },
        },
      ],
    },
    contexts: { 'qwen3-4b.gguf': 4_096 },
  },
  oddities: [
    {
      name: 'llama.cpp, timings in the last chunk instead of usage',
      api: 'openai',
      events: [first, chunk({ reasoning_content: 'Hm.' }), chunk({ content: 'Hello' }), chunk({}, 'stop', { timings })],
      text: 'Hello',
      thinking: 'Hm.',
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
  ],
};
