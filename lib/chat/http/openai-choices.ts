import { hasDeterministicSampling } from '#lib/chat/cache/cache-policy';
import { droppedNames } from '#lib/chat/dropped-fields';
import { chatEngine } from '#lib/chat/engine-singleton';
import { openAiCompletionOf, openAiStreamEncoder, openAiStreamEnd } from '#lib/chat/formats/openai';
import { mergedStream } from '#lib/chat/generation/merged-stream';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { responseStream, waitUntilFinished } from '#lib/chat/generation/response-stream';
import { choicesLogFields } from '#lib/chat/http/access-log-fields';
import {
  type ApiAdapter,
  dropsFields,
  fieldHeaders,
  type ParsedChatRequest,
  submitterFor,
} from '#lib/chat/http/api-adapter';
import { ageHeader, queueHeaders, queuePosition } from '#lib/chat/http/reply-headers';
import { logRejection } from '#lib/chat/http/submitter';
import { toAppError } from '#lib/chat/model-error';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { consumeRateLimit } from '#lib/http/rate-limit';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import type { CacheHeader, ChatRequest, TokenUsage } from '#lib/wire/chat';

/**
 * Several choices for one request to `/v1/chat/completions`. Each is a generation with its own
 * slot, since not every model server makes more than one: see docs/decisions/0026-cache-policy.md.
 */

interface ChoicesInput {
  readonly adapter: ApiAdapter;
  readonly parsed: ParsedChatRequest;
  readonly count: number;
  readonly includeUsage: boolean;
}

/** A submitted request. Its first choice has the request's id. */
interface Choices {
  readonly all: readonly PendingRequest[];
  readonly first: PendingRequest;
}

/** Not async: an async function would retain the messages for as long as the request waits. */
export function replyWithChoices(
  { adapter, parsed, count, includeUsage }: ChoicesInput,
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const { chat, unknownFields, refused = [] } = parsed;
  const submitter = submitterFor(adapter, request, context, parsed.bodyBytes);
  const droppedFields = droppedNames(refused, dropsFields(chat.drop_params, submitter, context));
  const reported = { unknownFields, droppedFields };
  const { stream } = chat;
  const requests = Array.from({ length: count }, (_, index) => choiceOf(chat, index));
  return countChoices(count, context)
    .then(() => submitAll(requests, (index) => (index === 0 ? submitter : { ...submitter, id: undefined })))
    .then(
      (choices) => {
        const fields = fieldHeaders(adapter, choices.first, reported);
        context.failureHeaders = fields;
        const headers = { ...fields, ...headersOf(choices.all) };
        context.failureLog = () => choicesLogFields(choices.all, cacheStatusOf(choices.all));
        return stream
          ? streamOf(choices, includeUsage, { ...adapter.streamHeaders, ...headers }, request.signal, context)
          : completionOf(choices, headers, request.signal);
      },
      logRejection(context, chat.model),
    );
}

/**
 * The request of one choice. With a seed, each has the next one, as in vLLM and llama.cpp. Without,
 * only the first may be read from the cache: the others would be the same.
 */
function choiceOf(chat: ChatRequest, index: number): ChatRequest {
  if (index === 0) return chat;
  const { seed } = chat.options;
  if (typeof seed === 'number' && seed >= 0) return { ...chat, options: { ...chat.options, seed: seed + index } };
  return hasDeterministicSampling(chat.options) ? { ...chat } : { ...chat, cache: 'off' };
}

/** The request itself is counted already. */
async function countChoices(count: number, { caller, settings }: RequestContext): Promise<void> {
  for (let choice = 1; choice < count; choice++) await consumeRateLimit('chat', caller, settings.RATE_LIMIT_CHAT);
}

type SubmitterOf = (index: number) => Parameters<ReturnType<typeof chatEngine>['submit']>[1];

