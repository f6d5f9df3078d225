import type { ResponseStream } from './chat-api.ts';
import type { ChatRecords } from './chat-records.ts';
import type { ChatEffects } from './chat-state.ts';
import { type AssistantMessage, isRunning } from './conversation.ts';
import { describeFailure, markStopped } from './response-states.ts';

const SAVE_EVERY_MS = 1_000;

/**
 * Responses that this page receives. Their text is published once per frame and saved once per
 * second.
 */
export class RunningResponses {
  readonly #records: ChatRecords;
  readonly #effects: ChatEffects;
  readonly #running = new Map<string, AbortController>();
  readonly #respondedModels = new Set<string>();
  /** Messages changed since the last frame and the last save. */
  readonly #dirty = new Map<string, AssistantMessage>();
  #frameRequested = false;
  #savedAt = 0;

  constructor(records: ChatRecords, effects: ChatEffects) {
    this.#records = records;
    this.#effects = effects;
  }

  has(responseId: string): boolean {
    return this.#running.has(responseId);
  }

  /** Whether a response of this model ended in this page. */
  hasResponded(model: string): boolean {
    return this.#respondedModels.has(model);
  }

  /** Without `openStream` an interrupted response is resumed. */
  async follow(
    initial: AssistantMessage,
    openStream?: (signal: AbortSignal) => Promise<ResponseStream>,
  ): Promise<void> {
    const abort = new AbortController();
    this.#running.set(initial.id, abort);
    const update = (message: AssistantMessage) => {
      if (message.state === 'done' && message.model !== undefined) this.#respondedModels.add(message.model);
      this.#change(message);
    };
    await this.#effects.follow(initial, openStream, {
      effects: this.#effects,
      signal: abort.signal,
      update,
      onConnection: (isLost) => this.#records.setActivity(initial.id, isLost ? 'reconnecting' : undefined),
    });
    if (abort.signal.aborted) return;
    this.#running.delete(initial.id);
    this.#commit(true);
  }

  /**
   * Cancels a response here and on the server; received text stays. Retries a cancellation that
   * failed.
   */
  stop(conversationId: string, responseId: string): void {
    const message = this.#dirty.get(responseId) ?? this.#records.thread(conversationId).get(responseId);
    if (message?.role !== 'assistant') return;
    const { stopFailure, ...rest } = message;
    const running = isRunning(message);
    if (!running && stopFailure === undefined) return;
    this.#running.get(responseId)?.abort();
    this.#running.delete(responseId);
    this.#records.setActivity(responseId, undefined);
    const ended = running ? markStopped(rest, this.#effects.now()) : rest;
    this.#change(ended);
    this.#commit(true);
    if (message.requestId === undefined) return;
    this.#effects.cancel(message.requestId).catch((error: unknown) => {
      // The conversation was deleted meanwhile: no message can show the failure.
      if (!this.#records.thread(conversationId).has(responseId)) return;
      this.#change({ ...ended, stopFailure: describeFailure(error).message });
      this.#commit(true);
    });
  }

  /** Publishes and saves pending changes at once. */
  flush(): void {
    this.#commit(true);
  }

  #change(message: AssistantMessage): void {
    this.#dirty.set(message.id, message);
    if (this.#frameRequested) return;
    this.#frameRequested = true;
    this.#effects.nextFrame(() => {
      this.#frameRequested = false;
      this.#commit(false);
    });
  }

  /** Publishes changed messages. Saves them at most once per interval, or at once if `now`. */
  #commit(now: boolean): void {
    const changed = [...this.#dirty.values()].filter(
      (message) => this.#records.thread(message.conversationId).get(message.id) !== message,
    );
    const threads = new Map(this.#records.state().threads);
    for (const message of changed) {
      const thread = threads.get(message.conversationId);
      if (thread !== undefined) threads.set(message.conversationId, new Map(thread).set(message.id, message));
    }
    if (changed.length > 0) this.#records.set({ threads });
    if (!now && this.#effects.now() - this.#savedAt < SAVE_EVERY_MS) return;
    this.#savedAt = this.#effects.now();
    const unsaved = Map.groupBy(this.#dirty.values(), (message) => message.conversationId);
    this.#dirty.clear();
    for (const [conversationId, messages] of unsaved) this.#records.save(conversationId, messages);
  }
}
