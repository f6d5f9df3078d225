import { ParsedBodyCache } from '#lib/chat/cache/parsed-body-cache';
import { chatEngine } from '#lib/chat/engine-singleton';
import { type OllamaEndpoint, ollamaLoadResponse, ollamaResponse, ollamaStreamEncoder } from '#lib/chat/formats/ollama';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader } from '#lib/http/ignored-fields';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { singleton } from '#lib/singletons';
import type { ChatRequest } from '#lib/wire/chat';
import { durationMs } from '#lib/wire/keep-alive';
import { submitThrough } from './api-adapter.ts';

const NDJSON = {
  'content-type': 'application/x-ndjson',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Less than this unloads a model. */
const MIN_KEEP_ALIVE_MS = 1_000;

/** A body of POST /api/chat or /api/generate as it was read. */
export interface OllamaInput {
  model: string;
  keepAlive: string | number | undefined;
  /** Undefined where there is nothing to answer: the model is to be loaded. */
  chat: ChatRequest | undefined;
  /** Fields that have no meaning here. */
  unknown: readonly string[];
}

export function parsedOllamaBodies(kind: OllamaEndpoint): ParsedBodyCache<OllamaInput> {
  return singleton(`chat.recent-bodies.ollama.${kind}`, () => new ParsedBodyCache<OllamaInput>());
}

/**
 * Answers POST /api/chat and /api/generate of Ollama's API; without anything to answer, the model
 * is loaded, as there.
 */
export async function handleOllama(
  kind: OllamaEndpoint,
  { model: name, keepAlive, chat, unknown }: OllamaInput,
  request: HttpRequest,
  call: RequestContext,
  signal: AbortSignal,
): Promise<Reply> {
  if (chat !== undefined) {
    const surface = {
      encoder: (ticket: Parameters<typeof ollamaStreamEncoder>[1]) => ollamaStreamEncoder(kind, ticket),
      body: (...of: [Parameters<typeof ollamaResponse>[1], Parameters<typeof ollamaResponse>[2]]) =>
        ollamaResponse(kind, ...of),
      headers: NDJSON,
    };
    return submitThrough(surface, chat, request, call, signal, unknown);
  }
  if (keepAlive !== undefined && (durationMs(keepAlive) ?? MIN_KEEP_ALIVE_MS) < MIN_KEEP_ALIVE_MS)
    throw new AppError('unsupported_value', 'A model cannot be unloaded from here: others may be using it.', {
      details: [{ field: 'keep_alive', message: 'must be at least 1 s' }],
    });
  const { model } = await chatEngine()
    .warmModel(name, signal, keepAlive)
    .catch((error: unknown) => {
      // As in Ollama: a client that gets 404 pulls the model.
      if (error instanceof Error && AppError.is(error.cause) && error.cause.code === 'model_not_found')
        throw error.cause;
      throw error;
    });
  return json(ollamaLoadResponse(kind, model), 200, ignoredFieldsHeader(unknown));
}
