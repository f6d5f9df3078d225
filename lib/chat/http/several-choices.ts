import { hasDeterministicSampling } from '#lib/chat/cache/cache-policy';
import { droppedNames } from '#lib/chat/dropped-fields';
import { chatEngine } from '#lib/chat/engine-singleton';
import type { StreamedChoice } from '#lib/chat/formats/openai';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { AcceptedRequest } from '#lib/chat/generation/accepted-request';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { mergedStream } from '#lib/chat/generation/merged-stream';
import type { ReadableRequest, RequestView } from '#lib/chat/generation/request-view';
import { responseStream, waitUntilFinished } from '#lib/chat/generation/response-stream';
import { choicesLogFields } from '#lib/chat/http/access-log-fields';
import {
  type ApiAdapter,
  dropsFields,
  fieldHeaders,
  type ParsedChatRequest,
  submitterFor,
} from '#lib/chat/http/api-adapter';
import { modelServersHeader } from '#lib/chat/http/chat-replies';
import { ageHeader, degradedHeader, queueHeaders, queuePosition } from '#lib/chat/http/reply-headers';
import { logRejection } from '#lib/chat/http/submitter';
import { toAppError } from '#lib/chat/model-error';
import type { Submitter } from '#lib/chat/submitter';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import type { Principal } from '#lib/http/principal';
import { consumeRateLimit, countEndUser, refundRateLimit } from '#lib/http/rate-limit';
import { json, type Reply } from '#lib/http/reply';
import { requestLimits } from '#lib/http/request-limits';
import type { RequestContext } from '#lib/http/route';
import type { CacheHeader, ChatRequest, TokenUsage } from '#lib/wire/chat';

/**
 * Several choices for one request: `n`, and lists of prompts. Each is a generation with its own
 * slot, since not every model server makes more than one: see docs/decisions/0026-cache-policy.md.
 */

interface Choice {
  readonly request: RequestView;
  readonly response: CompletedResponse;
}

/** How an API writes several choices. `first` is the first one's request. */
export interface ChoicesFormat {
  readonly adapter: ApiAdapter;
  body(first: RequestView, choices: readonly Choice[]): object;
  /** The stream of one choice, whose end does not end the whole stream. */
  encoder(request: RequestView, choice: StreamedChoice): StreamEncoder;
  /** The end of the whole stream. */
  end(first: RequestView, usages: readonly TokenUsage[]): string;
}

interface ParsedChoices extends Omit<ParsedChatRequest, 'chat'> {
  /** One for each prompt. */
  readonly chats: readonly [ChatRequest, ...ChatRequest[]];
  /** Choices for each prompt. */
  readonly choices: number;
}

/** A submitted request. Its first choice has the request's id. */
interface Choices {
  readonly all: readonly AcceptedRequest[];
  readonly first: AcceptedRequest;
}

/** Not async: an async function would retain the prompts for as long as the request waits. */
export function replyWithChoices(
  format: ChoicesFormat,
  { chats, choices, unknownFields, refused = [], bodyBytes, endUser }: ParsedChoices,
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const [{ stream, model, drop_params: dropParams }] = chats;
  const submitter = submitterFor(format.adapter, request, context, bodyBytes, endUser);
  const droppedFields = droppedNames(refused, dropsFields(dropParams, submitter, context));
  const options = { stream, reported: { unknownFields, droppedFields } };
  return countChoices(chats.length * choices, submitter.principal ?? context.principal, context)
    .then(submission(chats, choices, submitter))
    .then((submitted) => replyToAll(format, submitted, options, request, context), logRejection(context, model));
}

/**
 * The request itself is counted already, unless it is of a trusted end user, and stays so if its
 * other choices are too many.
 */
async function countChoices(
  count: number,
  principal: Principal,
  { isUncounted, settings, confirmCount }: RequestContext,
): Promise<void> {
  const { RATE_LIMIT_CHAT: perMinute } = settings;
  const { caller } = principal;
  await countEndUser('chat', principal, { isUncounted, perMinute });
  // Of the request itself, before others: it is the one that stays counted.
  if (count > 1) await confirmCount?.();
  const allowance = requestLimits()?.allowanceOf(principal);
  allowance?.count('model', count - 1);
  let choice = 1;
  try {
    for (; choice < count; choice++) await consumeRateLimit('chat', caller, perMinute);
  } catch (error) {
    allowance?.uncount('model', count - 1);
    // The one that was refused is counted, too.
    for (; choice > 0; choice--) await refundRateLimit('chat', caller, perMinute);
    throw error;
  }
}

