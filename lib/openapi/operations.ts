import { CHAT_OPERATIONS } from '#lib/openapi/chat-operations';
import { CODE_OPERATIONS, EXECUTOR_OPERATIONS } from '#lib/openapi/code-operations';
import { OLLAMA_OPERATIONS, OPENAI_OPERATIONS } from '#lib/openapi/compat-operations';
import type { Operation, OperationTag } from '#lib/openapi/operation';
import { GATEWAY_OPERATIONS, OPERATOR_OPERATIONS } from '#lib/openapi/operator-operations';

/** Every operation, in reading order. */
export const OPERATIONS: readonly Operation[] = [
  ...CHAT_OPERATIONS,
  ...CODE_OPERATIONS,
  ...EXECUTOR_OPERATIONS,
  ...OPENAI_OPERATIONS,
  ...OLLAMA_OPERATIONS,
  ...OPERATOR_OPERATIONS,
  ...GATEWAY_OPERATIONS,
];

export const TAGS: readonly (readonly [name: OperationTag, description: string])[] = [
  ['Chat', 'Answers, at once or as they are written.'],
  ['Queue', 'Submit now, look later, from any tab.'],
  ['Models', 'What there is to choose.'],
  ['Code', 'Programs in seven languages, in a sandbox without a network.'],
  ['Executors', 'Each language as a service of its own.'],
  ['OpenAI', "OpenAI's API over the same cache and queue. Its errors are `OpenAiError`."],
  ['Ollama', "Ollama's API over the same cache and queue."],
  ['Operation', 'Figures, health and signing in.'],
  ['Gateway', 'To the private backend.'],
];
