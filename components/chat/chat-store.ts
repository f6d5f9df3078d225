import type { ChatRequestBody, ResponseStream } from './chat-api.ts';
import {
  type ChatEffects,
  type ChatState,
  INITIAL_STATE,
  type ModelChoice,
  type NewQuestion,
  newestFirst,
  type ResponsePhase,
} from './chat-state.ts';
import {
  type AssistantMessage,
  type ChatMessage,
  type ChatSettings,
  type Conversation,
  EMPTY_THREAD,
  isRunning,
  isTextless,
  newestLeafBelow,
  pathTo,
  type Thread,
  titleFrom,
  toRequestMessages,
} from './conversation.ts';
import { type DeletionScope, FormerParents, planDeletion } from './delete-messages.ts';
import { describeFailure, followResponse } from './follow-response.ts';
import { continued, markStopped, newResponse } from './message-reducer.ts';

const SAVE_EVERY_MS = 1_000;
/** After a longer wait the reader has turned to something else. */
const MAX_RETRY_WAIT_MS = 10 * 60_000;

/**
 * Conversations and running responses. Independent of React, which reads it with
 * `useSyncExternalStore`.
 */
export class ChatStore {
  #state: ChatState = INITIAL_STATE;
  readonly #effects: ChatEffects;
  readonly #listeners = new Set<() => void>();
  readonly #formerParents = new FormerParents();
  readonly #respondedModels = new Set<string>();
  readonly #running = new Map<string, AbortController>();
  /** Countdowns of `#retryLater`, by response. */
  readonly #retries = new Map<string, { failed: AssistantMessage; abort: AbortController }>();
  /**
   * Conversations whose messages are all in `threads`; the others hold only what was sent here.
   */
  readonly #fullThreads = new Set<string>();
  /** Messages changed since the last frame and the last save. */
  readonly #dirty = new Map<string, AssistantMessage>();
  /** The number of pending writes per conversation. */
  readonly #saving = new Map<string, number>();
  #loading: Promise<void> | undefined;
  #frameRequested = false;
  #savedAt = 0;