/** A separate function: only the closure that it returns retains the prompts. */
function submission(chats: readonly ChatRequest[], choices: number, submitter: Submitter): () => Promise<Choices> {
  return () => {
    const engine = chatEngine();
    const submitted = chats.flatMap((chat) => Array.from({ length: choices }, (_, index) => choiceOf(chat, index)));
    return Promise.allSettled(
      submitted.map((chat, index) => engine.submit(chat, index === 0 ? submitter : { ...submitter, id: undefined })),
    ).then(allOrNone);
  };
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

/** If one is refused, the others are cancelled. */
function allOrNone(results: readonly PromiseSettledResult<AcceptedRequest>[]): Choices {
  const all = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const refusal = results.find((result) => result.status === 'rejected');
  const [first] = all;
  if (refusal === undefined && first !== undefined) return { all, first };
  cancelUnfinished(all);
  throw refusal?.reason;
}

function cancelUnfinished(choices: readonly ReadableRequest[]): void {
  for (const choice of choices) if (choice.finishedAt === undefined) void cancelChoice(choice);
}

async function cancelChoice({ id, caller }: ReadableRequest): Promise<void> {
  try {
    await chatEngine().cancel(id, caller);
  } catch (error) {
    // It has ended meanwhile.
    if (!AppError.is(error)) throw error;
  }
}

interface ReplyOptions {
  readonly stream: boolean;
  readonly reported: Parameters<typeof fieldHeaders>[2];
}

function replyToAll(
  format: ChoicesFormat,
  choices: Choices,
  { stream, reported }: ReplyOptions,
  { signal }: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const { all, first } = choices;
  const fields = fieldHeaders(format.adapter, fieldsOf(all), reported);
  context.failureHeaders = fields;
  const status = cacheStatusOf(all);
  context.failureLog = () => choicesLogFields(all, status);
  const headers = { ...fields, 'x-cache': status, 'x-request-id': first.id };
  return stream ? streamOf(format, choices, headers, signal, context) : completionOf(format, choices, headers, signal);
}

/** Fields without an effect on one of the choices: tokens and text may have other ones. */
function fieldsOf(all: readonly AcceptedRequest[]): Pick<AcceptedRequest, 'ignoredFields' | 'droppedFields'> {
  return {
    ignoredFields: all.flatMap(({ ignoredFields }) => ignoredFields),
    droppedFields: all.flatMap(({ droppedFields }) => droppedFields),
  };
}

async function completionOf(
  format: ChoicesFormat,
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
    const { response } = request;
    if (response === undefined) throw new AppError('internal_error', 'The response is not complete.');
    return { request, response };
  });
  return {
    ...json(format.body(first, completed), 200, { ...headers, ...howServed(all, positions) }),
    log: choicesLogFields(all, cacheStatusOf(all)),
  };
}

async function streamOf(
  format: ChoicesFormat,
  { all, first }: Choices,
  headers: Record<string, string>,
  signal: AbortSignal,
  { log }: RequestContext,
): Promise<Reply> {
  const engine = chatEngine();
  const positions = all.map(queuePosition);
  const encoderOf = (request: ReadableRequest, index: number) => format.encoder(request, { index, first });
  const parts = all.map((request, index) => {
    const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
    return { closed, body: responseStream(engine, request, encoderOf(request, index), { signal, onClosed }) };
  });
  const bodies = parts.map((part) => part.body);
  const body = await mergedStream(bodies, {
    end: () => format.end(first, all.map(usageOf)),
    hasFailed: (index) => all[index]?.error !== undefined,
    encodeError: (error) => encoderOf(first, 0).encode({ type: 'error', error: toAppError(error, log) }, 0),
    onFailed: () => {
      if (!signal.aborted) cancelUnfinished(all);
    },
  });
  const status = cacheStatusOf(all);
  return {
    status: 200,
    headers: { ...format.adapter.streamHeaders, ...headers, ...howServed(all, positions) },
    body,
    log: Promise.all(parts.map(({ closed }) => closed)).then(() => choicesLogFields(all, status)),
  };
}

function usageOf({ response }: ReadableRequest): TokenUsage {
  return response?.usage ?? { prompt_tokens: 0, completion_tokens: 0 };
}

/** Of the choice that had the least from the cache. */
function cacheStatusOf(all: readonly AcceptedRequest[]): CacheHeader {
  const statuses: readonly CacheHeader[] = ['bypass', 'miss', 'joined', 'hit'];
  return statuses.find((status) => all.some(({ cacheStatus }) => cacheStatus === status)) ?? 'hit';
}

/**
 * The age of the oldest if all are from the cache. Otherwise the place in the queue of the choice
 * that waited longest, and the model servers that work on them.
 */
function howServed(choices: readonly ReadableRequest[], positions: readonly number[]): Record<string, string> {
  const stored = choices.flatMap(({ storedAt, createdAt }) =>
    storedAt === undefined ? [] : [{ storedAt, createdAt }],
  );
  const [oldest] = stored.toSorted((one, other) => one.storedAt - other.storedAt);
  if (oldest !== undefined && stored.length === choices.length) return ageHeader(oldest);
  const last = Math.max(...positions);
  const waiting = choices[positions.lastIndexOf(last)];
  const how = { ...modelServersHeader(choices), ...degradedHeader(choices) };
  return { ...how, ...(waiting === undefined ? {} : queueHeaders(waiting, last)) };
}
