import { ANTHROPIC_VERSION } from '#lib/openapi/anthropic-operations';
import { CACHE_HEADER, CHAT_ERROR_CODES, REQUEST_POLICY_PARAMETERS } from '#lib/openapi/chat-operations';
import { NOTED_FIELDS, openAiGeneration } from '#lib/openapi/openai-generation';
import type { MediaContent, Operation } from '#lib/openapi/operation';
import type { SchemaName } from '#lib/openapi/schemas';
import type { ErrorCode } from '#lib/wire/error';

/** The APIs of OpenAI and Ollama, served by the same chat engine. */

const MODEL_ERROR_CODES: readonly ErrorCode[] = ['provider_unavailable', 'upstream_failed', 'upstream_timeout'];
/** The built-in model, which needs no model server. */
const MODEL = 'smollm2:135m';
const HELLO = [{ role: 'user', content: 'Say hello in five words.' }];

export const OPENAI_OPERATIONS: readonly Operation[] = [
  {
    ...openAiGeneration({
      description: 'A completion, or with `"stream": true` its chunks.',
      body: 'OpenAiCompletion',
      event: 'OpenAiChunk',
      end: 'the last is `data: [DONE]`',
    }),
    id: 'openAiChat',
    path: '/v1/chat/completions',
    summary: 'Create a chat completion (OpenAI)',
    description: "The official SDKs work unchanged: set `OPENAI_BASE_URL` to this server's /v1.",
    body: { schema: 'OpenAiRequest', description: NOTED_FIELDS },
    examples: [
      { summary: 'A completion', body: { messages: HELLO } },
      { summary: 'Streamed', body: { messages: HELLO, stream: true, stream_options: { include_usage: true } } },
    ],
  },
  {
    id: 'openAiModels',
    tag: 'OpenAI',
    path: '/v1/models',
    method: 'get',
    summary: 'List models (OpenAI)',
    description:
      "With the header `anthropic-version` in Anthropic's format, with its `limit`, `after_id` and `before_id`.",
    access: 'key',
    parameters: [ANTHROPIC_VERSION],
    responses: {
      200: {
        description: 'All models.',
        content: { 'application/json': { schema: ['OpenAiModels', 'AnthropicModels'] } },
      },
    },
    errorCodes: MODEL_ERROR_CODES,
    errorSchema: 'OpenAiError',
    examples: [{ summary: 'All models' }],
  },
  {
    id: 'openAiModel',
    tag: 'OpenAI',
    path: '/v1/models/[...model]',
    method: 'get',
    summary: 'Get a model (OpenAI)',
    access: 'key',
    parameters: [
      { name: 'model', in: 'path', description: 'The model id. It may contain slashes.', schema: { type: 'string' } },
      ANTHROPIC_VERSION,
    ],
    responses: {
      200: {
        description: 'The model.',
        content: { 'application/json': { schema: ['OpenAiModel', 'AnthropicModel'] } },
      },
    },
    errorCodes: [...MODEL_ERROR_CODES, 'model_not_found'],
    errorSchema: 'OpenAiError',
    examples: [{ summary: 'The built-in model', path: { model: MODEL } }],
  },
];

export const OLLAMA_OPERATIONS: readonly Operation[] = [
  {
    id: 'ollamaChat',
    tag: 'Ollama',
    path: '/api/chat',
    method: 'post',
    summary: 'Create a chat response (Ollama)',
    description: 'Any Content-Type is read as JSON, as in Ollama. Set `OLLAMA_HOST` to this server.',
    access: 'key',
    parameters: REQUEST_POLICY_PARAMETERS,
    body: { schema: 'OllamaChat' },
    responses: { 200: streamed('OllamaChatAnswer') },
    errorCodes: CHAT_ERROR_CODES,
    examples: [
      { summary: 'A complete response', body: { model: MODEL, stream: false, messages: HELLO } },
      { summary: 'Streamed', body: { model: MODEL, messages: HELLO } },
    ],
  },
  {
    id: 'ollamaGenerate',
    tag: 'Ollama',
    path: '/api/generate',
    method: 'post',
    summary: 'Create a completion (Ollama)',
    access: 'key',
    parameters: REQUEST_POLICY_PARAMETERS,
    body: { schema: 'OllamaGenerate' },
    responses: { 200: streamed('OllamaGenerateAnswer') },
    errorCodes: CHAT_ERROR_CODES,
    examples: [
      { summary: 'A complete response', body: { model: MODEL, stream: false, prompt: 'Say hello in five words.' } },
      {
        summary: 'A text that goes on, without a template',
        body: { model: MODEL, stream: false, raw: true, prompt: 'One, two, three,', options: { num_predict: 8 } },
      },
      { summary: 'Load the model', body: { model: MODEL } },
    ],
  },
  {
    id: 'ollamaTags',
    tag: 'Ollama',
    path: '/api/tags',
    method: 'get',
    summary: 'List models (Ollama)',
    access: 'key',
    responses: { 200: { description: 'All models.', content: { 'application/json': { schema: 'OllamaModels' } } } },
    errorCodes: MODEL_ERROR_CODES,
    examples: [{ summary: 'All models' }],
  },
  {
    id: 'ollamaPs',
    tag: 'Ollama',
    path: '/api/ps',
    method: 'get',
    summary: 'List loaded models (Ollama)',
    access: 'key',
    responses: {
      200: { description: 'The loaded models.', content: { 'application/json': { schema: 'OllamaRunning' } } },
    },
    errorCodes: MODEL_ERROR_CODES,
    examples: [{ summary: 'Loaded models' }],
  },
  {
    id: 'ollamaShow',
    tag: 'Ollama',
    path: '/api/show',
    method: 'post',
    summary: 'Get a model (Ollama)',
    access: 'key',
    body: { schema: 'OllamaShow' },
    responses: { 200: { description: 'The model.', content: { 'application/json': { schema: 'OllamaShown' } } } },
    errorCodes: [...MODEL_ERROR_CODES, 'model_not_found'],
    examples: [{ summary: 'The built-in model', body: { model: MODEL } }],
  },
  {
    id: 'ollamaVersion',
    tag: 'Ollama',
    path: '/api/version',
    method: 'get',
    summary: 'Get the supported version of Ollama’s API',
    access: 'key',
    responses: { 200: { description: 'The version.', content: { 'application/json': { schema: 'OllamaVersion' } } } },
    examples: [{ summary: 'Version' }],
  },
];

function streamed(schema: SchemaName) {
  const lines: MediaContent = {
    description: 'One JSON object per line. `done` is true in the last.',
    events: [{ schema }, { schema: 'OllamaFailure' }],
  };
  return {
    description: 'JSON lines, or one body with `"stream": false`. Without a message or prompt the model is loaded.',
    content: { 'application/x-ndjson': lines, 'application/json': { schema } },
    headers: CACHE_HEADER,
  };
}