  constructor(effects: ChatEffects) {
    this.#effects = effects;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): ChatState => this.#state;

  /** Reads the history once. */
  load(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    try {
      const stored = await this.#effects.history.conversations();
      // Questions sent before the history was read stay.
      this.#set({ ready: true, conversations: newestFirst(this.#state.conversations, stored) });
    } catch {
      this.#set({ ready: true, unsaved: true });
    }
  }

  /**
   * Reads a conversation's messages and resumes responses that were running when the page was
   * left.
   */
  async open(conversationId: string): Promise<void> {
    if (this.#fullThreads.has(conversationId)) return;
    const messages = await this.#effects.history.messages(conversationId).catch(() => []);
    if (this.#fullThreads.has(conversationId)) return;
    this.#fullThreads.add(conversationId);
    // Questions sent before the messages were read stay.
    this.#putThread(conversationId, new Map([...byId(messages), ...this.#thread(conversationId)]));
    for (const message of messages)
      if (isRunning(message) && !this.#running.has(message.id)) void this.#follow(message);
  }

  /** Reads a conversation again after another tab wrote it, unless a response is running here. */
  async refresh(conversationId: string): Promise<void> {
    const messages = await this.#effects.history.messages(conversationId).catch(() => []);
    if (messages.some((message) => this.#running.has(message.id))) return;
    const stored = await this.#effects.history.conversations().catch(() => this.#state.conversations);
    // The history may not contain pending writes yet.
    const saving = this.#state.conversations.filter(({ id }) => this.#saving.has(id));
    const conversations = newestFirst(saving, stored);
    const threads = new Map(this.#state.threads);
    if (!conversations.some(({ id }) => id === conversationId)) this.#forget(threads, conversationId);
    else if (this.#fullThreads.has(conversationId)) threads.set(conversationId, byId(messages));
    this.#set({ conversations, threads });
    for (const { failed } of this.#retries.values())
      if (failed.conversationId === conversationId && !this.#isStill(failed)) this.cancelRetry(failed.id);
  }

  /**
   * Appends the question and a pending response. Returns the conversation's id. A question that is
   * there already is not sent again: it would become its own ancestor.
   */
  send(question: NewQuestion): string {
    const { id: questionId } = question;
    if (questionId !== undefined)
      for (const [conversationId, thread] of this.#state.threads) if (thread.has(questionId)) return conversationId;
    const now = this.#effects.now();
    const conversation: Conversation = this.#conversation(question.conversationId) ?? {
      id: this.#effects.newId(),
      title: titleFrom(question.text, [...(question.files ?? []), ...(question.images ?? [])]),
      createdAt: now,
      updatedAt: now,
      leafId: null,
      model: null,
      systemPrompt: question.settings?.systemPrompt ?? '',
      sampling: question.settings?.sampling ?? {},
      ...thinkOf(question.settings),
    };
    if (this.#conversation(conversation.id) === undefined) this.#fullThreads.add(conversation.id);
    this.#sendQuestion(conversation, conversation.leafId, question, question);
    return conversation.id;
  }

  /**
   * Requests another response to the same question and bypasses the cache. The earlier one stays
   * as a version, unless no text of it arrived.
   */
  regenerate(conversationId: string, responseId: string, choice: ModelChoice): void {
    const conversation = this.#conversation(conversationId);
    const response = this.#thread(conversationId).get(responseId);
    if (conversation === undefined || response?.role !== 'assistant' || response.parentId === null) return;
    const replaced = isTextless(response) && !this.#running.has(responseId) ? response : undefined;
    this.#generate(conversation, response.parentId, [], choice, true, replaced);
  }

  /** Requests the rest of a response that ended early, and appends it. */
  continueResponse(conversationId: string, responseId: string, choice: ModelChoice): void {
    const conversation = this.#conversation(conversationId);
    const response = this.#thread(conversationId).get(responseId);
    if (conversation === undefined || response?.role !== 'assistant') return;
    if (response.content === '' || this.#running.has(responseId)) return;
    const next = continued(response, this.#effects.newId());
    this.#putThread(conversationId, new Map(this.#thread(conversationId)).set(next.id, next));
    this.#request(conversation, next, [], { ...choice, isOnce: true }, true, next.id);
  }

  /** Ends the countdown of `activity`: the response is requested again only on demand. */
  cancelRetry(responseId: string): void {
    this.#retries.get(responseId)?.abort.abort();
    this.#retries.delete(responseId);
    this.#setActivity(responseId, undefined);
  }

  /** Deletes messages at once. Returns the function that brings them back. */
  deleteMessages(conversationId: string, messageId: string, scope: DeletionScope): () => void {
    const conversation = this.#conversation(conversationId);
    const deletion = planDeletion(this.#thread(conversationId), conversation?.leafId ?? null, messageId, scope);
    if (conversation === undefined || deletion.removed.length === 0) return () => undefined;
    const ids = deletion.removed.map(({ id }) => id);
    for (const id of ids) {
      this.stop(conversationId, id);
      this.cancelRetry(id);
    }
    const thread = this.#thread(conversationId);
    const kept = ids.map((id) => thread.get(id)).filter((message) => message !== undefined);
    this.#formerParents.remember(deletion);
    this.#changeTree(
      conversationId,
      deletion.moved.map(({ after }) => after),
      deletion.leafId,
      ids,
    );
    return () => {
      // The thread may have changed since: other deletions, other undos, new questions.
      const now = this.#thread(conversationId);
      const put = this.#formerParents.putBack(now, kept);
      const next = new Map([...now, ...byId(put)]);
      const { leafId } = conversation;
      const shownId = leafId !== null && next.has(leafId) ? leafId : kept[0]?.id;
      this.#changeTree(conversationId, put, shownId === undefined ? null : newestLeafBelow(next, shownId));
    };
  }

  #changeTree(
    conversationId: string,
    put: readonly ChatMessage[],
    leafId: string | null,
    removedIds: readonly string[] = [],
  ): void {
    const conversation = this.#conversation(conversationId);
    if (conversation === undefined) return;
    const thread = new Map(this.#thread(conversationId));
    for (const id of removedIds) thread.delete(id);
    for (const message of put) thread.set(message.id, message);
    this.#putThread(conversationId, thread);
    this.#putConversation({ ...conversation, leafId });
    this.#save(conversationId, put, removedIds);
  }

  /**
   * Adds a changed question as a sibling of the old one, with the same attachments, and sends it.
   */
  edit(conversationId: string, questionId: string, text: string, choice: ModelChoice): void {
    const conversation = this.#conversation(conversationId);
    const question = this.#thread(conversationId).get(questionId);
    if (conversation === undefined || question?.role !== 'user') return;
    this.#sendQuestion(
      conversation,
      question.parentId,
      { text, images: question.images ?? [], files: question.files ?? [] },
      choice,
    );
  }

  /**
   * Cancels a response here and on the server; received text stays. Retries a cancellation that
   * failed.
   */
  stop(conversationId: string, responseId: string): void {
    const message = this.#dirty.get(responseId) ?? this.#thread(conversationId).get(responseId);
    if (message?.role !== 'assistant') return;
    const { stopFailure, ...rest } = message;
    const running = isRunning(message);
    if (!running && stopFailure === undefined) return;
    this.#running.get(responseId)?.abort();
    this.#running.delete(responseId);
    this.#setActivity(responseId, undefined);
    const ended = running ? markStopped(rest, this.#effects.now()) : rest;
    this.#change(ended);
    this.#commit(true);
    if (message.requestId === undefined) return;
    this.#effects.cancel(message.requestId).catch((error: unknown) => {
      // The conversation was deleted meanwhile: no message can show the failure.
      if (!this.#thread(conversationId).has(responseId)) return;
      this.#change({ ...ended, stopFailure: describeFailure(error).message });
      this.#commit(true);
    });
  }

  /** Whether a response of this model ended in this page. */
  hasResponded(model: string): boolean {
    return this.#respondedModels.has(model);
  }

  showVersion(conversationId: string, messageId: string): void {
    const conversation = this.#conversation(conversationId);
    if (conversation === undefined) return;
    const leafId = newestLeafBelow(this.#thread(conversationId), messageId);
    this.#putConversation({ ...conversation, leafId });
    this.#save(conversationId, []);
  }

  chooseModel(conversationId: string, model: string): void {
    const conversation = this.#conversation(conversationId);
    if (conversation === undefined) return;
    this.#putConversation({ ...conversation, model });
    this.#save(conversationId, []);
  }

  configure(conversationId: string, settings: ChatSettings): void {
    const conversation = this.#conversation(conversationId);
    if (conversation === undefined) return;
    const { think: _, ...rest } = conversation;
    const { systemPrompt, sampling } = settings;
    this.#putConversation({ ...rest, systemPrompt, sampling, ...thinkOf(settings) });
    this.#save(conversationId, []);
  }

  rename(conversationId: string, title: string): void {
    const conversation = this.#conversation(conversationId);
    const trimmed = title.trim();
    if (conversation === undefined || trimmed === '') return;
    this.#putConversation({ ...conversation, title: trimmed });
    this.#save(conversationId, []);
  }

  async remove(conversationId: string): Promise<void> {
    for (const message of this.#thread(conversationId).values()) this.stop(conversationId, message.id);
    const threads = new Map(this.#state.threads);
    this.#forget(threads, conversationId);
    this.#set({ conversations: this.#state.conversations.filter(({ id }) => id !== conversationId), threads });
    await this.#effects.history.remove(conversationId).catch(() => this.#set({ unsaved: true }));
    this.#effects.announce(conversationId);
  }

  /** Adds a conversation that `remove` removed, with all its messages. The caller stores it. */
  putBack(conversation: Conversation, messages: readonly ChatMessage[]): void {
    this.#fullThreads.add(conversation.id);
    this.#putThread(conversation.id, byId(messages));
    this.#putConversation(conversation);
    this.#effects.announce(conversation.id);
  }

  async removeAll(): Promise<void> {
    const [first] = this.#state.conversations;
    for (const [conversationId, thread] of this.#state.threads)
      for (const messageId of thread.keys()) this.stop(conversationId, messageId);
    this.#fullThreads.clear();
    this.#set({ conversations: [], threads: new Map() });
    await this.#effects.history.removeAll().catch(() => this.#set({ unsaved: true }));
    // Other tabs read the list of all conversations again.
    if (first !== undefined) this.#effects.announce(first.id);
  }

  /** Whether this page receives the response. */
  isFollowed(messageId: string): boolean {
    return this.#running.has(messageId);
  }

  /** Adds imported conversations. One with the same id is replaced. */
  async add(entries: readonly { conversation: Conversation; messages: readonly ChatMessage[] }[]): Promise<void> {
    for (const { conversation, messages } of entries) await this.#effects.history.save(conversation, messages);
    const conversations = await this.#effects.history.conversations();
    const threads = new Map(this.#state.threads);
    const shown = entries.map(({ conversation }) => conversation.id).filter((id) => threads.has(id));
    for (const id of shown) this.#forget(threads, id);
    this.#set({ conversations, threads });
    await Promise.all(shown.map((id) => this.open(id)));
  }

  /** Saves pending changes before the page is unloaded. */
  flush(): void {
    this.#commit(true);
  }

  #sendQuestion(
    conversation: Conversation,
    parentId: string | null,
    {
      text,
      images = [],
      files = [],
      id = this.#effects.newId(),
    }: Pick<NewQuestion, 'text' | 'images' | 'files' | 'id'>,
    choice: ModelChoice,
  ): void {
    const question: ChatMessage = {
      id,
      conversationId: conversation.id,
      parentId,
      role: 'user',
      content: text,
      createdAt: this.#effects.now(),
      ...(images.length === 0 ? {} : { images }),
      ...(files.length === 0 ? {} : { files }),
    };
    this.#generate(conversation, id, [question], choice, false);
  }

  #generate(
    conversation: Conversation,
    questionId: string,
    added: readonly ChatMessage[],
    choice: ModelChoice,
    bypassCache: boolean,
    replaced?: AssistantMessage,
  ): void {
    const now = this.#effects.now();
    // One millisecond after its question, so that sorting by time keeps the order of the thread.
    const fresh = newResponse(this.#effects.newId(), conversation.id, questionId, now + 1, choice.name);
    const response = replaced === undefined ? fresh : { ...fresh, id: replaced.id };
    const thread = new Map(this.#thread(conversation.id));
    for (const message of [...added, response]) thread.set(message.id, message);
    this.#putThread(conversation.id, thread);
    this.#request(conversation, response, added, choice, bypassCache, questionId);
  }

  /** Requests `response` with the messages up to `lastId`. `added` are saved with it. */
  #request(
    conversation: Conversation,
    response: AssistantMessage,
    added: readonly ChatMessage[],
    choice: ModelChoice,
    bypassCache: boolean,
    lastId: string,
    isAutomatic = false,
  ): void {
    const { model, capabilities: able, isOnce = false } = choice;
    for (const id of this.#retries.keys()) if (this.#thread(conversation.id).has(id)) this.cancelRetry(id);
    const updated: Conversation = {
      ...conversation,
      model: isOnce ? conversation.model : model,
      leafId: response.id === lastId ? conversation.leafId : response.id,
      updatedAt: this.#effects.now(),
    };
    this.#putConversation(updated);
    this.#save(conversation.id, [...added, response]);
    const open = async (signal: AbortSignal) => {
      // The context must be complete: without earlier messages the question means something else.
      if (!this.#fullThreads.has(conversation.id)) await this.open(conversation.id);
      const messages = toRequestMessages(pathTo(this.#thread(conversation.id), lastId), able);
      const body = requestBody({ ...updated, model }, messages, able);
      return await this.#effects.ask({ body, requestId: response.requestId ?? response.id, bypassCache }, signal);
    };
    void this.#follow(response, open).then(() => {
      const ended = this.#thread(conversation.id).get(response.id);
      if (!isAutomatic && ended?.role === 'assistant') void this.#retryLater(ended, choice);
    });
  }

  /** Requests a response once more when the server allows it, if no text arrived. */
  async #retryLater(failed: AssistantMessage, choice: ModelChoice): Promise<void> {
    const waitMs = (failed.failure?.retryAt ?? Number.POSITIVE_INFINITY) - this.#effects.now();
    if (failed.state !== 'failed' || !isTextless(failed) || waitMs > MAX_RETRY_WAIT_MS) return;
    const abort = new AbortController();
    this.#retries.set(failed.id, { failed, abort });
    this.#setActivity(failed.id, 'retrying');
    await this.#effects.pause(Math.max(0, waitMs), abort.signal);
    if (abort.signal.aborted) return;
    this.cancelRetry(failed.id);
    const conversation = this.#conversation(failed.conversationId);
    if (conversation === undefined || failed.parentId === null || !this.#isStill(failed)) return;
    const fresh = newResponse(this.#effects.newId(), conversation.id, failed.parentId, failed.createdAt, choice.name);
    const response = { ...fresh, id: failed.id };
    this.#putThread(conversation.id, new Map(this.#thread(conversation.id)).set(response.id, response));
    this.#request(conversation, response, [], choice, true, failed.parentId, true);
  }

  /** Whether no tab deleted the response or requested it again. */
  #isStill({ id, conversationId, requestId }: AssistantMessage): boolean {
    const now = this.#thread(conversationId).get(id);
    return now?.role === 'assistant' && now.state === 'failed' && isTextless(now) && now.requestId === requestId;
  }

  #setActivity(responseId: string, activity: ResponsePhase | undefined): void {
    if (this.#state.activity.get(responseId) === activity) return;
    const next = new Map(this.#state.activity);
    if (activity === undefined) next.delete(responseId);
    else next.set(responseId, activity);
    this.#set({ activity: next });
  }

  /** Without `openStream` an interrupted response is resumed. */
  async #follow(
    initial: AssistantMessage,
    openStream?: (signal: AbortSignal) => Promise<ResponseStream>,
  ): Promise<void> {
    const abort = new AbortController();
    this.#running.set(initial.id, abort);
    const update = (message: AssistantMessage) => {
      if (message.state === 'done' && message.model !== undefined) this.#respondedModels.add(message.model);
      this.#change(message);
    };
    await followResponse(initial, openStream, {
      effects: this.#effects,
      signal: abort.signal,
      update,
      onConnection: (isLost) => this.#setActivity(initial.id, isLost ? 'reconnecting' : undefined),
    });
    if (abort.signal.aborted) return;
    this.#running.delete(initial.id);
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
      (message) => this.#thread(message.conversationId).get(message.id) !== message,
    );
    const threads = new Map(this.#state.threads);
    for (const message of changed) {
      const thread = threads.get(message.conversationId);
      if (thread !== undefined) threads.set(message.conversationId, new Map(thread).set(message.id, message));
    }
    if (changed.length > 0) this.#set({ threads });
    if (!now && this.#effects.now() - this.#savedAt < SAVE_EVERY_MS) return;
    this.#savedAt = this.#effects.now();
    const unsaved = Map.groupBy(this.#dirty.values(), (message) => message.conversationId);
    this.#dirty.clear();
    for (const [conversationId, messages] of unsaved) this.#save(conversationId, messages);
  }

  #save(conversationId: string, messages: readonly ChatMessage[], removedIds: readonly string[] = []): void {
    const conversation = this.#conversation(conversationId);
    if (conversation === undefined) return;
    this.#saving.set(conversationId, (this.#saving.get(conversationId) ?? 0) + 1);
    this.#effects.history
      .save(conversation, messages, removedIds)
      .then(
        () => this.#effects.announce(conversationId),
        () => this.#set({ unsaved: true }),
      )
      .finally(() => {
        const left = (this.#saving.get(conversationId) ?? 1) - 1;
        if (left > 0) this.#saving.set(conversationId, left);
        else this.#saving.delete(conversationId);
      });
  }

  #conversation(id: string | null): Conversation | undefined {
    return id === null ? undefined : this.#state.conversations.find((conversation) => conversation.id === id);
  }

  #thread(conversationId: string): Thread {
    return this.#state.threads.get(conversationId) ?? EMPTY_THREAD;
  }

  #forget(threads: Map<string, Thread>, conversationId: string): void {
    threads.delete(conversationId);
    this.#fullThreads.delete(conversationId);
  }

  #putThread(conversationId: string, thread: Thread): void {
    this.#set({ threads: new Map(this.#state.threads).set(conversationId, thread) });
  }

  #putConversation(conversation: Conversation): void {
    this.#set({ conversations: newestFirst([conversation], this.#state.conversations) });
  }

  #set(change: Partial<ChatState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

const byId = (messages: readonly ChatMessage[]): Thread => new Map(messages.map((message) => [message.id, message]));

function requestBody(
  { model, systemPrompt, sampling, think }: Conversation,
  messages: ChatRequestBody['messages'],
  able: ModelChoice['capabilities'],
): ChatRequestBody {
  const body: ChatRequestBody = { messages, stream: true };
  if (model !== null) body.model = model;
  if (systemPrompt !== '') body.system_prompt = systemPrompt;
  if (sampling !== undefined) body.options = { ...sampling };
  if (think !== undefined && able.thinking) body.think = think;
  return body;
}

const thinkOf = (settings: ChatSettings | undefined) =>
  settings?.think === undefined ? {} : { think: settings.think };
