import type { ChatRequestBody } from './chat-api.ts';
import type { ChatRecords } from './chat-records.ts';
import type { ChatEffects, ModelChoice } from './chat-state.ts';
import {
  type AssistantMessage,
  type ChatMessage,
  type Conversation,
  isTextless,
  pathTo,
  toRequestMessages,
} from './conversation.ts';
import { newResponse } from './response-states.ts';
import type { RunningResponses } from './running-responses.ts';

/** After a longer wait the reader has turned to something else. */
const MAX_RETRY_WAIT_MS = 10 * 60_000;

interface ResponseRequest {
  conversation: Conversation;
  /** The pending response, which is in the thread already. */
  response: AssistantMessage;
  /** Messages that are saved with the response. */
  added?: readonly ChatMessage[];
  choice: ModelChoice;
  bypassCache: boolean;
  /** The last message that the model reads. */
  lastId: string;
  /** Whether a failed response was requested again without the reader. */
  isRetry?: boolean;
}

/** Requests responses, and once more when the server allows it. */
export class ResponseRequests {
  readonly #records: ChatRecords;
  readonly #responses: RunningResponses;
  readonly #effects: ChatEffects;
  readonly #openThread: (conversationId: string) => Promise<void>;
  /** Countdowns to the second request, by response. */
  readonly #retries = new Map<string, { failed: AssistantMessage; abort: AbortController }>();

  /** `openThread` reads all messages of a conversation into the records. */
  constructor(
    records: ChatRecords,
    responses: RunningResponses,
    effects: ChatEffects,
    openThread: (conversationId: string) => Promise<void>,
  ) {
    this.#records = records;
    this.#responses = responses;
    this.#effects = effects;
    this.#openThread = openThread;
  }

  request({ conversation, response, added = [], choice, bypassCache, lastId, isRetry = false }: ResponseRequest): void {
    const { model, capabilities: able, isOnce = false } = choice;
    for (const id of this.#retries.keys()) if (this.#records.thread(conversation.id).has(id)) this.cancelRetry(id);
    const updated: Conversation = {
      ...conversation,
      model: isOnce ? conversation.model : model,
      leafId: response.id === lastId ? conversation.leafId : response.id,
      updatedAt: this.#effects.now(),
    };
    this.#records.putConversation(updated);
    this.#records.save(conversation.id, [...added, response]);
    const open = async (signal: AbortSignal) => {
      // The context must be complete: without earlier messages the question means something else.
      if (!this.#records.isComplete(conversation.id)) await this.#openThread(conversation.id);
      const messages = toRequestMessages(pathTo(this.#records.thread(conversation.id), lastId), able);
      const body = requestBody({ ...updated, model }, messages, able);
      return await this.#effects.ask({ body, requestId: response.requestId ?? response.id, bypassCache }, signal);
    };
    void this.#responses.follow(response, open).then(() => {
      const ended = this.#records.thread(conversation.id).get(response.id);
      if (!isRetry && ended?.role === 'assistant') void this.#retryLater(ended, choice);
    });
  }

  /** Ends the countdown of `activity`: the response is requested again only on demand. */
  cancelRetry(responseId: string): void {
    this.#retries.get(responseId)?.abort.abort();
    this.#retries.delete(responseId);
    this.#records.setActivity(responseId, undefined);
  }

  /** Ends the countdowns of responses that another tab deleted or requested again. */
  cancelStaleRetries(conversationId: string): void {
    for (const { failed } of this.#retries.values())
      if (failed.conversationId === conversationId && !this.#isStill(failed)) this.cancelRetry(failed.id);
  }

  /** Requests a response once more when the server allows it, if no text arrived. */
  async #retryLater(failed: AssistantMessage, choice: ModelChoice): Promise<void> {
    const waitMs = (failed.failure?.retryAt ?? Number.POSITIVE_INFINITY) - this.#effects.now();
    if (failed.state !== 'failed' || !isTextless(failed) || waitMs > MAX_RETRY_WAIT_MS) return;
    const abort = new AbortController();
    this.#retries.set(failed.id, { failed, abort });
    this.#records.setActivity(failed.id, 'retrying');
    await this.#effects.pause(Math.max(0, waitMs), abort.signal);
    if (abort.signal.aborted) return;
    this.cancelRetry(failed.id);
    const conversation = this.#records.conversation(failed.conversationId);
    if (conversation === undefined || failed.parentId === null || !this.#isStill(failed)) return;
    const fresh = newResponse(this.#effects.newId(), conversation.id, failed.parentId, failed.createdAt, choice.name);
    const response = { ...fresh, id: failed.id };
    this.#records.putMessages(conversation.id, [response]);
    this.request({ conversation, response, choice, bypassCache: true, lastId: failed.parentId, isRetry: true });
  }

  /** Whether no tab deleted the response or requested it again. */
  #isStill({ id, conversationId, requestId }: AssistantMessage): boolean {
    const now = this.#records.thread(conversationId).get(id);
    return now?.role === 'assistant' && now.state === 'failed' && isTextless(now) && now.requestId === requestId;
  }
}

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
