import { type ChatEffects, type ChatState, INITIAL_STATE, newestFirst, type ResponsePhase } from './chat-state.ts';
import { type ChatMessage, type Conversation, EMPTY_THREAD, type Thread } from './conversation.ts';

export const byId = (messages: readonly ChatMessage[]): Thread =>
  new Map(messages.map((message) => [message.id, message]));

/** The conversations of this page in memory, and their writes to the history. */
export class ChatRecords {
  #state: ChatState = INITIAL_STATE;
  readonly #effects: Pick<ChatEffects, 'history' | 'announce'>;
  readonly #listeners = new Set<() => void>();
  /**
   * Conversations whose messages are all in `threads`; the others hold only what was sent here.
   */
  readonly #complete = new Set<string>();
  /** The number of pending writes per conversation. */
  readonly #saving = new Map<string, number>();
  /** Ids of messages whose write failed, per conversation: the next write includes them. */
  readonly #failedWrites = new Map<string, ReadonlySet<string>>();
  #isHistoryRead = false;

  constructor(effects: Pick<ChatEffects, 'history' | 'announce'>) {
    this.#effects = effects;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): ChatState => this.#state;

  set(change: Partial<ChatState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  conversation(id: string | null): Conversation | undefined {
    return id === null ? undefined : this.#state.conversations.find((conversation) => conversation.id === id);
  }

  thread(conversationId: string): Thread {
    return this.#state.threads.get(conversationId) ?? EMPTY_THREAD;
  }

  /** From now on a successful write means that the history has everything. */
  setHistoryRead(): void {
    this.#isHistoryRead = true;
  }

  isComplete(conversationId: string): boolean {
    return this.#complete.has(conversationId);
  }

  setComplete(conversationId: string): void {
    this.#complete.add(conversationId);
  }

  /** Puts another list of conversations, and drops the threads of `droppedIds`. */
  putConversations(conversations: readonly Conversation[], droppedIds: Iterable<string>): void {
    const threads = new Map(this.#state.threads);
    for (const id of droppedIds) {
      threads.delete(id);
      this.#complete.delete(id);
      this.#failedWrites.delete(id);
    }
    this.set({ conversations, threads });
  }

  putThread(conversationId: string, thread: Thread): void {
    this.set({ threads: new Map(this.#state.threads).set(conversationId, thread) });
  }

  putMessages(conversationId: string, messages: readonly ChatMessage[], removedIds: readonly string[] = []): void {
    const thread = new Map(this.thread(conversationId));
    for (const id of removedIds) thread.delete(id);
    for (const message of messages) thread.set(message.id, message);
    this.putThread(conversationId, thread);
  }

  putConversation(conversation: Conversation): void {
    this.set({ conversations: newestFirst([conversation], this.#state.conversations) });
  }

  setActivity(responseId: string, activity: ResponsePhase | undefined): void {
    if (this.#state.activity.get(responseId) === activity) return;
    const next = new Map(this.#state.activity);
    if (activity === undefined) next.delete(responseId);
    else next.set(responseId, activity);
    this.set({ activity: next });
  }

  /** Whether the history may lack changes of the conversation. */
  isSaving(conversationId: string): boolean {
    return this.#saving.has(conversationId) || this.#failedWrites.has(conversationId);
  }

  /** The messages of the history, with what it lacks since a write failed. */
  withUnwritten(conversationId: string, stored: readonly ChatMessage[]): readonly ChatMessage[] {
    const { put, removedIds } = this.#unwritten(conversationId);
    return [...stored.filter(({ id }) => !removedIds.includes(id)), ...put];
  }

  /** Writes again what failed. */
  saveFailed(): void {
    for (const conversationId of this.#failedWrites.keys()) this.save(conversationId, []);
  }

  /** Writes the conversation and these messages, and announces them to other tabs. */
  save(conversationId: string, messages: readonly ChatMessage[], removedIds: readonly string[] = []): void {
    const conversation = this.conversation(conversationId);
    if (conversation === undefined) return;
    this.#saving.set(conversationId, (this.#saving.get(conversationId) ?? 0) + 1);
    const failed = this.#unwritten(conversationId);
    const put = [...byId([...failed.put, ...messages]).values()];
    const removed = [...new Set([...failed.removedIds, ...removedIds])];
    const ids = new Set([...put.map(({ id }) => id), ...removed]);
    this.#effects.history
      .save(conversation, put, removed)
      .then(
        () => {
          this.#forgetFailed(conversationId, ids);
          this.#effects.announce(conversationId);
        },
        () => {
          const earlier = this.#failedWrites.get(conversationId) ?? [];
          if (this.conversation(conversationId) !== undefined)
            this.#failedWrites.set(conversationId, new Set([...earlier, ...ids]));
          this.set({ unsaved: true });
        },
      )
      .finally(() => {
        const left = (this.#saving.get(conversationId) ?? 1) - 1;
        if (left > 0) this.#saving.set(conversationId, left);
        else this.#saving.delete(conversationId);
      });
  }

  /** What the history lacks of a conversation since a write failed. */
  #unwritten(conversationId: string): { put: ChatMessage[]; removedIds: string[] } {
    const thread = this.thread(conversationId);
    const ids = [...(this.#failedWrites.get(conversationId) ?? [])];
    return {
      put: ids.map((id) => thread.get(id)).filter((message) => message !== undefined),
      removedIds: ids.filter((id) => !thread.has(id)),
    };
  }

  #forgetFailed(conversationId: string, ids: ReadonlySet<string>): void {
    const failed = this.#failedWrites.get(conversationId);
    if (failed === undefined) return;
    const left = [...failed].filter((id) => !ids.has(id));
    if (left.length > 0) this.#failedWrites.set(conversationId, new Set(left));
    else this.#failedWrites.delete(conversationId);
    if (this.#failedWrites.size === 0 && this.#isHistoryRead) this.set({ unsaved: false });
  }
}
