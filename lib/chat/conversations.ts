import { ConversationCache } from '#lib/chat/cache/conversation-cache';
import type { Clock } from '#lib/chat/clock';
import type { ConversationTurn, PendingRequest } from '#lib/chat/generation/pending-request';
import type { Config } from '#lib/config/config';
import { MIB } from '#lib/units';
import type { ChatRequest, Message } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/server-stats';

/** A request with all messages of its conversation. */
export interface ResumedRequest {
  readonly request: ChatRequest;
  readonly id: string;
  readonly state: ConversationTurn['state'];
}

/** Stored conversations, which requests continue by their id. */
export class Conversations {
  readonly #cache: ConversationCache;

  constructor(settings: Config, clock: Clock) {
    this.#cache = new ConversationCache(
      {
        maxBytes: settings.CONVERSATION_CACHE_MAX_SIZE_MB * MIB,
        ttlMs: settings.CONVERSATION_CACHE_TTL_SECONDS * 1000,
      },
      clock,
    );
  }

  /** Undefined if the request names no conversation. */
  resume(request: ChatRequest, caller: string): ResumedRequest | undefined {
    const { conversation_id: id, messages: sent } = request;
    if (id === undefined || request.completion !== undefined) return undefined;
    const { messages, state } = this.#cache.resume(caller, id, sent);
    return { request: { ...request, messages: [...messages] }, id, state };
  }

  /** Stores the messages of a request with its response. */
  store({ caller, conversation, generation }: PendingRequest, messages: readonly Message[]): void {
    const { response } = generation;
    if (conversation === undefined || response === undefined) return;
    const { content, tool_calls } = response;
    const last = messages.at(-1);
    // A continued message and its continuation are one.
    const begun = last?.role === 'assistant' ? last.content : '';
    const reply: Message = {
      role: 'assistant',
      content: begun + content,
      ...(tool_calls.length === 0 ? {} : { tool_calls }),
    };
    const before = last?.role === 'assistant' ? messages.slice(0, -1) : messages;
    this.#cache.store(caller, conversation.id, [...before, reply]);
  }

  stats(): CacheStats {
    return this.#cache.stats();
  }

  /** Returns how many entries were removed. */
  clear(): number {
    return this.#cache.clear();
  }
}
