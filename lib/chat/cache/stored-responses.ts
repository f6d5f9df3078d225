import { LRUCache } from 'lru-cache';
import type { CacheLimits } from '#lib/chat/cache/counted-cache';
import type { PackedJson } from '#lib/chat/cache/packed-json';
import type { CachedResponse } from '#lib/chat/cache/response-cache';
import type { Clock } from '#lib/chat/clock';
import type { ResponsesState } from '#lib/chat/formats/responses';
import type { ReturnedParameters } from '#lib/chat/formats/responses-request';
import type { ConversationItem } from '#lib/wire/responses-request';

/** Memory of an entry without its packed values, as measured on V8. See decision 0024. */
export const ENTRY_BYTES = 1_600;
/** Responses in sequence. Each has at least one item, so that longer ones have too many. */
export const MAX_CHAIN = 2_000;

/** The request of a stored response. */
export interface StoredRequest {
  readonly id: string;
  readonly caller: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly model: string;
  /** The id of the stored response that this one continues. */
  readonly previous: string | undefined;
  /** What the response repeats of its request. */
  readonly parameters: PackedJson<ReturnedParameters>;
  /** The items that the request added to the conversation. */
  readonly items: PackedJson<readonly ConversationItem[]>;
}

/** A response with its request, from its acceptance on. */
export interface StoredResponse extends StoredRequest {
  /** Whether its stream says that it waited. */
  hasWaited: boolean;
  /** Whether another server has it, too, and adds its result. */
  readonly isCopy?: boolean;
  /** When the other servers' copy was written or renewed; undefined if it is not known. */
  sharedAt?: number;
  /** Undefined while it is generated. */
  readonly result: PackedJson<ResponsesState> | CachedResponse | undefined;
}

/** Where other servers find stored responses. Nothing of it throws. */
export interface SharedResponses {
  /** `current` returns it as it is when it is written; undefined once it is not stored any more. */
  write(stored: StoredResponse, current: () => StoredResponse | undefined): void;
  /** It was used: it is kept for its time to live from now on. */
  renew(stored: StoredResponse): void;
  remove(caller: string, id: string): void;
  /** Has the other servers forget it, too. */
  reportRemoval(caller: string, id: string): void;
}

/**
 * Responses that can be read, continued and deleted by their ids: an LRU with a TTL that is bounded
 * by bytes. Keyed by caller and id: a caller that knows or guesses the id of another reads nothing.
 *
 * A response holds only what its own turn added. Reading it touches those before it, the oldest
 * last, so that none of them is evicted or expires before it.
 */
export class StoredResponses {
  readonly #entries: LRUCache<string, StoredResponse>;
  readonly #shared: SharedResponses | undefined;

  /** `shared` has the responses of all servers; absent if this one is alone. */
  constructor({ maxBytes, ttlMs }: CacheLimits, clock: Clock, shared?: SharedResponses) {
    this.#shared = shared;
    this.#entries = new LRUCache<string, StoredResponse>({
      maxSize: maxBytes,
      sizeCalculation: (entry, key) => key.length + bytesOf(entry),
      ttl: ttlMs,
      ttlResolution: 0,
      updateAgeOnGet: true,
      perf: clock,
    });
  }

  /** Stores a response that is complete, or else is given to `finish` later. */
  add(request: StoredRequest, result?: StoredResponse['result']): void {
    const stored = { ...request, hasWaited: false, result };
    this.#entries.set(keyOf(request.caller, request.id), stored);
    this.#share(stored);
    if (request.previous !== undefined) this.chain(request.caller, request.previous);
  }

  /**
   * Adds the result to a stored response, unless that was deleted or evicted. `result` is called
   * with the response.
   */
  finish(caller: string, id: string, result: (stored: StoredResponse) => PackedJson<ResponsesState>): void {
    const key = keyOf(caller, id);
    const stored = this.#entries.peek(key);
    // Another object: the cache takes the size of an entry when it changes.
    if (stored === undefined) return;
    const finished = { ...stored, result: result(stored) };
    this.#entries.set(key, finished);
    this.#share(finished);
  }

  #share(stored: StoredResponse): void {
    const { caller, id } = stored;
    this.#shared?.write(stored, () => this.peek(caller, id));
  }

  /** Another server adds the result of a response that was accepted here. */
  disown(caller: string, id: string): void {
    const key = keyOf(caller, id);
    const stored = this.#entries.peek(key);
    if (stored !== undefined) this.#entries.set(key, { ...stored, isCopy: true });
  }

  /** Adds what another server has stored, unless this one has its result. */
  adopt(stored: StoredResponse): void {
    const key = keyOf(stored.caller, stored.id);
    if (this.#entries.peek(key)?.result === undefined) this.#entries.set(key, { ...stored, isCopy: true });
  }

  /** Records that the stream of a response says that it waited, as a replay has to. */
  setWaited(caller: string, id: string): void {
    const stored = this.#entries.peek(keyOf(caller, id));
    if (stored === undefined || stored.hasWaited) return;
    stored.hasWaited = true;
    // The server whose copy it is may be adding its result.
    if (stored.isCopy !== true) this.#share(stored);
  }

  /** Like `get`, without an effect on which is evicted next. */
  isStored(caller: string, id: string): boolean {
    return this.#entries.has(keyOf(caller, id));
  }

  get(caller: string, id: string): StoredResponse | undefined {
    const stored = this.#entries.get(keyOf(caller, id));
    if (stored !== undefined) this.#shared?.renew(stored);
    return stored;
  }

  /** Like `get`, without an effect on how long it is kept. */
  peek(caller: string, id: string): StoredResponse | undefined {
    return this.#entries.peek(keyOf(caller, id));
  }

  /**
   * The response and those that it continues, the oldest first. Undefined if one of them is not
   * stored any more.
   */
  chain(caller: string, id: string): StoredResponse[] | undefined {
    const chain: StoredResponse[] = [];
    for (let next: string | undefined = id; next !== undefined; ) {
      const entry: StoredResponse | undefined = this.get(caller, next);
      if (entry === undefined || chain.length === MAX_CHAIN) return undefined;
      chain.push(entry);
      next = entry.previous;
    }
    return chain.reverse();
  }

  /** Returns whether there was one. Responses that continue it cannot be continued any more. */
  delete(caller: string, id: string): boolean {
    this.#shared?.remove(caller, id);
    this.#shared?.reportRemoval(caller, id);
    return this.#entries.delete(keyOf(caller, id));
  }

  /** Another server has deleted a response. */
  forget(caller: string, id: string): void {
    // What this server has written meanwhile is void.
    if (this.#entries.delete(keyOf(caller, id))) this.#shared?.remove(caller, id);
  }

  /** Deletions of other servers may have been missed: theirs are asked for again. */
  forgetCopies(): void {
    for (const [key, { isCopy }] of [...this.#entries.entries()]) if (isCopy === true) this.#entries.delete(key);
  }

  /** Memory of all entries. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }
}

/** Memory of one entry. What several entries share is counted for each. */
export function bytesOf({ parameters, items, result }: StoredResponse): number {
  return ENTRY_BYTES + parameters.bytes + items.bytes + (result?.bytes ?? 0);
}

function keyOf(caller: string, id: string): string {
  return `${id} ${caller}`;
}
