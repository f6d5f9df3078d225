import { byId, ChatRecords } from './chat-records.ts';
import { type ChatEffects, type ChatState, type ModelChoice, type NewQuestion, newestFirst } from './chat-state.ts';
import {
  type AssistantMessage,
  type ChatMessage,
  type ChatSettings,
  type Conversation,
  isRunning,
  isTextless,
  newestLeafBelow,
  titleFrom,
} from './conversation.ts';
import { ResponseRequests } from './response-requests.ts';
import { continued, newResponse } from './response-states.ts';
import { RunningResponses } from './running-responses.ts';

/**
 * Conversations and their responses, as the reader changes them. Independent of React, which reads
 * the state with `useSyncExternalStore`.
 */
export class ChatStore {
  readonly #effects: ChatEffects;
  readonly #records: ChatRecords;
  readonly #responses: RunningResponses;
  readonly #requests: ResponseRequests;
  #loading: Promise<void> | undefined;

  constructor(effects: ChatEffects) {
    this.#effects = effects;
    this.#records = new ChatRecords(effects);
    this.#responses = new RunningResponses(this.#records, effects);
    this.#requests = new ResponseRequests(this.#records, this.#responses, effects, (id) => this.open(id));
  }

  readonly subscribe = (listener: () => void): (() => void) => this.#records.subscribe(listener);

  readonly state = (): ChatState => this.#records.state();

  /** Reads the history once. */
  load(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    try {
      const stored = await this.#effects.history.conversations();
      this.#records.setHistoryRead();
      // Questions sent before the history was read stay.
      this.#records.set({ ready: true, conversations: newestFirst(this.state().conversations, stored) });
    } catch {
      this.#records.set({ ready: true, unsaved: true });
    }
  }

