import { type CacheLimits, CountedCache } from '#lib/chat/cache/counted-cache';
import type { Clock } from '#lib/chat/clock';
import { PackedRequest } from '#lib/chat/generation/packed-request';
import type { Message } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/server-stats';

/** Memory of an entry without its packed messages, as measured on V8. */
const ENTRY_BYTES = 720;
/** A longer conversation is not stored: its next request would be above the body limit. */
const MAX_CONVERSATION_BYTES = 16 * 1024 * 1024;

export interface ResumedConversation {
  messages: readonly Message[];
  state: 'new' | 'continued';
}

/**
 * Stored conversations, so that a caller may send only its new messages. Keyed by caller and id: a
 * caller that knows or guesses the id of another cannot continue its conversation.
 */
export class ConversationCache {
  readonly #conversations: CountedCache<PackedRequest<{ messages: readonly Message[] }>>;

  constructor(limits: CacheLimits, clock: Clock) {
    this.#conversations = new CountedCache(limits, clock, ({ bytes }, key) => bytes + key.length + ENTRY_BYTES);
  }

  /** The whole conversation that `sent` continues: `sent` itself if it is a whole history. */
  resume(caller: string, id: string, sent: readonly Message[]): ResumedConversation {
    const stored = this.#conversations.get(keyOf(caller, id));
    if (stored === undefined) return { messages: sent, state: 'new' };
    const messages = isWholeHistory(sent) ? sent : [...stored.unpack().messages, ...sent];
    return { messages, state: 'continued' };
  }

  /** When a conversation was stored, in milliseconds since the epoch; undefined if it is not. */
  storedAt(caller: string, id: string): number | undefined {
    return this.#conversations.storedAt(keyOf(caller, id));
  }

  /** The messages of a conversation; undefined if it is not stored. Not counted as a use. */
  messagesOf(caller: string, id: string): readonly Message[] | undefined {
    return this.#conversations.peek(keyOf(caller, id))?.unpack().messages;
  }

  /**
   * Stores `messages` as the whole conversation, or as it was at `storedAt`; one that is too long
   * is deleted. Returns whether it is stored.
   */
  store(caller: string, id: string, messages: readonly Message[], storedAt?: number): boolean {
    const key = keyOf(caller, id);
    const packed = new PackedRequest({ messages });
    if (packed.bytes > MAX_CONVERSATION_BYTES) this.#conversations.delete(key);
    else if (storedAt === undefined) this.#conversations.set(key, packed);
    else this.#conversations.restore(key, packed, storedAt);
    return packed.bytes <= MAX_CONVERSATION_BYTES;
  }

  /** Returns how many entries were removed. */
  clear(): number {
    return this.#conversations.clear();
  }

  stats(): CacheStats {
    return this.#conversations.stats();
  }
}

/**
 * New messages are the user's or a tool's; a system or assistant message means a whole history.
 */
function isWholeHistory(sent: readonly Message[]): boolean {
  return sent.some(({ role }) => role === 'system' || role === 'assistant');
}

function keyOf(caller: string, id: string): string {
  return JSON.stringify([caller, id]);
}
