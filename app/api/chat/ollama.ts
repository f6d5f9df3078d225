import { chatEngine } from '#lib/chat/index';
import { RecentBodies } from '#lib/chat/recent-bodies';
import { type OllamaKind, ollamaAnswer, ollamaForm, ollamaLoaded } from '#lib/chat/surfaces/ollama';
import { Fault } from '#lib/fault';
import { ignoredHeader } from '#lib/http/ignored-fields';
import { json, type Reply } from '#lib/http/reply';
import type { HttpRequest } from '#lib/http/request';
import type { Call } from '#lib/http/route';
import { processWide } from '#lib/process';
import type { ChatRequest } from '#lib/wire/chat';
import { durationMs } from '#lib/wire/keep-alive';
import { answerThrough } from '../chat-optimized/surface.ts';

const NDJSON = {
  'content-type': 'application/x-ndjson',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Less than this unloads a model. */
const LEAST_KEEP_ALIVE_MS = 1_000;

/** A body of POST /api/chat or /api/generate as it was read. */
export interface OllamaAsked {
  model: string;
  keepAlive: string | number | undefined;
  /** Undefined where there is nothing to answer: the model is to be loaded. */
  chat: ChatRequest | undefined;
  /** Fields that have no meaning here. */
  unknown: readonly string[];
}

export function recentOllamaBodies(kind: OllamaKind): RecentBodies<OllamaAsked> {
  return processWide(`chat.recent-bodies.ollama.${kind}`, () => new RecentBodies<OllamaAsked>());
}

/**
 * Answers POST /api/chat and /api/generate of Ollama's API; without anything to answer, the model
 * is loaded, as there.
 */
export async function ollama(
  kind: OllamaKind,
  { model: name, keepAlive, chat, unknown }: OllamaAsked,
  request: HttpRequest,
  call: Call,
  signal: AbortSignal,
): Promise<Reply> {
  if (chat !== undefined) {
    const surface = {
      form: (ticket: Parameters<typeof ollamaForm>[1]) => ollamaForm(kind, ticket),
      body: (...of: [Parameters<typeof ollamaAnswer>[1], Parameters<typeof ollamaAnswer>[2]]) =>
        ollamaAnswer(kind, ...of),
      headers: NDJSON,
    };
    return answerThrough(surface, chat, request, call, signal, unknown);
  }
  if (keepAlive !== undefined && (durationMs(keepAlive) ?? LEAST_KEEP_ALIVE_MS) < LEAST_KEEP_ALIVE_MS)
    throw new Fault('unsupported_value', 'A model cannot be unloaded from here: others may be using it.', {
      details: [{ field: 'keep_alive', message: 'must be at least 1 s' }],
    });
  const { model } = await chatEngine()
    .warm(name, signal, keepAlive)
    .catch((error: unknown) => {
      // As in Ollama: a client that gets 404 pulls the model.
      if (error instanceof Error && Fault.is(error.cause) && error.cause.code === 'model_not_found') throw error.cause;
      throw error;
    });
  return json(ollamaLoaded(kind, model), 200, ignoredHeader(unknown));
}
