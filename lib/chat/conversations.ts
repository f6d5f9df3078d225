import { z } from 'zod';
import { ConversationCache } from '#lib/chat/cache/conversation-cache';
import type { Clock } from '#lib/chat/clock';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { TurnElsewhere } from '#lib/chat/generation/generation-types';
import type { ConversationTurn, PendingRequest } from '#lib/chat/generation/pending-request';
import type { Settlement } from '#lib/chat/settlement';
import type { SharedValues } from '#lib/cluster/cluster';
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
  readonly #clock: Clock;
  readonly #shared: SharedValues | undefined;

  /** `shared` has the conversations of all servers; absent if this one is alone. */
  constructor(settings: Config, clock: Clock, shared?: SharedValues) {
    this.#clock = clock;
    this.#shared = shared;
    this.#cache = new ConversationCache(
      {
        maxBytes: settings.CONVERSATION_CACHE_MAX_SIZE_MB * MIB,
        ttlMs: settings.CONVERSATION_CACHE_TTL_SECONDS * 1000,
      },
      clock,
    );
  }

  /**
   * Brings a conversation that another server may have continued into memory. Undefined if there is
   * none to bring. Never rejects.
   */
  load({ conversation_id: id, completion }: ChatRequest, caller: string): Promise<void> | undefined {
    if (id === undefined || completion !== undefined || this.#shared?.isUsable !== true) return undefined;
    return this.#load(this.#shared, caller, id);
  }

  async #load(shared: SharedValues, caller: string, id: string): Promise<void> {
    const stored = await shared.read(sharedKey(caller, id));
    const messages = stored && decodeMessages(stored.bytes);
    // That of this server is newer where it could not be shared.
    if (messages === undefined || stored === undefined) return;
    if (stored.createdAt > (this.#cache.storedAt(caller, id) ?? 0))
      this.#cache.store(caller, id, messages, Math.min(stored.createdAt, this.#clock.now()));
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
    const { response, runsElsewhere } = generation;
    if (conversation === undefined || response === undefined) return;
    // The server that works on it writes it, too, so that it may be continued elsewhere by now.
    this.#store(caller, conversation.id, withReply(messages, response), runsElsewhere);
  }

  /** Stores the turn of a request of another server, which may be lost. */
  storeElsewhere({ caller, id }: TurnElsewhere, response: CompletedResponse, messages: readonly Message[]): void {
    this.#store(caller, id, withReply(messages, response), false);
  }

  #store(caller: string, id: string, messages: readonly Message[], unlessNewer: boolean): void {
    const isStored = this.#cache.store(caller, id, messages);
    const key = sharedKey(caller, id);
    const encode = () => this.#encode(caller, id);
    if (isStored) this.#shared?.write(key, this.#clock.now(), encode, { unlessNewer });
    else this.#shared?.remove(key);
  }

  /** As it is now: what waits for Redis is not held twice. */
  #encode(caller: string, id: string): Uint8Array | undefined {
    const messages = this.#cache.messagesOf(caller, id);
    return messages && Buffer.from(JSON.stringify(messages));
  }

  /**
   * For a reply to a request of a conversation: undefined if other servers can continue it. See
   * `SharedValues.settled`.
   */
  settled({ caller, conversation }: PendingRequest): Settlement {
    return conversation === undefined ? undefined : this.#shared?.settled(sharedKey(caller, conversation.id));
  }

  stats(): CacheStats {
    return this.#cache.stats();
  }

  /** Returns how many entries of this server were removed. */
  clear(): number {
    this.#shared?.clear().catch(() => {
      // Redis is away: it is done once it is back, and until then no server reads from it here.
    });
    return this.#cache.clear();
  }

  /** Another server has cleared the conversations. */
  forget(): void {
    this.#cache.clear();
  }
}

/** A conversation with the response to its last message. */
function withReply(messages: readonly Message[], { content, tool_calls }: CompletedResponse): Message[] {
  const last = messages.at(-1);
  // A continued message and its continuation are one.
  const begun = last?.role === 'assistant' ? last.content : '';
  const reply: Message = {
    role: 'assistant',
    content: begun + content,
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
  };
  return [...(last?.role === 'assistant' ? messages.slice(0, -1) : messages), reply];
}

const messagesShape = z.array(z.object({ role: z.string(), content: z.string() }));

function decodeMessages(bytes: Uint8Array): readonly Message[] | undefined {
  try {
    const messages: Message[] = JSON.parse(Buffer.from(bytes).toString());
    return messagesShape.safeParse(messages).success ? messages : undefined;
  } catch {
    return undefined;
  }
}

function sharedKey(caller: string, id: string): string {
  return JSON.stringify([caller, id]);
}
