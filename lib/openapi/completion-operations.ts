import { NOTED_FIELDS, openAiGeneration } from '#lib/openapi/openai-generation';
import type { Operation } from '#lib/openapi/operation';

/** Completions of a text, which editors use for code. */

const BEGUN = 'def fibonacci(n):\n    ';

export const COMPLETION_OPERATIONS: readonly Operation[] = [
  {
    ...openAiGeneration({
      description: 'A completion, or with `"stream": true` its chunks.',
      body: 'TextCompletion',
      event: 'TextCompletion',
      end: 'the last is `data: [DONE]`',
    }),
    id: 'openAiTextCompletion',
    path: '/v1/completions',
    summary: 'Continue a text, or fill a gap in it (OpenAI)',
    description: 'The prompt goes through no chat template. With `suffix` the model writes what stands between both.',
    body: { schema: 'TextCompletionRequest', description: NOTED_FIELDS },
    examples: [
      { summary: 'Code that goes on', body: { prompt: BEGUN, max_tokens: 24, temperature: 0 } },
      { summary: 'Two prompts, streamed', body: { prompt: ['One, two,', 'Red, green,'], max_tokens: 4, stream: true } },
    ],
  },
  {
    ...openAiGeneration({
      description: 'The text, or with `"stream": true` its pieces.',
      body: 'InfillResponse',
      event: 'InfillResponse',
      end: '`stop` is true in the last',
    }),
    id: 'infill',
    path: '/v1/infill',
    summary: 'Fill a gap in a text (llama.cpp)',
    description:
      "llama.cpp's `/infill`, for its editor plugins. The model writes what stands between prefix and suffix.",
    body: { schema: 'InfillRequest' },
    examples: [
      { summary: 'Warm the cache of llama.cpp', body: { input_prefix: BEGUN, input_suffix: '\n', n_predict: 0 } },
    ],
  },
];
