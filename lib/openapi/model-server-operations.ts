import { CACHE_POLICY_HEADER } from '#lib/openapi/chat-operations';
import type { Operation, OperationParameter } from '#lib/openapi/operation';
import type { SchemaName } from '#lib/openapi/schemas';
import type { ErrorCode } from '#lib/wire/error';

/** What model servers offer beyond chat: embeddings, other endpoints, and management. */

const CALL_ERROR_CODES: readonly ErrorCode[] = [
  'model_not_found',
  'unsupported_by_model_server',
  'unsupported_value',
  'cancelled',
  'rate_limited',
  'upstream_failed',
  'queue_full',
  'provider_unavailable',
  'not_configured',
  'shutting_down',
  'upstream_timeout',
];
const EMBEDDING_ERROR_CODES: readonly ErrorCode[] = [...CALL_ERROR_CODES, 'context_length_exceeded'];
const X_CACHE = {
  'X-Cache': '`hit` if every input was cached, `joined` if the others were under way, `miss` or `bypass` otherwise.',
  'X-Ignored-Fields': 'Fields without an effect.',
};
/** An input has one embedding, so its age is of no interest. */
const EMBEDDING_PARAMETERS: readonly OperationParameter[] = [
  {
    name: 'Cache-Control',
    in: 'header',
    description: '`no-cache`: do not read the cache, but store the new embeddings. `no-store`: neither.',
    schema: { type: 'string' },
  },
  CACHE_POLICY_HEADER,
];
const EMBEDDING_MODEL = 'nomic-embed-text';
const TEXTS = ['The sky is blue.', 'Why is the sky blue?'];

function embedding(id: string, path: string, schema: SchemaName, response: SchemaName, body: object): Operation {
  const isOpenAi = path.startsWith('/v1/');
  return {
    id,
    tag: isOpenAi ? 'OpenAI' : 'Ollama',
    path,
    method: 'post',
    summary: `Create embeddings (${isOpenAi ? 'OpenAI' : 'Ollama'})`,
    description:
      'Cached and joined by single input: only inputs that are new go to the model server, in batches of at most 64. The built-in model makes none.',
    access: 'key',
    parameters: EMBEDDING_PARAMETERS,
    body: { schema },
    responses: {
      200: {
        description: 'The embeddings, in the order of the inputs.',
        content: { 'application/json': { schema: response } },
        headers: X_CACHE,
      },
    },
    errorCodes: EMBEDDING_ERROR_CODES,
    ...(isOpenAi ? { errorSchema: 'OpenAiError' as const } : {}),
    needsModelServer: true,
    examples: [{ summary: 'Embeddings', body: { model: EMBEDDING_MODEL, ...body } }],
  };
}

interface Passed {
  id: string;
  path: string;
  summary: string;
  /** An example of a JSON body; absent for a form with files. */
  body?: object;
}

function passed({ id, path, summary, body }: Passed): Operation {
  return {
    id,
    tag: 'OpenAI',
    path,
    method: 'post',
    summary,
    description: `Passed on to the same path of the model server, with the response as it is. It waits in the line of chats for a slot. \`unsupported_by_model_server\` if no model server offers it.`,
    access: 'key',
    ...(body === undefined
      ? {
          upload: {
            types: ['multipart/form-data', 'application/json'],
            description:
              'The fields and files of that endpoint, at most 512 MiB, which are sent on when all have arrived; JSON at most 8 MiB.',
          },
        }
      : { body: { schema: 'PassedRequest' as const } }),
    responses: {},
    errorCodes: [...CALL_ERROR_CODES, ...(body === undefined ? UPLOAD_ERROR_CODES : [])],
    errorSchema: 'OpenAiError',
    passesOn: true,
    needsModelServer: true,
    examples: body === undefined ? [] : [{ summary, body }],
  };
}

const UPLOAD_ERROR_CODES: readonly ErrorCode[] = [
  'invalid_request',
  'invalid_json',
  'body_too_large',
  'unsupported_media_type',
];

