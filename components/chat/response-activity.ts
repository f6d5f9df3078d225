import type { ChatState } from './chat-state.ts';
import { type AssistantMessage, EMPTY_THREAD, isRunning, type Thread } from './conversation.ts';

/** The marks that the chat list shows next to titles. */
export interface Activity {
  /** Conversations with a running response, in this tab or another one of the browser. */
  running: ReadonlySet<string>;
  /** Conversations with a response that ended while no tab showed it. */
  unread: ReadonlySet<string>;
}

/** A response that ended by itself: the reader did not stop it. */
export interface EndedResponse {
  conversationId: string;
  message: AssistantMessage;
  /** Whether it waited in the server's queue. */
  wasQueued: boolean;
}

export interface ActivityEffects {
  /** Whether this tab follows the response. Another tab's response is only known from storage. */
  isFollowed(messageId: string): boolean;
  /** Whether the reader sees the conversation now. */
  isInView(conversationId: string): boolean;
  /** Sends the running conversations of this tab to the other tabs. */
  post(running: readonly string[]): void;
  storeUnread(conversationIds: readonly string[]): void;
  /** Called once for each response that this tab followed to its end. */
  onEnd(ended: EndedResponse): void;
}

const NO_ACTIVITY: Activity = { running: new Set(), unread: new Set() };

interface Followed {
  message: AssistantMessage;
  wasQueued: boolean;
}

/** Derives the activity of all conversations from the store's states and other tabs' messages. */
export class ResponseActivity {
  readonly #effects: ActivityEffects;
  readonly #listeners = new Set<() => void>();
  /** Running responses by thread. A thread that did not change is not scanned again. */
  readonly #scanned = new WeakMap<Thread, readonly AssistantMessage[]>();
  readonly #followed = new Map<string, Followed>();
  readonly #peers = new Map<string, readonly string[]>();
  #own: readonly string[] = [];
  #state: Activity = NO_ACTIVITY;

  constructor(effects: ActivityEffects) {
    this.#effects = effects;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): Activity => this.#state;

  /** The conversations whose responses this tab follows. */
  followed(): readonly string[] {
    return [...new Set([...this.#followed.values()].map(({ message }) => message.conversationId))];
  }

  /** Call after each change of the store. */
  update({ threads }: Pick<ChatState, 'threads'>): void {
    const own: string[] = [];
    for (const [conversationId, thread] of threads) {
      const running = this.#runningIn(thread);
      if (running.length > 0) own.push(conversationId);
      for (const message of running)
        if (this.#effects.isFollowed(message.id)) {
          const wasQueued = message.queue !== undefined || this.#followed.get(message.id)?.wasQueued === true;
          this.#followed.set(message.id, { message, wasQueued });
        }
    }
    for (const [id, { message, wasQueued }] of this.#followed) {
      const thread = threads.get(message.conversationId) ?? EMPTY_THREAD;
      if (this.#runningIn(thread).some((running) => running.id === id)) continue;
      this.#followed.delete(id);
      const now = thread.get(id);
      if (now?.role === 'assistant' && now.state !== 'stopped') this.#end(now, wasQueued);
    }
    if (isSame(own, this.#own)) return;
    this.#own = own;
    this.#effects.post(own);
    this.#setRunning();
  }

  /** Another tab reported its running conversations. */
  setPeer(tab: string, running: readonly string[]): void {
    if (running.length === 0) this.#peers.delete(tab);
    else this.#peers.set(tab, running);
    this.#setRunning();
  }

  /**
   * Forgets the other tabs, before they are asked again: one may have crashed. Their marks stay
   * until they report, so that they do not flicker, or until `dropSilentPeers`.
   */
  clearPeers(): void {
    this.#peers.clear();
  }

  /** Removes the marks of tabs that did not report since `clearPeers`. */
  dropSilentPeers(): void {
    this.#setRunning();
  }

  postAgain(): void {
    if (this.#own.length > 0) this.#effects.post(this.#own);
  }

  /** The stored list changed in another tab, or was read at the start. */
  setUnread(conversationIds: readonly string[]): void {
    const unread = conversationIds.filter((id) => !this.#effects.isInView(id));
    this.#set({ ...this.#state, unread: new Set(unread) });
    if (unread.length < conversationIds.length) this.#effects.storeUnread(unread);
  }

  markRead(conversationId: string): void {
    if (!this.#state.unread.has(conversationId)) return;
    const unread = new Set(this.#state.unread);
    unread.delete(conversationId);
    this.#set({ ...this.#state, unread });
    this.#effects.storeUnread([...unread]);
  }

  #end(message: AssistantMessage, wasQueued: boolean): void {
    const { conversationId } = message;
    if (!this.#effects.isInView(conversationId)) {
      const unread = new Set(this.#state.unread).add(conversationId);
      this.#set({ ...this.#state, unread });
      this.#effects.storeUnread([...unread]);
    }
    this.#effects.onEnd({ conversationId, message, wasQueued });
  }

  #runningIn(thread: Thread): readonly AssistantMessage[] {
    const known = this.#scanned.get(thread);
    if (known !== undefined) return known;
    const running: AssistantMessage[] = [];
    for (const message of thread.values()) if (isRunning(message)) running.push(message);
    this.#scanned.set(thread, running);
    return running;
  }

  #setRunning(): void {
    const running = new Set([...this.#own, ...[...this.#peers.values()].flat()]);
    if (!isSame([...running], [...this.#state.running])) this.#set({ ...this.#state, running });
  }

  #set(state: Activity): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function isSame(first: readonly string[], second: readonly string[]): boolean {
  return first.length === second.length && first.every((id, index) => id === second[index]);
}
