import type { StoredResponse } from '#lib/chat/cache/stored-responses';
import { chatEngine } from '#lib/chat/engine-singleton';
import { requestIdOf, responseId, responseObject } from '#lib/chat/formats/responses';
import { replayEvents } from '#lib/chat/formats/responses-replay';
import {
  lastLeadingNumber,
  type ResponsesStreamOptions,
  responsesStreamEncoder,
} from '#lib/chat/formats/responses-stream';
import { responseEvents } from '#lib/chat/generation/completed-response';
import type { ReadableRequest } from '#lib/chat/generation/request-view';
import { attachedStatus, EVENT_STREAM_HEADERS, pausing, streamReply } from '#lib/chat/http/chat-replies';
import { DEGRADED } from '#lib/chat/http/reply-headers';
import {
  inputItemsOf,
  isCachedResult,
  loadResponse,
  namesOf,
  outputItemsOf,
  settledResponse,
  stateOf,
  storedResponses,
  viewOf,
} from '#lib/chat/http/responses-state';
import { restoredRequests } from '#lib/chat/http/restored-requests';
import { AppError } from '#lib/errors';
import { parseBody } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { eventStream, json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { type ConversationItem, type ResponsesPart, responsesListSchema } from '#lib/wire/responses-request';

/** GET /v1/responses/{id}: a stored response, as JSON or as its stream. */
export async function handleGetResponse(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const stored = await storedResponse(context);
  const { searchParams } = new URL(request.url);
  if (searchParams.get('stream') !== 'true') return json(objectOf(stored));
  return await replayed(stored, startingAfter(searchParams), request);
}

/** POST /v1/responses/{id}/cancel: ends a response; one that has ended stays as it is. */
export async function handleCancelResponse(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { id, caller, result } = await storedResponse(context);
  if (result === undefined) await chatEngine().cancel(id, caller);
  return json(objectOf(await storedResponse(context)));
}

/** DELETE /v1/responses/{id}: ends a response that is generated, and forgets it. */
export async function handleDeleteResponse(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { id, caller, result } = await storedResponse(context);
  if (result === undefined) await chatEngine().cancel(id, caller);
  storedResponses().delete(caller, id);
  const settling = settledResponse(caller, id);
  const isKnown = settling === undefined || (await settling);
  return json({ id: responseId(id), object: 'response', deleted: true }, 200, isKnown ? {} : { ...DEGRADED });
}

/**
 * GET /v1/responses/{id}/input_items: the items of the conversation before the response, also those
 * of the responses that it continues as long as they are stored.
 */
export async function handleInputItems(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const stored = await storedResponse(context);
  const query = Object.fromEntries(new URL(request.url).searchParams);
  const { after, limit, order } = parseBody(responsesListSchema, query);
  const before = stored.previous === undefined ? [] : (storedResponses().chain(stored.caller, stored.previous) ?? []);
  const items = [
    ...before.flatMap((one) => [...inputItemsOf(one), ...outputItemsOf(one)]),
    ...inputItemsOf(stored),
  ].map(listedItem);
  if (order === 'desc') items.reverse();
  const from = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && from === 0) throw invalid('after', 'must be the id of an item of this list');
  const data = items.slice(from, from + limit);
  return json({
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: from + limit < items.length,
  });
}

/** Of any server. Throws `not_found`, also for the response of another caller. */
async function storedResponse({ params, caller }: RequestContext): Promise<StoredResponse> {
  await restoredRequests();
  const given = String(params.id);
  const id = requestIdOf(given);
  if (id !== undefined) {
    await loadResponse(caller, id);
    // Its end may be known here alone yet.
    const settling = settledResponse(caller, id);
    if (settling !== undefined) await settling;
  }
  const stored = id === undefined ? undefined : storedResponses().get(caller, id);
  if (stored !== undefined) return stored;
  throw new AppError(
    'not_found',
    `Response with id '${given}' not found. It was not stored, was deleted, has expired or belongs to another key.`,
  );
}

function objectOf(stored: StoredResponse): object {
  return responseObject(stored, stored.parameters.unpack(), stateOf(stored));
}

/** The stream of a response from its beginning, or from after a number on. */
async function replayed(stored: StoredResponse, after: number | undefined, { signal }: HttpRequest): Promise<Reply> {
  const { id, caller, parameters, result } = stored;
  const options: ResponsesStreamOptions = {
    parameters: () => parameters.json,
    names: namesOf(parameters.unpack()),
    hasWaited: () => storedResponses().get(caller, id)?.hasWaited === true,
    onWaiting: () => storedResponses().setWaited(caller, id),
    isEager: true,
    ...(after === undefined ? {} : { startingAfter: after }),
  };
  const pending = await keptRequest(stored);
  // After a restart, or at a server that has begun it again, the output has other events.
  const isOther = (pending?.eventOffset ?? 0) > 0;
  const isLeading = pending?.isShared === true && (after ?? 0) <= lastLeadingNumber(stored.hasWaited);
  if (after !== undefined && isOther && !isLeading) throw eventsNotKept();
  if (pending !== undefined)
    return await streamReply(pending, attachedStatus(pending), {
      api: { settled: () => settledResponse(caller, id) },
      encoder: pausing(pending, responsesStreamEncoder(pending, options)),
      signal,
      headers: EVENT_STREAM_HEADERS,
    });
  const cached = result !== undefined && isCachedResult(result) ? result.toResponse() : undefined;
  if (cached === undefined && after !== undefined) throw eventsNotKept();
  const { encode } = responsesStreamEncoder(viewOf(stored), options);
  const events = cached === undefined ? replayEvents(stateOf(stored)) : responseEvents(cached);
  return eventStream(events.map((event, index) => encode(event, index + 1)).join(''));
}

function eventsNotKept(): AppError {
  return invalid('starting_after', 'cannot be used any more: the single events of this response are not kept');
}

/** The request with the events of a response; undefined once they are not kept any more. */
async function keptRequest({ id, caller }: StoredResponse): Promise<ReadableRequest | undefined> {
  try {
    return await chatEngine().find(id, caller);
  } catch (error) {
    if (AppError.is(error) && error.code === 'not_found') return undefined;
    throw error;
  }
}

function startingAfter(query: URLSearchParams): number | undefined {
  const given = query.get('starting_after');
  if (given === null) return undefined;
  if (!/^\d{1,15}$/.test(given)) throw invalid('starting_after', 'must be the sequence number of an event');
  return Number(given);
}

/** An item in the form of the SDK's type, in which a text is a list of parts. */
function listedItem(item: ConversationItem) {
  const id = item.id ?? '';
  const status = item.status ?? 'completed';
  if (item.type !== 'message') return { ...item, id, status };
  return { ...item, id, status, content: partsOf(item.content, item.role) };
}

function partsOf(content: string | readonly ResponsesPart[], role: string): readonly object[] {
  if (typeof content !== 'string') return content;
  if (role === 'assistant') return [{ type: 'output_text', text: content, annotations: [], logprobs: [] }];
  return [{ type: 'input_text', text: content }];
}

function invalid(field: string, message: string): AppError {
  return new AppError('invalid_request', `${field} ${message}.`, { details: [{ field, message }] });
}
