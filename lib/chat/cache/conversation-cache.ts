import { LRUCache } from 'lru-cache';
import { type CacheLimits, cacheStats } from '#lib/chat/cache/response-cache';
import type { Clock } from '#lib/chat/clock';
import { PackedRequest } from '#lib/chat/generation/packed-request';
import type { Message } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/server-stats';

/** What an entry costs without its packed messages, as measured on V8. */
const ENTRY_BYTES = 720;
/**
 * A longer conversation is not kept: with the next message it would not be taken in if it were sent
 * as a whole.
 */
const MAX_CONVERSATION_BYTES = 16 * 1024 * 1024;

export interface ResumedConversation {
  messages: readonly Message[];
  conversation: 'new' | 'continued';
}

/**
 * The messages of conversations by caller and id so that a caller may send only what is new. An id
 * belongs to the caller that used it: knowing or guessing the id does not let another caller
 * continue the conversation.
 */
export class ConversationCache {
  readonly #kept: LRUCache<string, PackedRequest<{ messages: readonly Message[] }>>;
  readonly #maxBytes: number;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor(limits: CacheLimits, clock: Clock) {
    this.#maxBytes = limits.maxBytes;
    this.#kept = new LRUCache({
      maxSize: limits.maxBytes,
      sizeCalculation: ({ bytes }, key) => bytes + key.length + ENTRY_BYTES,
      ttl: limits.ttlMs,
      ttlResolution: 0,
      perf: clock,
      dispose: (_messages, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
      },
    });
  }

  /** What is meant by `sent`: itself where it is a whole history or nothing is kept, else what is kept and then `sent`. */
  resume(caller: string, id: string, sent: readonly Message[]): ResumedConversation {
    const kept = this.#kept.get(keyOf(caller, id));
    if (kept === undefined) {
      this.#misses += 1;
      return { messages: sent, conversation: 'new' };
    }
    this.#hits += 1;
    return { messages: isWholeHistory(sent) ? sent : [...kept.unpack().messages, ...sent], conversation: 'continued' };
  }

  /**
   * Keeps `messages` as the whole conversation, outside the heap; one that is too long is
   * forgotten.
   */
  store(caller: string, id: string, messages: readonly Message[]): void {
    const key = keyOf(caller, id);
    const packed = new PackedRequest({ messages });
    if (packed.bytes <= MAX_CONVERSATION_BYTES) this.#kept.set(key, packed);
    else this.#kept.delete(key);
  }

  /** How many went. */
  clear(): number {
    this.#kept.purgeStale();
    const entries = this.#kept.size;
    this.#kept.clear();
    return entries;
  }

  stats(): CacheStats {
    this.#kept.purgeStale();
    return cacheStats(this.#kept, this.#maxBytes, {
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    });
  }
}

/** New messages are the user's or a tool's. Whoever sends a system message or an answer sends the history from its start. */
function isWholeHistory(sent: readonly Message[]): boolean {
  return sent.some(({ role }) => role === 'system' || role === 'assistant');
}

function keyOf(caller: string, id: string): string {
  return JSON.stringify([caller, id]);
}
