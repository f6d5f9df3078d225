import { LRUCache } from 'lru-cache';
import type { Clock } from '#lib/chat/clock';
import { type CacheLimits, cacheStats } from '#lib/chat/response-cache';
import type { Message } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/stats';

/** What a message and an entry cost beside their text, as measured on V8. */
const MESSAGE_BYTES = 160;
const ENTRY_BYTES = 480;

export interface Continued {
  messages: readonly Message[];
  conversation: 'new' | 'continued';
}

/**
 * The messages of conversations by caller and id (SPEC 2.4), so that a caller may send only what is new. An id belongs to
 * the caller that used it: nobody continues another's conversation by knowing or guessing its id.
 */
export class Conversations {
  readonly #kept: LRUCache<string, readonly Message[]>;
  readonly #maxBytes: number;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor(limits: CacheLimits, clock: Clock) {
    this.#maxBytes = limits.maxBytes;
    this.#kept = new LRUCache({
      maxSize: limits.maxBytes,
      sizeCalculation: (messages, key) =>
        messages.reduce((bytes, message) => bytes + messageBytes(message), key.length + ENTRY_BYTES),
      ttl: limits.ttlMs,
      ttlResolution: 0,
      perf: clock,
      dispose: (_messages, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
      },
    });
  }

  /** What is meant by `sent`: itself where it is a whole history or nothing is kept, else what is kept and then `sent`. */
  resume(caller: string, id: string, sent: readonly Message[]): Continued {
    const kept = this.#kept.get(keyOf(caller, id));
    if (kept === undefined) {
      this.#misses += 1;
      return { messages: sent, conversation: 'new' };
    }
    this.#hits += 1;
    return { messages: isWholeHistory(sent) ? sent : [...kept, ...sent], conversation: 'continued' };
  }

  /** Keeps `messages` as the whole conversation. */
  keep(caller: string, id: string, messages: readonly Message[]): void {
    this.#kept.set(keyOf(caller, id), messages);
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

function messageBytes({ content, images, tool_calls }: Message): number {
  const pictures = images?.reduce((bytes, image) => bytes + image.length, 0) ?? 0;
  const calls = tool_calls === undefined ? 0 : textBytes(JSON.stringify(tool_calls));
  return MESSAGE_BYTES + textBytes(content) + pictures + calls;
}

/** V8 keeps a string in one byte a character where all of it is Latin-1, else in two. */
function textBytes(text: string): number {
  return NOT_LATIN_1.test(text) ? 2 * text.length : text.length;
}

const NOT_LATIN_1 = /[\u0100-\uffff]/;