/** All or none: if one is refused, the others are cancelled. */
function submitAll(requests: ChatRequest[], submitterOf: SubmitterOf): Promise<Choices> {
  const engine = chatEngine();
  const submitted = requests.splice(0).map((request, index) => engine.submit(request, submitterOf(index)));
  return Promise.allSettled(submitted).then((results) => {
    const all = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refusal = results.find((result) => result.status === 'rejected');
    const [first] = all;
    if (refusal === undefined && first !== undefined) return { all, first };
    cancelUnfinished(all);
    throw refusal?.reason;
  });
}

function cancelUnfinished(choices: readonly PendingRequest[]): void {
  for (const { id, caller, finishedAt } of choices) if (finishedAt === undefined) chatEngine().cancel(id, caller);
}

async function completionOf(
  { all, first }: Choices,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Reply> {
  const engine = chatEngine();
  const positions = all.map(queuePosition);
  try {
    await Promise.all(all.map((choice) => waitUntilFinished(engine, choice, signal)));
  } catch (error) {
    // Without a client they have the grace period, as any other request.
    if (!signal.aborted) cancelUnfinished(all);
    throw error;
  }
  const completed = all.map((request) => {
    const { response } = request.generation;
    if (response === undefined) throw new AppError('internal_error', 'The response is not complete.');
    return { request, response };
  });
  const body = openAiCompletionOf(first, completed);
  return {
    ...json(body, 200, { ...headers, ...waitHeaders(all, positions) }),
    log: choicesLogFields(all, cacheStatusOf(all)),
  };
}

async function streamOf(
  { all, first }: Choices,
  includeUsage: boolean,
  headers: Record<string, string>,
  signal: AbortSignal,
  { log }: RequestContext,
): Promise<Reply> {
  const engine = chatEngine();
  const positions = all.map(queuePosition);
  const encoderOf = (request: PendingRequest, index: number) =>
    openAiStreamEncoder(request, includeUsage, { index, first });
  const parts = all.map((request, index) => {
    const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
    return { closed, body: responseStream(engine, request, encoderOf(request, index), { signal, onClosed }) };
  });
  const bodies = parts.map((part) => part.body);
  const body = await mergedStream(bodies, {
    end: () => openAiStreamEnd(first, all.map(usageOf), includeUsage),
    hasFailed: (index) => all[index]?.error !== undefined,
    encodeError: (error) => encoderOf(first, 0).encode({ type: 'error', error: toAppError(error, log) }, 0),
    onFailed: () => {
      if (!signal.aborted) cancelUnfinished(all);
    },
  });
  const status = cacheStatusOf(all);
  return {
    status: 200,
    headers: { ...headers, ...waitHeaders(all, positions) },
    body,
    log: Promise.all(parts.map(({ closed }) => closed)).then(() => choicesLogFields(all, status)),
  };
}

function usageOf({ generation }: PendingRequest): TokenUsage {
  return generation.response?.usage ?? { prompt_tokens: 0, completion_tokens: 0 };
}

/** `hit` if all choices are from the cache, else the state of the first that is not. */
function cacheStatusOf(choices: readonly PendingRequest[]): CacheHeader {
  return choices.find(({ cacheStatus }) => cacheStatus !== 'hit')?.cacheStatus ?? 'hit';
}

function headersOf(choices: readonly PendingRequest[]): Record<string, string> {
  return { 'x-cache': cacheStatusOf(choices), 'x-request-id': choices[0]?.id ?? '' };
}

/** Those of the choice that waited longest; the age of the oldest if all are from the cache. */
function waitHeaders(choices: readonly PendingRequest[], positions: readonly number[]): Record<string, string> {
  const stored = choices.flatMap(({ storedAt, createdAt }) =>
    storedAt === undefined ? [] : [{ storedAt, createdAt }],
  );
  const [oldest] = stored.toSorted((one, other) => one.storedAt - other.storedAt);
  if (oldest !== undefined && stored.length === choices.length) return ageHeader(oldest);
  const last = Math.max(...positions);
  const waiting = choices[positions.lastIndexOf(last)];
  return waiting === undefined ? {} : queueHeaders(waiting, last);
}
