import { z } from 'zod';
import { PackedJson } from '#lib/chat/cache/packed-json';
import type { CachedResponse } from '#lib/chat/cache/response-cache';
import { MAX_CHAIN, type StoredResponse, StoredResponses } from '#lib/chat/cache/stored-responses';
import { chatEngine } from '#lib/chat/engine-singleton';
import {
  completedState,
  endedState,
  inputItemId,
  itemPlaceOf,
  type ResponsesState,
  requestIdOf,
  unfinishedState,
} from '#lib/chat/formats/responses';
import type { PlacedItem } from '#lib/chat/formats/responses-messages';
import { itemsOf, type ReturnedParameters } from '#lib/chat/formats/responses-request';
import { type ResponsesToolNames, toolNamesOf } from '#lib/chat/formats/responses-tools';
import type { LogEvent } from '#lib/chat/generation/generation-log';
import type { ReadableRequest, RequestView } from '#lib/chat/generation/request-view';
import { ResponseSharing } from '#lib/chat/http/shared-stored-responses';
import type { Settlement } from '#lib/chat/settlement';
import { cluster } from '#lib/cluster/cluster';
import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { ownerOf } from '#lib/http/principal';
import { singleton } from '#lib/singletons';
import { MIB, SECOND_MS } from '#lib/units';
import {
  type ConversationItem,
  isKnownItem,
  type ResponsesRequest,
  responsesItemSchema,
  responsesToolSchema,
} from '#lib/wire/responses-request';

interface Storage {
  readonly responses: StoredResponses;
  /** Undefined in a server that is alone. */
  readonly sharing: ResponseSharing | undefined;
}

interface StorageHolder {
  /** Undefined before the first use. */
  current: Storage | undefined;
}

const emptyHolder = (): StorageHolder => ({ current: undefined });

function storageHolder(): StorageHolder {
  return singleton('chat.stored-responses', emptyHolder);
}

function storage(): Storage {
  const holder = storageHolder();
  holder.current ??= createStorage();
  return holder.current;
}

function createStorage(): Storage {
  const { RESPONSES_MAX_SIZE_MB: megabytes, RESPONSES_TTL_SECONDS: seconds } = config();
  const { clock } = chatEngine();
  const ttlMs = seconds * SECOND_MS;
  const values = cluster()?.storedResponses;
  const sharing = values && new ResponseSharing({ values, clock, ttlMs, stateOf });
  return { sharing, responses: new StoredResponses({ maxBytes: megabytes * MIB, ttlMs }, clock, sharing) };
}

/** Another server has deleted a response; without one, any that it has stored may be deleted. */
export function forgetStored(deleted?: { readonly caller: string; readonly id: string }): void {
  const responses = storageHolder().current?.responses;
  if (deleted === undefined) responses?.forgetCopies();
  else responses?.forget(deleted.caller, deleted.id);
}

/** The stored responses of this process. */
export function storedResponses(): StoredResponses {
  return storage().responses;
}

/**
 * For a reply that names a response: undefined if other servers find it as this one has it, or do
 * not exist. See `SharedValues.settled`.
 */
export function settledResponse(caller: string, id: string): Settlement {
  return storage().sharing?.settled(caller, id);
}

/**
 * Brings what a request continues or refers to into memory, where another server has stored it.
 * Undefined if there is nothing to bring. Never rejects.
 */
export function loadConversation(
  { input, previous_response_id: previous }: Pick<ResponsesRequest, 'input' | 'previous_response_id'>,
  caller: string,
): Promise<void> | undefined {
  const { sharing } = storage();
  if (sharing?.isUsable !== true) return undefined;
  const continued = previous === undefined ? undefined : requestIdOf(previous);
  const referred = itemsOf(input).flatMap((item) =>
    isKnownItem(item) && item.type === 'item_reference' ? (itemPlaceOf(item.id)?.id ?? []) : [],
  );
  const isWhole = continued === undefined || !isMissing(caller, continued, true);
  if (isWhole && !referred.some((id) => isMissing(caller, id))) return undefined;
  return load(sharing, caller, [...(continued === undefined ? [] : [continued]), ...referred]);
}

/**
 * Brings a response, with those that it continues, into memory where another server has stored it.
 * Undefined if there is nothing to bring. Never rejects.
 */