  /**
   * Reads a conversation's messages and resumes responses that were running when the page was
   * left.
   */
  async open(conversationId: string): Promise<void> {
    if (this.#records.isComplete(conversationId)) return;
    const messages = await this.#effects.history.messages(conversationId).catch(() => []);
    if (this.#records.isComplete(conversationId)) return;
    this.#records.setComplete(conversationId);
    // Questions sent before the messages were read stay.
    this.#records.putThread(conversationId, new Map([...byId(messages), ...this.#records.thread(conversationId)]));
    for (const message of messages)
      if (isRunning(message) && !this.isFollowed(message.id)) void this.#responses.follow(message);
  }

  /** Reads a conversation again after another tab wrote it, unless a response is running here. */
  async refresh(conversationId: string): Promise<void> {
    const messages = await this.#effects.history.messages(conversationId).catch(() => []);
    if (messages.some((message) => this.isFollowed(message.id))) return;
    const stored = await this.#effects.history.conversations().catch(() => this.state().conversations);
    // The history may not contain pending writes yet.
    const saving = this.state().conversations.filter(({ id }) => this.#records.isSaving(id));
    const conversations = newestFirst(saving, stored);
    if (!conversations.some(({ id }) => id === conversationId))
      this.#records.putConversations(conversations, [conversationId]);
    else if (this.#records.isComplete(conversationId)) {
      const thread = byId(this.#records.withUnwritten(conversationId, messages));
      this.#records.set({ conversations, threads: new Map(this.state().threads).set(conversationId, thread) });
    } else this.#records.set({ conversations });
    this.#requests.cancelStaleRetries(conversationId);
  }

  /**
   * Appends the question and a pending response. Returns the conversation's id. A question that is
   * there already is not sent again: it would become its own ancestor.
   */
  send(question: NewQuestion): string {
    const { id: questionId } = question;
    if (questionId !== undefined)
      for (const [conversationId, thread] of this.state().threads) if (thread.has(questionId)) return conversationId;
    const now = this.#effects.now();
    const known = this.#records.conversation(question.conversationId);
    const conversation: Conversation = known ?? {
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
    if (known === undefined) this.#records.setComplete(conversation.id);
    this.#sendQuestion(conversation, conversation.leafId, question, question);
    return conversation.id;
  }

  /**
   * Adds a changed question as a sibling of the old one, with the same attachments, and sends it.
   */
  edit(conversationId: string, questionId: string, text: string, choice: ModelChoice): void {
    const conversation = this.#records.conversation(conversationId);
    const question = this.#records.thread(conversationId).get(questionId);
    if (conversation === undefined || question?.role !== 'user') return;
    const { parentId, images = [], files = [] } = question;
    this.#sendQuestion(conversation, parentId, { text, images, files }, choice);
  }

  /**
   * Requests another response to the same question and bypasses the cache. The earlier one stays
   * as a version, unless no text of it arrived.
   */
  regenerate(conversationId: string, responseId: string, choice: ModelChoice): void {
    const conversation = this.#records.conversation(conversationId);
    const response = this.#records.thread(conversationId).get(responseId);
    if (conversation === undefined || response?.role !== 'assistant' || response.parentId === null) return;
    const replaced = isTextless(response) && !this.isFollowed(responseId) ? response : undefined;
    this.#generate(conversation, response.parentId, [], choice, true, replaced);
  }

  /** Requests the rest of a response that ended early, and appends it. */
  continueResponse(conversationId: string, responseId: string, choice: ModelChoice): void {
    const conversation = this.#records.conversation(conversationId);
    const ended = this.#records.thread(conversationId).get(responseId);
    if (conversation === undefined || ended?.role !== 'assistant') return;
    if (ended.content === '' || this.isFollowed(responseId)) return;
    const response = continued(ended, this.#effects.newId());
    this.#records.putMessages(conversationId, [response]);
    const once = { ...choice, isOnce: true };
    this.#requests.request({ conversation, response, choice: once, bypassCache: true, lastId: response.id });
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
    this.#records.putMessages(conversation.id, [...added, response]);
    this.#requests.request({ conversation, response, added, choice, bypassCache, lastId: questionId });
  }

  cancelRetry(responseId: string): void {
    this.#requests.cancelRetry(responseId);
  }

  stop(conversationId: string, responseId: string): void {
    this.#responses.stop(conversationId, responseId);
  }

  hasResponded(model: string): boolean {
    return this.#responses.hasResponded(model);
  }

  /** Whether this page receives the response. */
  isFollowed(responseId: string): boolean {
    return this.#responses.has(responseId);
  }

  /** Saves pending changes before the page is unloaded. */
  flush(): void {
    this.#responses.flush();
    this.#records.saveFailed();
  }

  /** Writes and removes messages of a conversation, and shows another leaf. */
  changeThread(
    conversationId: string,
    leafId: string | null,
    messages: readonly ChatMessage[],
    removedIds: readonly string[] = [],
  ): void {
    const conversation = this.#records.conversation(conversationId);
    if (conversation === undefined) return;
    this.#records.putMessages(conversationId, messages, removedIds);
    this.#records.putConversation({ ...conversation, leafId });
    this.#records.save(conversationId, messages, removedIds);
  }

  showVersion(conversationId: string, messageId: string): void {
    const leafId = newestLeafBelow(this.#records.thread(conversationId), messageId);
    this.#update(conversationId, (conversation) => ({ ...conversation, leafId }));
  }

  chooseModel(conversationId: string, model: string): void {
    this.#update(conversationId, (conversation) => ({ ...conversation, model }));
  }

  configure(conversationId: string, settings: ChatSettings): void {
    const { systemPrompt, sampling } = settings;
    this.#update(conversationId, ({ think: _, ...rest }) => ({
      ...rest,
      systemPrompt,
      sampling,
      ...thinkOf(settings),
    }));
  }

  rename(conversationId: string, title: string): void {
    const trimmed = title.trim();
    if (trimmed !== '') this.#update(conversationId, (conversation) => ({ ...conversation, title: trimmed }));
  }

  #update(conversationId: string, change: (conversation: Conversation) => Conversation): void {
    const conversation = this.#records.conversation(conversationId);
    if (conversation === undefined) return;
    this.#records.putConversation(change(conversation));
    this.#records.save(conversationId, []);
  }

  async remove(conversationId: string): Promise<void> {
    for (const message of this.#records.thread(conversationId).values()) this.stop(conversationId, message.id);
    const left = this.state().conversations.filter(({ id }) => id !== conversationId);
    this.#records.putConversations(left, [conversationId]);
    await this.#effects.history.remove(conversationId).catch(() => this.#records.set({ unsaved: true }));
    this.#effects.announce(conversationId);
  }

  /** Adds a conversation that `remove` removed, with all its messages. The caller stores it. */
  putBack(conversation: Conversation, messages: readonly ChatMessage[]): void {
    this.#records.setComplete(conversation.id);
    this.#records.putThread(conversation.id, byId(messages));
    this.#records.putConversation(conversation);
    this.#effects.announce(conversation.id);
  }

  async removeAll(): Promise<void> {
    const { conversations, threads } = this.state();
    for (const [conversationId, thread] of threads)
      for (const messageId of thread.keys()) this.stop(conversationId, messageId);
    this.#records.putConversations([], threads.keys());
    await this.#effects.history.removeAll().catch(() => this.#records.set({ unsaved: true }));
    // Other tabs read the list of all conversations again.
    const [first] = conversations;
    if (first !== undefined) this.#effects.announce(first.id);
  }

  /** Adds imported conversations. One with the same id is replaced. */
  async add(entries: readonly { conversation: Conversation; messages: readonly ChatMessage[] }[]): Promise<void> {
    for (const { conversation, messages } of entries) await this.#effects.history.save(conversation, messages);
    const conversations = await this.#effects.history.conversations();
    const { threads } = this.state();
    const shown = entries.map(({ conversation }) => conversation.id).filter((id) => threads.has(id));
    this.#records.putConversations(conversations, shown);
    await Promise.all(shown.map((id) => this.open(id)));
  }
}

const thinkOf = (settings: ChatSettings | undefined) =>
  settings?.think === undefined ? {} : { think: settings.think };
