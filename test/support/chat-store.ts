import { ApiError } from '#lib/browser/api-client';
import type { CacheHeader, ChatEvent } from '#lib/wire/chat';
import type { ResponseStream, StreamedEvent, StreamRequest } from '../../components/chat/chat-api.ts';
import { ChatStore } from '../../components/chat/chat-store.ts';
import { type ChatMessage, type Conversation, pathTo } from '../../components/chat/conversation.ts';
import { followResponse } from '../../components/chat/follow-response.ts';
import type { ChatHistory } from '../../components/chat/history-db.ts';
import { CONNECTION_LOST } from '../../components/chat/reconnect.ts';

export const LOST = new ApiError('The connection broke off.', 0, CONNECTION_LOST);
export const DONE: ChatEvent = { done: true, cached: false, model: 'm', done_reason: 'stop' };
export const SEES = { vision: true, thinking: true };
export const BLIND = { vision: false, thinking: false };
export const say = (content: string): ChatEvent => ({ content, done: false });

/** A stream whose events the test sends one by one. */
export class Feed {
  readonly #queue: (StreamedEvent | Error | 'end')[] = [];
  #wake: () => void = () => undefined;

  push(...events: ChatEvent[]): void {
    this.#put(...events.map((event) => ({ event, id: undefined })));
  }

  fail(error: Error): void {
    this.#put(error);
  }

  stream(cache: CacheHeader | null = null): ResponseStream {
    return { cache, events: this.#events() };
  }

  #put(...items: (StreamedEvent | Error | 'end')[]): void {
    this.#queue.push(...items);
    this.#wake();
  }

  async *#events(): ResponseStream['events'] {
    for (;;) {
      const item = this.#queue.shift();
      if (item === undefined)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      else if (item === 'end') return;
      else if (item instanceof Error) throw item;
      else {
        yield item;
        if (item.event.done) return;
      }
    }
  }
}

/** An in-memory history that stores copies, as a database does. */
export class MemoryHistory implements ChatHistory {
  readonly kept = new Map<string, Conversation>();
  readonly texts = new Map<string, ChatMessage>();

  async conversations() {
    return [...this.kept.values()].sort((a, b) => b.updatedAt - a.updatedAt);
  }
  async messages(id: string) {
    return [...this.texts.values()].filter((message) => message.conversationId === id);
  }
  async save(conversation: Conversation, messages: readonly ChatMessage[], removedIds: readonly string[] = []) {
    this.kept.set(conversation.id, structuredClone(conversation));
    for (const id of removedIds) this.texts.delete(id);
    for (const message of messages) this.texts.set(message.id, structuredClone(message));
  }
  async remove(id: string) {
    this.kept.delete(id);
    for (const message of await this.messages(id)) this.texts.delete(message.id);
  }
  async removeAll() {
    this.kept.clear();
    this.texts.clear();
  }
  async search() {
    return new Set<string>();
  }
}

/** A store over a history in memory, with the server's part played by the test. */
export class ChatStoreStage {
  history = new MemoryHistory();
  readonly asked: { asking: StreamRequest; feed: Feed; signal: AbortSignal }[] = [];
  readonly resumed: { requestId: string; feed: Feed }[] = [];
  readonly cancelled: string[] = [];
  cancelFails: ApiError | undefined;
  clock = 0;
  refuse: ApiError | undefined;
  pause: (ms: number, signal: AbortSignal) => Promise<void> = async () => undefined;

  newStore(): ChatStore {
    return new ChatStore({
      history: this.history,
      ask: async (asking, signal) => {
        if (this.refuse !== undefined) throw this.refuse;
        const feed = new Feed();
        this.asked.push({ asking, feed, signal });
        return feed.stream();
      },
      resume: async (requestId) => {
        if (this.refuse !== undefined) throw this.refuse;
        const feed = new Feed();
        this.resumed.push({ requestId, feed });
        return feed.stream();
      },
      cancel: async (requestId) => {
        if (this.cancelFails !== undefined) throw this.cancelFails;
        this.cancelled.push(requestId);
      },
      follow: followResponse,
      now: () => {
        this.clock += 10;
        return this.clock;
      },
      newId: () => `id-${++this.clock}`,
      nextFrame: queueMicrotask,
      pause: (ms, signal) => this.pause(ms, signal),
      online: async () => true,
      announce: () => undefined,
    });
  }
}

/** Waits until all pending promise callbacks have run. */
export const settle = () => new Promise((resolve) => setTimeout(resolve));

export function last<T>(list: readonly T[]): T {
  const item = list.at(-1);
  if (item === undefined) throw new Error('nothing there');
  return item;
}

export function shown(store: ChatStore, id: string): ChatMessage[] {
  const conversation = store.state().conversations.find((one) => one.id === id);
  return pathTo(store.state().threads.get(id) ?? new Map(), conversation?.leafId ?? null);
}
