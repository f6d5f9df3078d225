import type { ChatState, NewQuestion } from './chat-state.ts';
import { isRunning, type ModelCapabilities } from './conversation.ts';
import { NEW_CHAT } from './history-db.ts';
import { type OutboxStorage, OutboxWrites } from './outbox-writes.ts';
import { byTurn, type QueuedMessage, type Wait } from './queued-message.ts';

/** Side effects of the outbox, injected so that tests run without a browser. */
export interface OutboxEffects {
  storage: OutboxStorage;
  page: string;
  /** The page that this tab showed before a reload. */
  previousPage: string | null;
  closedPages(pages: readonly string[]): Promise<string[]>;
  /** Runs `take` once the previous page has ended: a duplicated tab has one that lives on. */
  afterPreviousPage<T>(take: () => Promise<T[]>): Promise<T[]>;
  /** Runs `take` if the page is closed. */
  ifClosed<T>(page: string, take: () => Promise<T[]>): Promise<T[]>;
  /** Other pages see that this one lives. */
  holdPage(): Promise<void>;
  chat: {
    state(): ChatState;
    subscribe(listener: () => void): () => void;
    load(): Promise<void>;
    open(conversationId: string): Promise<void>;
    send(question: NewQuestion): string;
  };
  isOffline(): boolean;
  onConnection(listener: () => void): () => void;
  /** Undefined until the models are known. */
  capabilities(model: string | null): ModelCapabilities | undefined;
  /** A sentence why the request would be too large. */
  refusal(message: QueuedMessage, conversationId: string | null): string | undefined;
}

const NONE: readonly QueuedMessage[] = [];

/**
 * Messages that are sent later, in order, also while another conversation is shown. A stopped or
 * failed response holds them back until the reader sends the first one, as it does in the command
 * line tools for coding: what comes next may no longer fit.
 */
export class OutboxStore {
  readonly #effects: OutboxEffects;
  readonly #writes: OutboxWrites;
  readonly #chats = new Map<string, readonly QueuedMessage[]>();
  readonly #listeners = new Set<() => void>();
  readonly #started = new Set<(conversationId: string) => void>();
  readonly #confirmed = new Set<string>();
  readonly #refusals = new Map<string, string>();
  /** Messages whose owner is read before they are sent. */
  readonly #checked = new Set<string>();
  /** The conversation that the messages of the new chat became, once the first one was sent. */
  #start: { conversationId?: string } = {};
  #editing: string | undefined;
  #loading: Promise<void> | undefined;
  #isRunScheduled = false;

