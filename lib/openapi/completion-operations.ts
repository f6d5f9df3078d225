import { CACHE_HEADER, CHAT_ERROR_CODES } from '#lib/openapi/chat-operations';
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
            description: '`data:` lines; the last is `data: [DONE]`. Comments keep the connection open.',
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
];
