/**
 * vLLM.
 * - Chunks: vllm-project/vllm vllm/entrypoints/openai/chat_completion/protocol.py and serving.py.
 *   Reasoning is in `reasoning` (and, in older releases, `reasoning_content`); the first chunk has
 *   `prompt_token_ids`, the last choice `stop_reason`.
 * - `continuous_usage_stats` puts usage into each chunk. Gateways in front of it were seen to send
 *   the usage chunk with `choices: null`.
 * - Errors: vllm/entrypoints/openai/engine/serving.py (`create_error_response`,
 *   `create_streaming_error_response`).
 * - Behind a gateway, `error_type` and `error_message` at the top:
 *   https://github.com/NousResearch/hermes-agent/issues/68451.
 */
import { chunks, type ServerDialect, sse, TOKENS } from './dialect.ts';

const head = {
  id: 'chatcmpl-86c6a6d5d4a14d0f9a5a9b9cbe54d0c1',
  object: 'chat.completion.chunk',
  created: 1_764_378_000,
  model: 'Qwen/Qwen3-8B',
};
const chunk = chunks(head, { logprobs: null, token_ids: null });
const first = chunk({ role: 'assistant', content: '' }, null, { prompt_token_ids: null });
const last = (reason: string) => ({
  ...head,
  choices: [
    { index: 0, delta: { content: '' }, logprobs: null, finish_reason: reason, stop_reason: null, token_ids: null },
  ],
});
const counted = { ...head, choices: [], usage: { ...TOKENS, prompt_tokens_details: null } };
const call = (index: number, id: string) =>
  chunk({ tool_calls: [{ id, type: 'function', index, function: { name: 'weather' } }] });
const written = (index: number, text: string) => chunk({ tool_calls: [{ index, function: { arguments: text } }] });
const running = (completion: number) => ({
  usage: { prompt_tokens: 11, total_tokens: 11 + completion, completion_tokens: completion },
});

export const vllm: ServerDialect = {
  name: 'vLLM',
  api: 'openai',
  responses: {
    text: [first, chunk({ content: 'Hel' }), chunk({ content: 'lo' }), last('stop'), counted],
    reasoning: [
      first,
      chunk({ reasoning: 'H', reasoning_content: 'H' }),
      chunk({ reasoning: 'm.', reasoning_content: 'm.' }),
      chunk({ content: 'Hello' }),
      last('stop'),
      counted,
    ],
    'one call': [
      first,
      call(0, 'chatcmpl-tool-1'),
      written(0, '{"city": '),
      written(0, '"Bern"}'),
      last('tool_calls'),
      counted,
    ],
    'two calls': [
      first,
      call(0, 'chatcmpl-tool-1'),
      written(0, '{"city": "Bern"}'),
      call(1, 'chatcmpl-tool-2'),
      written(1, '{"city": "Rome"}'),
      last('tool_calls'),
      counted,
    ],
    length: [first, chunk({ content: 'Hel' }), last('length'), counted],
    filtered: null,
  },
  failure: {
    wire: `${sse({ error: { message: 'EngineCore encountered an issue.', type: 'InternalServerError', param: null, code: 500 } })}data: [DONE]\n\n`,
    says: 'EngineCore encountered an issue.',
  },
  busy: null,
  tooLong: {
    status: 400,
    body: JSON.stringify({
      error: {
        message:
          "This model's maximum context length is 8192 tokens. However, your request has 9000 input tokens. Please reduce the length of the input messages.",
        type: 'BadRequestError',
        param: 'input_tokens',
        code: 400,
      },
    }),
    says: 'maximum context length is 8192 tokens',
  },
  models: {
    body: {
      object: 'list',
      data: [
        {
          id: 'Qwen/Qwen3-8B',
          object: 'model',
          created: 1_764_378_000,
          owned_by: 'vllm',
          root: 'Qwen/Qwen3-8B',
          parent: null,
          max_model_len: 40_960,
          permission: [{ id: 'modelperm-1', object: 'model_permission', allow_sampling: true }],
        },
      ],
    },
    contexts: { 'Qwen/Qwen3-8B': 40_960 },
  },
  oddities: [
    {
      name: 'vLLM, usage in each chunk',
      api: 'openai',
      events: [
        { ...first, ...running(0) },
        { ...chunk({ content: 'Hel' }), ...running(3) },
        { ...chunk({ content: 'lo' }), ...running(7) },
        { ...last('stop'), ...running(7) },
      ],
      text: 'Hello',
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
    {
      name: 'vLLM, a usage chunk with null choices',
      api: 'openai',
      events: [
        first,
        chunk({ reasoning: 'Hm.', reasoning_content: null }),
        chunk({ content: 'Hello' }, null, { usage: null }),
        last('stop'),
        { ...head, choices: null, usage: TOKENS },
      ],
      text: 'Hello',
      thinking: 'Hm.',
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    },
  ],
};