  constructor(effects: OutboxEffects) {
    this.#effects = effects;
    this.#writes = new OutboxWrites(effects.storage, effects.holdPage);
    effects.chat.subscribe(() => this.#run());
    effects.onConnection(() => {
      this.#run();
      this.#notify();
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls back when a message of the new chat was sent, with the id of its conversation. */
  onStarted(listener: (conversationId: string) => void): () => void {
    this.#started.add(listener);
    return () => this.#started.delete(listener);
  }

  /** Referentially stable until the messages of the chat change. */
  messages(chat: string): readonly QueuedMessage[] {
    return this.#chats.get(chat) ?? NONE;
  }

  editing(): string | undefined {
    return this.#editing;
  }

  /** The sentence of a message that is too large. */
  refusalOf(id: string): string | undefined {
    return this.#refusals.get(id);
  }

  /** Reads the messages that this tab had before a reload, and those of closed tabs. Once. */
  load(): Promise<void> {
    this.#loading ??= this.#load().catch(() => {
      // They stay in storage: the next call reads them.
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** Queues a message in front of those that are held back. */
  add(message: Omit<QueuedMessage, 'page' | 'held'>): void {
    const added = { ...message, page: this.#effects.page, held: false };
    this.#change(message.chat, (messages) => {
      const place = messages.findIndex(({ held }) => held);
      return messages.toSpliced(place === -1 ? messages.length : place, 0, added);
    });
    this.#writes.put(added);
    this.#run();
  }

  edit(chat: string, id: string): void {
    if (this.messages(chat).some((message) => message.id === id)) this.#setEditing(id);
  }

  /** Ends editing. Without a text the message stays as it was. */
  endEdit(chat: string, id: string, text?: string): void {
    const message = this.messages(chat).find((one) => one.id === id);
    if (message !== undefined && text !== undefined) {
      const changed = { ...message, text };
      this.#refusals.delete(id);
      this.#change(chat, (messages) => messages.map((one) => (one.id === id ? changed : one)));
      this.#writes.update(changed);
    }
    this.#setEditing(undefined);
    this.#run();
  }

  /** Removes a message. Returns the function that puts it back. */
  remove(chat: string, id: string): () => void {
    const place = this.messages(chat).findIndex((message) => message.id === id);
    const message = this.messages(chat)[place];
    if (message === undefined) return () => undefined;
    if (this.#editing === id) this.#setEditing(undefined);
    const start = this.#start;
    this.#drop(message);
    return () => {
      const target = chat === NEW_CHAT ? (start.conversationId ?? NEW_CHAT) : chat;
      const { conversations } = this.#effects.chat.state();
      // Its conversation was deleted meanwhile.
      if (target !== NEW_CHAT && !conversations.some((one) => one.id === target)) return;
      const restored = { ...message, chat: target };
      // The messages in front of it have become the conversation.
      if (target === chat) this.#change(target, (messages) => messages.toSpliced(place, 0, restored));
      else this.#change(target, (messages) => [...messages, restored].sort(byTurn));
      this.#writes.put(restored);
      this.#run();
    };
  }

  /** Deletes the messages of a chat. */
  forget(chat: string): void {
    for (const message of this.messages(chat)) this.#drop(message);
  }

  /** Releases the messages of a chat that are held back. */
  sendNow(chat: string): void {
    const [first] = this.messages(chat);
    if (first === undefined) return;
    this.#confirmed.add(first.id);
    this.#hold(chat, false);
    this.#run();
  }

  /** Why the first message of the chat waits; undefined without one. */
  waitOf(chat: string): Wait | undefined {
    const [first] = this.messages(chat);
    if (first === undefined) return undefined;
    if (first.id === this.#editing) return 'editing';
    if (first.held) return 'reader';
    const wait = chat === NEW_CHAT ? undefined : conversationWait(this.#effects.chat.state(), chat);
    if (wait !== undefined && !(wait === 'reader' && this.#confirmed.has(first.id))) return wait;
    if (this.#refusals.has(first.id)) return 'refused';
    return this.#effects.isOffline() ? 'network' : undefined;
  }

  async #load(): Promise<void> {
    const { page, previousPage, storage } = this.#effects;
    const stored = await storage.all();
    const pages = new Set(stored.map((message) => message.page));
    pages.delete(page);
    if (pages.size === 0) return;
    await this.#effects.holdPage();
    if (previousPage !== null && pages.delete(previousPage)) {
      const left = await this.#effects.afterPreviousPage(() => storage.reassign(previousPage, page));
      await this.#take(left);
    }
    for (const other of await this.#effects.closedPages([...pages])) {
      const left = await this.#effects.ifClosed(other, () => storage.reassign(other, page, true));
      await this.#take(left);
    }
  }

  async #take(own: readonly QueuedMessage[]): Promise<void> {
    if (own.length === 0) return;
    await this.#effects.chat.load();
    const chats = new Set(own.map(({ chat }) => chat));
    for (const chat of chats) if (chat !== NEW_CHAT) await this.#effects.chat.open(chat);
    const { conversations } = this.#effects.chat.state();
    for (const message of own) {
      const isDeleted = message.chat !== NEW_CHAT && !conversations.some(({ id }) => id === message.chat);
      // The page ended between sending the question and removing it here.
      if (isDeleted || this.#isSent(message.id)) this.#writes.remove(message.id);
      else {
        this.#writes.markStored(message.id);
        this.#change(message.chat, (messages) => [...messages, message].sort(byTurn));
      }
    }
    this.#run();
  }

  /** Another page may have sent it. */
  #isSent(id: string): boolean {
    return [...this.#effects.chat.state().threads.values()].some((thread) => thread.has(id));
  }

  /** Deferred: the chat's state is complete only after the caller has finished. */
  #run(): void {
    if (this.#isRunScheduled || this.#chats.size === 0) return;
    this.#isRunScheduled = true;
    queueMicrotask(() => {
      this.#isRunScheduled = false;
      for (const chat of [...this.#chats.keys()]) this.#sendFirst(chat);
    });
  }

  /** Sends the first message of a chat, unless it has to wait. */
  #sendFirst(chat: string): void {
    const [first] = this.messages(chat);
    if (first === undefined || this.#checked.has(first.id)) return;
    if (this.#isSent(first.id)) {
      this.#drop(first);
      this.#run();
      return;
    }
    const wait = this.waitOf(chat);
    if (wait === 'reader' && !first.held) this.#hold(chat, true);
    if (wait !== undefined) return;
    const conversationId = chat === NEW_CHAT ? null : chat;
    const refusal = this.#effects.refusal(first, conversationId);
    if (refusal === undefined) void this.#sendIfOwn(first);
    else {
      this.#refusals.set(first.id, refusal);
      this.#notify();
    }
  }

  /** Sends a message that no other page has taken; without storage no page can. */
  async #sendIfOwn({ id, chat }: QueuedMessage): Promise<void> {
    this.#checked.add(id);
    const isOwn = await this.#writes.isOwn(id, this.#effects.page);
    this.#checked.delete(id);
    const [first] = this.messages(chat);
    if (first?.id === id && !isOwn) this.#release(first);
    // Something may have changed meanwhile.
    else if (first?.id === id && !this.#isSent(id) && this.waitOf(chat) === undefined)
      this.#send(first, chat === NEW_CHAT ? null : chat);
    this.#run();
  }

  #hold(chat: string, held: boolean): void {
    this.#change(chat, (messages) => messages.map((message) => ({ ...message, held })));
    for (const message of this.messages(chat)) this.#writes.update(message);
  }

  #send(message: QueuedMessage, conversationId: string | null): void {
    const conversation = this.#effects.chat.state().conversations.find(({ id }) => id === conversationId);
    // The model may have been changed since the message was written.
    const model = conversation === undefined ? message.model : conversation.model;
    const capabilities = this.#effects.capabilities(model) ?? message.capabilities;
    const { id, text, images, files, settings } = message;
    // First: sending notifies, which runs the outbox again.
    this.#drop(message);
    const sentTo = this.#effects.chat.send({
      ...{ id, conversationId, text, images, files, settings, model, capabilities },
    });
    if (conversationId !== null) return;
    this.#start.conversationId = sentTo;
    this.#start = {};
    for (const left of this.messages(NEW_CHAT)) {
      const moved = { ...left, chat: sentTo };
      this.#drop(left, moved);
    }
    for (const listener of this.#started) listener(sentTo);
  }

  /** Removes a message, or moves it to the chat of `moved`. */
  #drop(message: QueuedMessage, moved?: QueuedMessage): void {
    this.#release(message);
    if (moved === undefined) this.#writes.remove(message.id);
    else {
      this.#change(moved.chat, (messages) => [...messages, moved]);
      this.#writes.update(moved);
    }
  }

  /** Removes a message here, not in storage. */
  #release(message: QueuedMessage): void {
    this.#confirmed.delete(message.id);
    this.#refusals.delete(message.id);
    this.#change(message.chat, (messages) => messages.filter(({ id }) => id !== message.id));
  }

  #setEditing(id: string | undefined): void {
    this.#editing = id;
    this.#notify();
  }

  #change(chat: string, edit: (messages: readonly QueuedMessage[]) => readonly QueuedMessage[]): void {
    const messages = edit(this.messages(chat));
    if (messages.length === 0) this.#chats.delete(chat);
    else this.#chats.set(chat, messages);
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Why the next message of a conversation waits for its last response. */
function conversationWait(
  { ready, conversations, threads, activity }: ChatState,
  conversationId: string,
): Wait | undefined {
  const conversation = conversations.find(({ id }) => id === conversationId);
  const thread = threads.get(conversationId);
  if (!ready || conversation === undefined || thread === undefined) return 'loading';
  if (conversation.leafId === null) return undefined;
  const leaf = thread.get(conversation.leafId);
  if (leaf === undefined) return 'loading';
  const isDone = leaf.role !== 'assistant' || leaf.state === 'done';
  if (isRunning(leaf) || activity.get(leaf.id) === 'retrying') return 'answer';
  return isDone ? undefined : 'reader';
}