export function loadResponse(caller: string, id: string): Promise<void> | undefined {
  const { sharing } = storage();
  if (sharing?.isUsable !== true || !isMissing(caller, id, true)) return undefined;
  return load(sharing, caller, [id]);
}

/** Whether another server may know more of a response, or of one that it continues. */
function isMissing(caller: string, id: string, withPrevious = false): boolean {
  let next: string | undefined = id;
  for (let length = 0; next !== undefined && length < MAX_CHAIN; length++) {
    const stored = storedResponses().peek(caller, next);
    if (stored === undefined || isUnfinishedCopy(stored)) return true;
    next = withPrevious ? stored.previous : undefined;
  }
  return false;
}

function isUnfinishedCopy({ isCopy, result }: StoredResponse): boolean {
  return isCopy === true && result === undefined;
}

async function load(sharing: ResponseSharing, caller: string, ids: readonly string[]): Promise<void> {
  for (const first of ids)
    for (let id: string | undefined = first, length = 0; id !== undefined && length < MAX_CHAIN; length++) {
      let stored = storedResponses().peek(caller, id);
      if (stored === undefined || isUnfinishedCopy(stored)) {
        const read = await sharing.read(caller, id);
        if (read === undefined) break;
        storedResponses().adopt(read);
        if (read.result === undefined) await finishLost(read);
        stored = read;
      }
      id = stored.previous;
    }
}

/** The server that accepted a request may be lost, and its end known here. Never rejects. */
async function finishLost({ caller, id }: StoredResponse): Promise<void> {
  try {
    const pending = await chatEngine().find(id, caller);
    if (pending.finishedAt !== undefined) finishStored(pending);
  } catch {
    // It is not kept any more, or cannot be asked for now: the response stays unfinished.
  }
}

/** The conversation of a request. */
export interface RequestConversation {
  /** All items, the oldest first. */
  readonly items: readonly PlacedItem[];
  /** Those that the request adds. */
  readonly added: readonly ConversationItem[];
}

/** Bound of what is stored and becomes part of one request: as large as a body with images. */
const MAX_STORED_BYTES = 20 * MIB;

/**
 * Puts the stored conversation before a request's own items, and stored items in the place of their
 * references. Throws `invalid_request` for what is not stored, or is too much.
 */
export function conversationOf(
  { input, previous_response_id: previous }: Pick<ResponsesRequest, 'input' | 'previous_response_id'>,
  caller: string,
): RequestConversation {
  const stored = new StoredItems(caller);
  const before = previous === undefined ? [] : stored.before(previous);
  const added: PlacedItem[] = [];
  for (const [index, item] of itemsOf(input).entries()) {
    if (!isKnownItem(item)) continue;
    const field = `input.${index}`;
    added.push({ field, item: item.type === 'item_reference' ? stored.item(item.id, `${field}.id`) : item });
  }
  return {
    items: [...before.map((item) => ({ item, field: 'previous_response_id' })), ...added],
    added: added.map(({ item }) => item),
  };
}

/** The stored items of one request. Each response is unpacked once. */
class StoredItems {
  readonly #caller: string;
  readonly #unpacked = new Map<string, { input: ConversationItem[]; output: ConversationItem[] }>();
  #bytesLeft = MAX_STORED_BYTES;

  constructor(caller: string) {
    this.#caller = caller;
  }

  /** The conversation up to and with a response. */
  before(response: string): ConversationItem[] {
    const field = 'previous_response_id';
    const id = requestIdOf(response);
    const chain = id === undefined ? undefined : storedResponses().chain(this.#caller, id);
    if (chain === undefined)
      throw invalid(
        field,
        `Previous response with id '${response}' not found: it was not stored, was deleted or has expired. Send the whole conversation as input.`,
      );
    if (chain.at(-1)?.result === undefined)
      throw invalid(field, `The response '${response}' is not complete yet. Wait for its end, or cancel it.`);
    return chain.flatMap((one) => {
      const { input, output } = this.#unpack(one, field);
      return [...input, ...output];
    });
  }

  /** The item with this id. One that is referred to several times counts as often. */
  item(id: string, field: string): ConversationItem {
    const place = itemPlaceOf(id);
    const stored = place === undefined ? undefined : storedResponses().get(this.#caller, place.id);
    const items = stored === undefined ? undefined : this.#unpack(stored, field)[place?.list ?? 'output'];
    const item = items?.find((one) => one.id === id);
    if (item === undefined) throw invalid(field, `Item with id '${id}' not found. Send the item itself.`);
    this.#count(JSON.stringify(item).length, field);
    return item;
  }

  #unpack(stored: StoredResponse, field: string) {
    let unpacked = this.#unpacked.get(stored.id);
    if (unpacked === undefined) {
      this.#count(stored.items.bytes + (stored.result?.bytes ?? 0), field);
      unpacked = { input: inputItemsOf(stored), output: outputItemsOf(stored) };
      this.#unpacked.set(stored.id, unpacked);
    }
    return unpacked;
  }

  #count(bytes: number, field: string): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0)
      throw invalid(
        field,
        `The stored conversation is larger than ${MAX_STORED_BYTES / MIB} MiB. Send a shorter one as input.`,
      );
  }
}

