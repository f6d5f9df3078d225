import { droppedNames } from '#lib/chat/dropped-fields';
import { chatEngine } from '#lib/chat/engine-singleton';
import { type OllamaEndpoint, ollamaLoadResponse, ollamaResponse, ollamaStreamEncoder } from '#lib/chat/formats/ollama';
import { fromOllamaChat, fromOllamaGenerate, refusedGenerateFields } from '#lib/chat/formats/ollama-request';
import { requireAllowedModel } from '#lib/chat/http/allowed-models';
import {
  type ApiAdapter,
  apiAdapter,
  dropsFields,
  type KnownRequest,
  submitThrough,
  submitterFor,
} from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { type BodyHandling, replyToBody } from '#lib/chat/http/known-bodies';
import { requireManagement } from '#lib/chat/http/ollama-access';
import { AppError } from '#lib/errors';
import { recordChange } from '#lib/http/audit';
import { parseBody } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { droppedFieldsHeader, ignoredFieldsHeader, unknownFields } from '#lib/http/ignored-fields';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { ChatRequest } from '#lib/wire/chat';
import type { ErrorDetail } from '#lib/wire/error';
import { durationMs } from '#lib/wire/keep-alive';
import { ollamaChatSchema, ollamaGenerateSchema } from '#lib/wire/ollama-request';

const NDJSON_HEADERS = {
  'content-type': 'application/x-ndjson',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** A shorter time unloads a model. */
const MIN_KEEP_ALIVE_MS = 1_000;

const CHAT_FIELDS = Object.keys(ollamaChatSchema.shape);
const GENERATE_FIELDS = Object.keys(ollamaGenerateSchema.shape);

const CHAT_API = ollamaApi('chat');
const GENERATE_API = ollamaApi('generate');

/** POST /api/chat of Ollama's API. */
export async function handleOllamaChat(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return replyToBody(CHAT_BODIES, await readChatBody(request, true), request, context);
}

/** POST /api/generate of Ollama's API. */
export async function handleOllamaGenerate(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return replyToBody(GENERATE_BODIES, await readChatBody(request, true), request, context);
}

function ollamaApi(endpoint: OllamaEndpoint): ApiAdapter {
  return apiAdapter({
    streamHeaders: NDJSON_HEADERS,
    encoder: (pending) => ollamaStreamEncoder(endpoint, pending),
    body: (pending, response) => ollamaResponse(endpoint, pending, response),
  });
}

interface OllamaInput {
  readonly model: string;
  readonly keepAlive: string | number | undefined;
  /** Undefined if there is nothing to generate: the model is to be loaded. */
  readonly chat: ChatRequest | undefined;
  /** Fields of the body that have no meaning here. */
  readonly unknownFields: readonly string[];
  /** Fields that no model server supports. */
  readonly refused: readonly ErrorDetail[];
  /** The body's, also of one without messages. */
  readonly dropParams: boolean | undefined;
}

const CHAT_BODIES = ollamaBodies('chat', CHAT_API, parseChat);
const GENERATE_BODIES = ollamaBodies('generate', GENERATE_API, parseGenerate);

function ollamaBodies(
  endpoint: OllamaEndpoint,
  api: ApiAdapter,
  parse: BodyHandling<OllamaInput>['parse'],
): BodyHandling<OllamaInput> {
  return {
    api: `ollama.${endpoint}`,
    parse,
    respond: (input, request, context, remember) => respond(endpoint, api, input, request, context, remember),
  };
}

function parseChat(bytes: Uint8Array): OllamaInput {
  const body = parseChatBody(bytes);
  const parsed = parseBody(ollamaChatSchema, body);
  const { model, keep_alive: keepAlive, drop_params: dropParams } = parsed;
  const unknown = unknownFields(body, parsed, CHAT_FIELDS);
  return { model, keepAlive, chat: fromOllamaChat(parsed), unknownFields: unknown, refused: [], dropParams };
}

function parseGenerate(bytes: Uint8Array): OllamaInput {
  const body = parseChatBody(bytes);
  const parsed = parseBody(ollamaGenerateSchema, body);
  const { model, keep_alive: keepAlive, drop_params: dropParams } = parsed;
  // Ollama fills in the middle without a system prompt.
  const unused = parsed.suffix && parsed.system ? ['system'] : [];
  const unknown = [...unknownFields(body, parsed, GENERATE_FIELDS), ...unused];
  const refused = refusedGenerateFields(parsed);
  return { model, keepAlive, chat: fromOllamaGenerate(parsed), unknownFields: unknown, refused, dropParams };
}

/** Not async: an async function would retain the input for as long as the request waits. */
function respond(
  endpoint: OllamaEndpoint,
  api: ApiAdapter,
  { model, keepAlive, chat, unknownFields: unknown, refused, dropParams }: OllamaInput,
  request: HttpRequest,
  context: RequestContext,
  remember: (known: KnownRequest) => void,
): Promise<Reply> {
  if (chat !== undefined)
    return submitThrough(api, { chat, unknownFields: unknown, refused }, request, context, remember);
  const drops = dropsFields(dropParams, submitterFor(api, request, context), context);
  const headers = { ...ignoredFieldsHeader(unknown), ...droppedFieldsHeader(droppedNames(refused, drops)) };
  if (keepAlive !== undefined && (durationMs(keepAlive) ?? MIN_KEEP_ALIVE_MS) < MIN_KEEP_ALIVE_MS)
    return unloadModel(endpoint, model, headers, request, context);
  return loadModel(endpoint, model, keepAlive, headers, request.signal, context);
}

/** Unloads a model that no request needs, where this is allowed. */
async function unloadModel(
  endpoint: OllamaEndpoint,
  name: string,
  headers: Record<string, string>,
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  if (!context.settings.OLLAMA_MANAGE)
    throw new AppError(
      'unsupported_value',
      'A model cannot be unloaded through this server, because other users may need it. Set OLLAMA_MANAGE=true to allow it.',
      { details: [{ field: 'keep_alive', message: 'must be at least 1 s' }] },
    );
  requireManagement(request, context);
  const model = await chatEngine().unloadModel(name, request.signal);
  recordChange(context, { action: 'model.unload', target: model, summary: `unloaded the model ${model}` });
  return json(ollamaLoadResponse(endpoint, model, 'unload'), 200, headers);
}

/** Loads a model, as any chat with it does. */
async function loadModel(
  endpoint: OllamaEndpoint,
  name: string,
  keepAlive: string | number | undefined,
  headers: Record<string, string>,
  signal: AbortSignal,
  { principal }: RequestContext,
): Promise<Reply> {
  await requireAllowedModel(principal, name);
  const { model } = await chatEngine()
    .warmModel(name, signal, { keepAlive, on: 'first' })
    .catch((error: unknown) => {
      // As in Ollama: a client that gets 404 pulls the model.
      if (error instanceof Error && AppError.is(error.cause) && error.cause.code === 'model_not_found')
        throw error.cause;
      throw error;
    });
  return json(ollamaLoadResponse(endpoint, model), 200, headers);
}