export const OPENAI_MODEL_SERVER_OPERATIONS: readonly Operation[] = [
  embedding('openAiEmbeddings', '/v1/embeddings', 'OpenAiEmbeddings', 'OpenAiEmbeddingList', { input: TEXTS }),
  passed({
    id: 'rerank',
    path: '/v1/rerank',
    summary: 'Rerank documents',
    body: { model: 'reranker', query: TEXTS[1], documents: [TEXTS[0]] },
  }),
  passed({
    id: 'rerankRoot',
    path: '/rerank',
    summary: 'Rerank documents, at the path of llama.cpp and vLLM',
    body: { model: 'reranker', query: TEXTS[1], documents: [TEXTS[0]] },
  }),
  passed({ id: 'tokenize', path: '/tokenize', summary: 'Split a text into tokens', body: { content: TEXTS[0] } }),
  passed({ id: 'detokenize', path: '/detokenize', summary: 'Join tokens to a text', body: { tokens: [1, 2] } }),
  passed({
    id: 'speech',
    path: '/v1/audio/speech',
    summary: 'Create speech (OpenAI)',
    body: { model: 'tts-1', voice: 'alloy', input: TEXTS[0] },
  }),
  passed({ id: 'transcription', path: '/v1/audio/transcriptions', summary: 'Transcribe audio (OpenAI)' }),
  passed({ id: 'translation', path: '/v1/audio/translations', summary: 'Translate audio (OpenAI)' }),
  passed({
    id: 'imageGeneration',
    path: '/v1/images/generations',
    summary: 'Create an image (OpenAI)',
    body: { model: 'image-model', prompt: 'A cabin in the snow.' },
  }),
  passed({ id: 'imageEdit', path: '/v1/images/edits', summary: 'Edit an image (OpenAI)' }),
  passed({ id: 'imageVariation', path: '/v1/images/variations', summary: 'Vary an image (OpenAI)' }),
];

const MANAGEMENT_ERROR_CODES: readonly ErrorCode[] = [
  'forbidden',
  'not_found',
  'model_not_found',
  'unsupported_by_model_server',
  'cancelled',
  'upstream_failed',
  'provider_unavailable',
  'not_configured',
];
const MANAGEMENT =
  'Passed on to Ollama as it is. Off without `OLLAMA_MANAGE=true`. It needs a key of `API_KEYS`; if none are set, only clients on the machine of the server may use it.';
const DIGEST: OperationParameter = {
  name: 'digest',
  in: 'path',
  description: '`sha256:` and 64 hexadecimal digits.',
  schema: { type: 'string' },
};

const SERVER: OperationParameter = {
  name: 'server',
  in: 'query',
  description:
    'The name of a model server, if there are several. Default: the first that is up; for models that have to be there, the first that has it.',
  schema: { type: 'string' },
};
const SERVER_HEADER = {
  'X-Model-Server': 'The name of the Ollama that was asked. Absent if there is one model server without a `#name=`.',
};

function managing(action: string, summary: string, schema: SchemaName, isStreamed: boolean): Operation {
  return {
    id: `ollama${action[0]?.toUpperCase()}${action.slice(1)}`,
    tag: 'Ollama',
    path: `/api/${action}`,
    method: action === 'delete' ? 'delete' : 'post',
    summary,
    description: MANAGEMENT,
    access: 'key',
    parameters: [SERVER],
    body: { schema },
    responses: isStreamed
      ? {
          200: {
            description: 'Its progress, or one body with `"stream": false`.',
            headers: SERVER_HEADER,
            content: {
              'application/x-ndjson': { events: [{ schema: 'OllamaProgress' }] },
              'application/json': { schema: 'OllamaProgress' },
            },
          },
        }
      : { 200: { description: 'Done.', headers: SERVER_HEADER } },
    errorCodes: MANAGEMENT_ERROR_CODES,
    passesOn: true,
    examples: [],
  };
}

const BLOB = {
  tag: 'Ollama',
  path: '/api/blobs/[digest]',
  access: 'key',
  parameters: [DIGEST, SERVER],
  errorCodes: [...MANAGEMENT_ERROR_CODES, 'invalid_request', 'unsupported_media_type'],
  passesOn: true,
  examples: [],
} as const satisfies Partial<Operation>;

export const OLLAMA_MODEL_SERVER_OPERATIONS: readonly Operation[] = [
  embedding('ollamaEmbed', '/api/embed', 'OllamaEmbed', 'OllamaEmbeddingList', { input: TEXTS }),
  embedding('ollamaEmbeddings', '/api/embeddings', 'OllamaEmbeddings', 'OllamaEmbedding', { prompt: TEXTS[0] }),
  managing('pull', 'Download a model (Ollama)', 'OllamaTransfer', true),
  managing('push', 'Upload a model to a registry (Ollama)', 'OllamaTransfer', true),
  managing('create', 'Create a model (Ollama)', 'OllamaCreate', true),
  managing('copy', 'Copy a model (Ollama)', 'OllamaCopy', false),
  managing('delete', 'Delete a model (Ollama)', 'OllamaDelete', false),
  {
    ...BLOB,
    id: 'ollamaFindBlob',
    method: 'head',
    summary: 'Check whether Ollama has a file',
    description: MANAGEMENT,
    responses: { 200: { description: 'Ollama has it.' }, 404: { description: 'Ollama does not have it.' } },
  },
  {
    ...BLOB,
    id: 'ollamaUploadBlob',
    method: 'post',
    summary: 'Upload a file for a new model (Ollama)',
    description: MANAGEMENT,
    upload: { types: ['application/octet-stream'], description: 'The file, of any size. It is streamed.' },
    responses: { 201: { description: 'Ollama has it.' }, 200: { description: 'Ollama had it already.' } },
  },
];
