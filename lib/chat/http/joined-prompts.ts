import { chatEngine } from '#lib/chat/engine-singleton';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { responseStream, waitUntilFinished } from '#lib/chat/generation/response-stream';
import { joinedLogFields } from '#lib/chat/http/access-log-fields';
import { JoinedBody } from '#lib/chat/http/joined-body';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import { AppError, asError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader } from '#lib/http/ignored-fields';
import { consumeRateLimit } from '#lib/http/rate-limit';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { StreamBody } from '#lib/http/stream-body';
import type { CacheHeader, ChatRequest } from '#lib/wire/chat';

/** How an API writes the responses to several prompts of one request. */
export interface JoinedFormat {
  readonly streamHeaders: Readonly<Record<string, string>>;
  body(first: PendingRequest, responses: readonly CompletedResponse[]): object;
  /** The stream of one choice, whose `done` does not end the whole stream. */
  encoder(first: PendingRequest, index: number): StreamEncoder;
  /** The end of the stream. */
  tail(first: PendingRequest): string;
  failure(error: AppError): string;
  /** The API's name for a field of the native request. */
  fieldName(field: string): string;
}

/** The prompts of one request. */
interface Prompts {
  readonly chats: readonly [ChatRequest, ...ChatRequest[]];
  /** Fields of the body that have no meaning here. */
  readonly unknownFields: readonly string[];
}

/**
 * Replies to a request of several prompts. Each of them is a request of the engine, with its own
 * place in queue and cache; if one of them fails, the others are cancelled. Not async: an async
 * function would retain the prompts for as long as they wait.
 */
export function replyToPrompts(
  format: JoinedFormat,
  { chats, unknownFields }: Prompts,
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const [{ stream, model }] = chats;
  return countPrompts(chats.length, context)
    .then(submitAll(chats, request, context))
    .then((all) => replyToAll(format, all, { stream, unknownFields }, request, context), logRejection(context, model));
}

/** The route has counted one request; each further prompt is another one. */
async function countPrompts(prompts: number, { caller, settings }: RequestContext): Promise<void> {
  for (let at = 1; at < prompts; at++) await consumeRateLimit('chat', caller, settings.RATE_LIMIT_CHAT);
}

/** A separate function: only the closure that it returns retains the prompts. */
function submitAll(
  chats: Prompts['chats'],
  request: HttpRequest,
  context: RequestContext,
): () => Promise<PendingRequest[]> {
  const submitter = submitterOf(request, context);
  return () =>
    Promise.allSettled(
      chats.map((chat, index) => chatEngine().submit(chat, index === 0 ? submitter : { ...submitter, id: undefined })),
    ).then(allOrNone);
}

/** Throws the first error, and cancels the others then. */
function allOrNone(results: readonly PromiseSettledResult<PendingRequest>[]): PendingRequest[] {
  const accepted = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const refused = results.find((result) => result.status === 'rejected');
  if (refused === undefined) return accepted;
  cancelAll(accepted);
  throw refused.reason;
}

async function replyToAll(
  format: JoinedFormat,
  all: readonly PendingRequest[],
  { stream, unknownFields }: { stream: boolean; unknownFields: readonly string[] },
  { signal }: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const [first] = all;
  if (first === undefined) throw new AppError('internal_error', 'The request has no prompt.');
  const cacheStatus = joinedStatus(all);
  context.failureLog = () => joinedLogFields(all, cacheStatus);
  const ignored = all.flatMap(({ ignoredFields }) => ignoredFields.map(format.fieldName));
  const headers = {
    'x-cache': cacheStatus,
    'x-request-id': first.id,
    ...ignoredFieldsHeader(unknownFields, ignored),
  };
  try {
    if (stream) return await streamAll(format, all, first, { headers, signal, cacheStatus });
    await Promise.all(all.map((pending) => waitUntilFinished(chatEngine(), pending, signal)));
  } catch (error) {
    // A client that has left may come back within the grace period.
    if (!signal.aborted) cancelAll(all);
    throw error;
  }
  const responses = all.flatMap(({ generation }) => generation.response ?? []);
  return { ...json(format.body(first, responses), 200, headers), log: joinedLogFields(all, cacheStatus) };
}

interface StreamAllOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** The client's. */
  readonly signal: AbortSignal;
  readonly cacheStatus: CacheHeader;
}

/** Begins when the first prompt has a text: the others go on in the same stream. */
async function streamAll(
  format: JoinedFormat,
  all: readonly PendingRequest[],
  first: PendingRequest,
  { headers, signal, cacheStatus }: StreamAllOptions,
): Promise<Reply> {
  let joined: JoinedBody | undefined;
  const failed = () => {
    cancelAll(all);
    joined?.stop();
  };
  const closed = all.map(() => Promise.withResolvers<void>());
  const bodies: Promise<StreamBody>[] = all.map((pending, index) =>
    responseStream(chatEngine(), pending, stoppingAtError(format.encoder(first, index), failed), {
      signal,
      onClosed: () => closed[index]?.resolve(),
    }),
  );
  const begun = await Promise.race(bodies.map((body, index) => body.then((started) => ({ started, index })))).catch(
    (error: unknown) => {
      for (const body of bodies) void closeBody(body);
      throw error;
    },
  );
  const parts = bodies.map((body, index) => (index === begun.index ? begun.started : body));
  joined = new JoinedBody(
    parts,
    () => format.tail(first),
    (error) => {
      cancelAll(all);
      return format.failure(AppError.is(error) ? error : new AppError('internal_error', asError(error).message));
    },
  );
  const log = Promise.all(closed.map(({ promise }) => promise)).then(() => joinedLogFields(all, cacheStatus));
  return { status: 200, headers: { ...format.streamHeaders, ...headers }, body: joined, log };
}

/** Calls `failed` after the text of an error was written. */
function stoppingAtError(encoder: StreamEncoder, failed: () => void): StreamEncoder {
  return {
    ...encoder,
    encode: (event, number) => {
      if (event.type === 'error') queueMicrotask(failed);
      return encoder.encode(event, number);
    },
  };
}

async function closeBody(body: Promise<StreamBody>): Promise<void> {
  const started = await body.catch(() => undefined);
  started?.cancel();
}

function cancelAll(all: readonly PendingRequest[]): void {
  for (const pending of all)
    if (pending.cachedResponse === undefined && pending.finishedAt === undefined)
      chatEngine().cancel(pending.id, pending.caller);
}

/** Of the prompt that had the least from the cache. */
function joinedStatus(all: readonly PendingRequest[]): CacheHeader {
  const statuses: readonly CacheHeader[] = ['bypass', 'miss', 'joined', 'hit'];
  return statuses.find((status) => all.some(({ cacheStatus }) => cacheStatus === status)) ?? 'hit';
}
