import { ACCOUNT_OPERATIONS } from '#lib/openapi/account-operations';
import { ADMINISTRATION_OPERATIONS } from '#lib/openapi/administration-operations';
import { ANTHROPIC_OPERATIONS } from '#lib/openapi/anthropic-operations';
import { BACKEND_OPERATIONS } from '#lib/openapi/backend-operations';
import { CHAT_OPERATIONS } from '#lib/openapi/chat-operations';
import { CODE_OPERATIONS, EXECUTOR_OPERATIONS } from '#lib/openapi/code-operations';
import { OLLAMA_OPERATIONS, OPENAI_OPERATIONS } from '#lib/openapi/compat-operations';
import { COMPLETION_OPERATIONS } from '#lib/openapi/completion-operations';
import { LIMIT_OPERATIONS } from '#lib/openapi/limit-operations';
import { OLLAMA_MODEL_SERVER_OPERATIONS, OPENAI_MODEL_SERVER_OPERATIONS } from '#lib/openapi/model-server-operations';
import type { Operation, OperationTag } from '#lib/openapi/operation';
import { GATEWAY_OPERATIONS, OPERATOR_OPERATIONS } from '#lib/openapi/operator-operations';
import { PEOPLE_OPERATIONS } from '#lib/openapi/people-operations';
import { RESPONSES_OPERATIONS } from '#lib/openapi/responses-operations';
import { SERVER_CHANGE_OPERATIONS } from '#lib/openapi/server-change-operations';
import { USAGE_OPERATIONS } from '#lib/openapi/usage-operations';

/** Every operation, in reading order. */
export const OPERATIONS: readonly Operation[] = [
  ...CHAT_OPERATIONS,
  ...CODE_OPERATIONS,
  ...EXECUTOR_OPERATIONS,
  ...OPENAI_OPERATIONS,
  ...COMPLETION_OPERATIONS,
  ...RESPONSES_OPERATIONS,
  ...OPENAI_MODEL_SERVER_OPERATIONS,
  ...ANTHROPIC_OPERATIONS,
  ...OLLAMA_OPERATIONS,
  ...OLLAMA_MODEL_SERVER_OPERATIONS,
  ...USAGE_OPERATIONS,
  ...ACCOUNT_OPERATIONS,
  ...ADMINISTRATION_OPERATIONS,
  ...LIMIT_OPERATIONS,
  ...OPERATOR_OPERATIONS,
  ...SERVER_CHANGE_OPERATIONS,
  ...BACKEND_OPERATIONS,
  ...PEOPLE_OPERATIONS,
  ...GATEWAY_OPERATIONS,
];

export const TAGS: readonly (readonly [name: OperationTag, description: string])[] = [
  ['Chat', 'Complete or streamed responses.'],
  ['Queue', 'Submit a request now and collect the result later, from any tab.'],
  ['Models', 'The models that can be used.'],
  ['Code', 'Runs programs in a sandbox without a network.'],
  ['Executors', 'Each language as its own service.'],
  ['OpenAI', "OpenAI's API over the same cache and queue. Its errors are `OpenAiError`."],
  ['Anthropic', "Anthropic's API over the same cache and queue. Its errors are `AnthropicError`."],
  ['Ollama', "Ollama's API over the same cache and queue."],
  ['Usage', 'Who used which model, and what the cache saved.'],
  ['Accounts', 'Signing in with AUTH=accounts, the own account and its keys.'],
  ['Administration', 'People, groups, invitations, keys, limits, models, settings and the record of changes.'],
  ['Operation', 'Statistics, health, metrics and sign-in.'],
  ['Gateway', 'Forwards requests to the private backend.'],
];
