import {
  CACHE_HEADER,
  CHAT_ERROR_CODES,
  QUEUE_COMMENTS,
  REQUEST_POLICY_PARAMETERS,
} from '#lib/openapi/chat-operations';
import type { Operation } from '#lib/openapi/operation';

/** Completions of a text, which editors use for code. */

const BEGUN = 'def fibonacci(n):\n    ';

export const COMPLETION_OPERATIONS: readonly Operation[] = [
  {
    id: 'openAiTextCompletion',
    tag: 'OpenAI',
    path: '/v1/completions',
    method: 'post',
    summary: 'Continue a text, or fill a gap in it (OpenAI)',
    description: 'The prompt goes through no chat template. With `suffix` the model writes what stands between both.',
    access: 'key',
    parameters: REQUEST_POLICY_PARAMETERS,
    body: {
      schema: 'TextCompletionRequest',
      description:
        'A field without a note is passed to every model server. Unknown fields are reported in `X-Ignored-Fields`.',
    },
    responses: {
      200: {
        description: 'A completion, or with `"stream": true` its chunks.',
        content: {
          'application/json': { schema: 'TextCompletion' },
          'text/event-stream': {
            description: `\`data:\` lines; the last is \`data: [DONE]\`. ${QUEUE_COMMENTS}`,
            events: [{ schema: 'TextCompletion' }, { schema: 'OpenAiError' }],
          },
        },
        headers: CACHE_HEADER,
      },
    },
    errorCodes: CHAT_ERROR_CODES,
    errorSchema: 'OpenAiError',
    examples: [
      { summary: 'Code that goes on', body: { prompt: BEGUN, max_tokens: 24, temperature: 0 } },
      { summary: 'Two prompts, streamed', body: { prompt: ['One, two,', 'Red, green,'], max_tokens: 4, stream: true } },
    ],
  },
  {
    id: 'infill',
    tag: 'OpenAI',
    path: '/v1/infill',
    method: 'post',
    summary: 'Fill a gap in a text (llama.cpp)',
    description:
      "llama.cpp's `/infill`, for its editor plugins. The model writes what stands between prefix and suffix.",
    access: 'key',
    parameters: REQUEST_POLICY_PARAMETERS,
    body: { schema: 'InfillRequest' },
    responses: {
      200: {
        description: 'The text, or with `"stream": true` its pieces.',
        content: {
          'application/json': { schema: 'InfillResponse' },
          'text/event-stream': {
            description: `\`data:\` lines; \`stop\` is true in the last. ${QUEUE_COMMENTS}`,
            events: [{ schema: 'InfillResponse' }, { schema: 'OpenAiError' }],
          },
        },
        headers: CACHE_HEADER,
      },
    },
    errorCodes: CHAT_ERROR_CODES,
    errorSchema: 'OpenAiError',
    examples: [
      { summary: 'Warm the cache of llama.cpp', body: { input_prefix: BEGUN, input_suffix: '\n', n_predict: 0 } },
    ],
  },
];