/** The items that a request added, each with an id. */
export function inputItemsOf({ id, items }: StoredResponse): ConversationItem[] {
  return items.unpack().map((item, index) => ({ ...item, id: item.id ?? inputItemId(PREFIXES[item.type], id, index) }));
}

const PREFIXES: Readonly<Record<ConversationItem['type'], string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  function_call_output: 'fco',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'ctco',
};

/** The items of a finished response, as items of a request. */
export function outputItemsOf(stored: StoredResponse): ConversationItem[] {
  return z
    .array(responsesItemSchema)
    .parse(stateOf(stored).output)
    .filter(isKnownItem)
    .filter((item) => item.type !== 'item_reference');
}

/** The state of a stored response. */
export function stateOf(stored: StoredResponse): ResponsesState {
  const { result } = stored;
  if (result === undefined) return unfinishedState(isRunning(stored) ? 'in_progress' : 'queued');
  if (!isCachedResult(result)) return result.unpack();
  return completedState(viewOf(stored), result.toResponse(), namesOf(stored.parameters.unpack()));
}

function isRunning({ id, caller }: StoredResponse): boolean {
  return chatEngine().findHere(id, caller)?.state === 'running';
}

/**
 * Whether a result is shared with the response cache. By its shape: with Next's route bundles the
 * copy of a module that made it may be another one (lib/singletons.ts).
 */
export function isCachedResult(result: NonNullable<StoredResponse['result']>): result is CachedResponse {
  return 'toResponse' in result;
}

/** Adds its end to a stored response, unless it goes on elsewhere or after a restart. */
export function finishStored(pending: ReadableRequest): void {
  const owner = ownerOf(pending.caller);
  if (pending.isSuspended) {
    storedResponses().disown(owner, pending.id);
    return;
  }
  storedResponses().finish(
    owner,
    pending.id,
    (stored) => new PackedJson(finishedState(pending, namesOf(stored.parameters.unpack()))),
  );
}

/** Whether a format writes for a request with a log; by its shape, too. */
export function isReadableRequest(request: RequestView): request is ReadableRequest {
  return 'log' in request;
}

/** The state of a finished request: its items are those of its stream, in the same order. */
export function finishedState(pending: ReadableRequest, names: ResponsesToolNames): ResponsesState {
  return endedState(pending, endedEvents(pending), names);
}

/** All events of a finished request. One that was cancelled alone ends with its own error. */
function* endedEvents({ log, error }: ReadableRequest): Iterable<LogEvent> {
  for (let number = 1; number <= log.lastNumber; number++) {
    const event = log.eventAt(number);
    if (event !== undefined && (error === undefined || (event.type !== 'error' && event.type !== 'done'))) yield event;
  }
  if (error !== undefined) yield { type: 'error', error };
}

/** The tools whose calls differ from plain function calls. */
export function namesOf({ tools }: ReturnedParameters): ResponsesToolNames {
  return toolNamesOf(z.array(responsesToolSchema).parse(tools));
}

const NO_TIMINGS = { queued_ms: 0, first_token_ms: 0, total_ms: 0 };

/** A stored response as the formats see it. */
export function viewOf({ id, createdAt, model }: StoredResponse): RequestView {
  return {
    id,
    generationId: id,
    createdAt,
    model,
    cached: true,
    conversation: undefined,
    timings: () => NO_TIMINGS,
  };
}

function invalid(field: string, message: string): AppError {
  return new AppError('invalid_request', message, { details: [{ field, message }] });
}
