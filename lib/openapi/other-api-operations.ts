import { CACHE_HEADER, CHAT_FAULTS } from '#lib/openapi/chat-operations';
import type { Content, Operation } from '#lib/openapi/operation';
import type { SchemaName } from '#lib/openapi/schemas';
import type { FaultCode } from '#lib/wire/error';

/** OpenAI's API and Ollama's, over the same pipeline. */

const MODEL_FAULTS: readonly FaultCode[] = ['provider_unavailable', 'upstream_failed', 'upstream_timeout'];
/** The built-in model, which is there where nothing else is. */
const MODEL = 'smollm2:135m';
const HELLO = [{ role: 'user', content: 'Say hello in five words.' }];

export const OPENAI_OPERATIONS: readonly Operation[] = [
  {
    id: 'openAiChat',
    tag: 'OpenAI',
    path: '/v1/chat/completions',
    method: 'post',
    summary: "OpenAI's chat completions",
    description: "The official SDKs work unchanged: set `OPENAI_BASE_URL` to this server's /v1.",
    access: 'key',
    body: {
      schema: 'OpenAiRequest',
      description:
        'What is said of a field is what becomes of it; nothing said: every model server gets it. Names that are not here are reported in `X-Ignored-Fields`.',
    },
    answers: {
      200: {
        description: 'A completion, or with `"stream": true` its chunks.',
        content: {
          'application/json': { schema: 'OpenAiCompletion' },
          'text/event-stream': {
            description: '`data:` lines; the last is `data: [DONE]`. Comments keep the connection.',
            events: [{ schema: 'OpenAiChunk' }, { schema: 'OpenAiError' }],
          },
        },
        headers: CACHE_HEADER,
      },
    },
    faults: CHAT_FAULTS,
    errors: 'OpenAiError',
    examples: [
      { summary: 'A completion', body: { messages: HELLO } },
      { summary: 'As a stream', body: { messages: HELLO, stream: true, stream_options: { include_usage: true } } },
    ],
  },
  {
    id: 'openAiModels',
    tag: 'OpenAI',
    path: '/v1/models',
    method: 'get',
    summary: "Models, in OpenAI's form",
    access: 'key',
    answers: { 200: { description: 'All models.', content: { 'application/json': { schema: 'OpenAiModels' } } } },
    faults: MODEL_FAULTS,
    errors: 'OpenAiError',
    examples: [{ summary: 'All models' }],
  },
  {
    id: 'openAiModel',
    tag: 'OpenAI',
    path: '/v1/models/[...model]',
    method: 'get',
    summary: "One model, in OpenAI's form",
    access: 'key',
    parameters: [
      { name: 'model', in: 'path', description: 'Its id, which may have slashes.', schema: { type: 'string' } },
    ],
    answers: { 200: { description: 'The model.', content: { 'application/json': { schema: 'OpenAiModel' } } } },
    faults: [...MODEL_FAULTS, 'model_not_found'],
    errors: 'OpenAiError',
    examples: [{ summary: 'The built-in model', path: { model: MODEL } }],
  },
];

export const OLLAMA_OPERATIONS: readonly Operation[] = [
  {
    id: 'ollamaChat',
    tag: 'Ollama',
    path: '/api/chat',
    method: 'post',
    summary: "Ollama's chat",
    description: 'Any Content-Type is taken for JSON, as Ollama does. Set `OLLAMA_HOST` to this server.',
    access: 'key',
    body: { schema: 'OllamaChat' },
    answers: { 200: streamed('OllamaChatAnswer') },
    faults: CHAT_FAULTS,
    examples: [
      { summary: 'A whole answer', body: { model: MODEL, stream: false, messages: HELLO } },
      { summary: 'As a stream', body: { model: MODEL, messages: HELLO } },
    ],
  },
  {
    id: 'ollamaGenerate',
    tag: 'Ollama',
    path: '/api/generate',
    method: 'post',
    summary: "Ollama's generate",
    access: 'key',
    body: { schema: 'OllamaGenerate' },
    answers: { 200: streamed('OllamaGenerateAnswer') },
    faults: CHAT_FAULTS,
    examples: [
      { summary: 'A whole answer', body: { model: MODEL, stream: false, prompt: 'Say hello in five words.' } },
      { summary: 'Load the model', body: { model: MODEL } },
    ],
  },
  {
    id: 'ollamaTags',
    tag: 'Ollama',
    path: '/api/tags',
    method: 'get',
    summary: "Models, in Ollama's form",
    access: 'key',
    answers: { 200: { description: 'All models.', content: { 'application/json': { schema: 'OllamaModels' } } } },
    faults: MODEL_FAULTS,
    examples: [{ summary: 'All models' }],
  },
  {
    id: 'ollamaPs',
    tag: 'Ollama',
    path: '/api/ps',
    method: 'get',
    summary: "Loaded models, in Ollama's form",
    access: 'key',
    answers: {
      200: { description: 'Those that are loaded.', content: { 'application/json': { schema: 'OllamaModels' } } },
    },
    faults: MODEL_FAULTS,
    examples: [{ summary: 'Loaded models' }],
  },
  {
    id: 'ollamaShow',
    tag: 'Ollama',
    path: '/api/show',
    method: 'post',
    summary: "One model, in Ollama's form",
    access: 'key',
    body: { schema: 'OllamaShow' },
    answers: { 200: { description: 'The model.', content: { 'application/json': { schema: 'OllamaShown' } } } },
    faults: [...MODEL_FAULTS, 'model_not_found'],
    examples: [{ summary: 'The built-in model', body: { model: MODEL } }],
  },
  {
    id: 'ollamaVersion',
    tag: 'Ollama',
    path: '/api/version',
    method: 'get',
    summary: "The version of Ollama's API that is spoken here",
    access: 'key',
    answers: { 200: { description: 'The version.', content: { 'application/json': { schema: 'OllamaVersion' } } } },
    examples: [{ summary: 'Version' }],
  },
];

function streamed(schema: SchemaName) {
  const lines: Content = {
    description: 'JSON, a line each; `done` is true in the last.',
    events: [{ schema }, { schema: 'OllamaFailure' }],
  };
  return {
    description: 'Lines of JSON, or with `"stream": false` one body. Without anything to answer, the model is loaded.',
    content: { 'application/x-ndjson': lines, 'application/json': { schema } },
    headers: CACHE_HEADER,
  };
}
