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
}

/**
 * Replies to a request of several prompts. Each of them is a request of the engine, with its own
 * place in queue and cache; if one of them fails, the others are cancelled.
 */
export async function replyToPrompts(
  format: JoinedFormat,
  { chats, unknownFields }: { chats: readonly ChatRequest[]; unknownFields: readonly string[] },
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const [{ stream, model } = { stream: false, model: undefined }] = chats;
  await countPrompts(chats.length, context);
  const all = await submitAll(chats, request, context).catch(logRejection(context, model));
  const [first] = all;
  if (first === undefined) throw new AppError('internal_error', 'The request has no prompt.');
  const cacheStatus = joinedStatus(all);
  context.failureLog = () => joinedLogFields(all, cacheStatus);
  const headers = {
    'x-cache': cacheStatus,
    'x-request-id': first.id,
    ...ignoredFieldsHeader(unknownFields, ...all.map(({ ignoredFields }) => ignoredFields)),
  };
  try {
    if (stream) return await streamAll(format, all, first, headers, request.signal, cacheStatus);
    await Promise.all(all.map((pending) => waitUntilFinished(chatEngine(), pending, request.signal)));
  } catch (error) {
    cancelAll(all);
    throw error;
  }
  const responses = all.flatMap(({ generation }) => generation.response ?? []);
  return { ...json(format.body(first, responses), 200, headers), log: joinedLogFields(all, cacheStatus) };
}

/** The route has counted one request; each further prompt is another one. */
async function countPrompts(prompts: number, { caller, settings }: RequestContext): Promise<void> {
  for (let at = 1; at < prompts; at++) await consumeRateLimit('chat', caller, settings.RATE_LIMIT_CHAT);
}

async function submitAll(
  chats: readonly ChatRequest[],
  request: HttpRequest,
  context: RequestContext,
): Promise<PendingRequest[]> {
  const submitter = submitterOf(request, context);
  const results = await Promise.allSettled(
    chats.map((chat, index) => chatEngine().submit(chat, index === 0 ? submitter : { ...submitter, id: undefined })),
  );
  const accepted = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const refused = results.find((result) => result.status === 'rejected');
  if (refused === undefined) return accepted;
  cancelAll(accepted);
  throw refused.reason;
}

/** Begins when the first prompt has a text: the others go on in the same stream. */
async function streamAll(
  format: JoinedFormat,
  all: readonly PendingRequest[],
  first: PendingRequest,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  cacheStatus: CacheHeader,
): Promise<Reply> {
  const closed = all.map(() => Promise.withResolvers<void>());
  const bodies: Promise<StreamBody>[] = all.map((pending, index) =>
    responseStream(chatEngine(), pending, format.encoder(first, index), {
      signal,
      onClosed: () => closed[index]?.resolve(),
    }),
  );
  // Failures after the first body are part of the stream.
  const begun = await Promise.race(bodies.map((body, index) => body.then((started) => ({ started, index })))).catch(
    (error: unknown) => {
      for (const body of bodies) void closeBody(body);
      throw error;
    },
  );
  const parts = bodies.map((body, index) => (index === begun.index ? begun.started : body));
  const failure = (error: unknown) => {
    cancelAll(all);
    return format.failure(AppError.is(error) ? error : new AppError('internal_error', asError(error).message));
  };
  const log = Promise.all(closed.map(({ promise }) => promise)).then(() => joinedLogFields(all, cacheStatus));
  return {
    status: 200,
    headers: { ...format.streamHeaders, ...headers },
    body: new JoinedBody(parts, () => format.tail(first), failure),
    log,
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
