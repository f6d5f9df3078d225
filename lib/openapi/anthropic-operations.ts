import {
  CACHE_HEADER,
  CHAT_ERROR_CODES,
  DROP_PARAMS_HEADER,
  FIELD_HEADERS,
  REQUEST_POLICY_PARAMETERS,
} from '#lib/openapi/chat-operations';
import type { Operation, OperationParameter } from '#lib/openapi/operation';

/** Anthropic's API, served by the same chat engine. */

/** Sent by every client of Anthropic's API. GET /v1/models is OpenAI's without it. */
export const ANTHROPIC_VERSION: OperationParameter = {
  name: 'anthropic-version',
  in: 'header',
  description: "Sent by Anthropic's clients. Any value is accepted.",
  schema: { type: 'string' },
};

const REQUEST_ID = { 'Request-Id': 'Same as X-Request-Id.' };
/** The built-in model, which needs no model server. */
const MODEL = 'smollm2:135m';
const HELLO = [{ role: 'user', content: 'Say hello in five words.' }];

export const ANTHROPIC_OPERATIONS: readonly Operation[] = [
  {
    id: 'anthropicMessages',
    tag: 'Anthropic',
    path: '/v1/messages',
    method: 'post',
    summary: 'Create a message (Anthropic)',
    description:
      'The official SDKs and Claude Code work unchanged: set `ANTHROPIC_BASE_URL` to this server. A key may also be sent as `x-api-key`.',
    access: 'key',
    parameters: [ANTHROPIC_VERSION, ...REQUEST_POLICY_PARAMETERS],
    body: {
      schema: 'AnthropicRequest',
      description:
        'A field without a note is passed to every model server. Unknown fields are reported in `X-Ignored-Fields`.',
    },
    responses: {
      200: {
        description: 'A message, or with `"stream": true` its events.',
        content: {
          'application/json': { schema: 'AnthropicMessage' },
          'text/event-stream': {
            description:
              '`event:` and `data:` lines; `message_stop` or `error` is the last. Pings keep the connection open.',
            events: [
              { event: 'message_start', schema: 'AnthropicMessageStart' },
              { event: 'content_block_start', schema: 'AnthropicContentBlockStart' },
              { event: 'content_block_delta', schema: 'AnthropicContentBlockDelta' },
              { event: 'content_block_stop', schema: 'AnthropicContentBlockStop' },
              { event: 'message_delta', schema: 'AnthropicMessageDelta' },
              { event: 'message_stop', schema: 'AnthropicMessageStop' },
              { event: 'ping', schema: 'AnthropicPing' },
              { event: 'error', schema: 'AnthropicError' },
            ],
          },
        },
        headers: { ...CACHE_HEADER, ...REQUEST_ID },
      },
    },
    errorCodes: CHAT_ERROR_CODES,
    errorSchema: 'AnthropicError',
    examples: [
      { summary: 'A message', body: { model: MODEL, max_tokens: 64, messages: HELLO } },
      { summary: 'Streamed', body: { model: MODEL, max_tokens: 64, messages: HELLO, stream: true } },
    ],
  },
  {
    id: 'anthropicCountTokens',
    tag: 'Anthropic',
    path: '/v1/messages/count_tokens',
    method: 'post',
    summary: 'Count the tokens of a message (Anthropic)',
    description:
      "Counted by the built-in model's tokenizer, or by the `/tokenize` route of llama.cpp and vLLM. For other model servers, and with images, the number is an estimate.",
    access: 'key',
    parameters: [ANTHROPIC_VERSION, DROP_PARAMS_HEADER],
    body: { schema: 'AnthropicCountRequest' },
    responses: {
      200: {
        description: 'The number of tokens.',
        content: { 'application/json': { schema: 'AnthropicTokenCount' } },
        headers: {
          'X-Token-Count': '`counted`, or `estimated` from the length of the text.',
          ...FIELD_HEADERS,
          ...REQUEST_ID,
        },
      },
    },
    errorCodes: [
      'model_not_found',
      'unsupported_parameter',
      'unsupported_value',
      'provider_unavailable',
      'shutting_down',
    ],
    errorSchema: 'AnthropicError',
    examples: [{ summary: 'Tokens of a message', body: { model: MODEL, messages: HELLO } }],
  },
];
