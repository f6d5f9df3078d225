import type { Message } from '#lib/wire/chat';

/**
 * A conversation is a tree: asking again, or changing a question, adds a sibling and loses nothing. What is shown is
 * the path from the root to `leafId`.
 */
export interface Conversation {
  id: string;
  title: string;
  /** Milliseconds since the epoch, as all times here. */
  createdAt: number;
  updatedAt: number;
  leafId: string | null;
  /** Null: the server's default. */
  model: string | null;
  systemPrompt: string;
  sampling?: Sampling;
}

/** How the model chooses its words; what is not there is the model's own. */
export interface Sampling {
  temperature?: number;
  /** At most so many tokens in an answer. */
  num_predict?: number;
}

/** What is set for a whole conversation. */
export interface ChatSettings {
  systemPrompt: string;
  sampling: Sampling;
}

export const NO_SETTINGS: ChatSettings = { systemPrompt: '', sampling: {} };

interface MessageBase {
  id: string;
  conversationId: string;
  parentId: string | null;
  content: string;
  createdAt: number;
}

export interface UserMessage extends MessageBase {
  role: 'user';
}

export interface AssistantMessage extends MessageBase {
  role: 'assistant';
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed';
  thinking: string;
  /** When the first and the last piece of reasoning came. */
  thinkingStartedAt?: number;
  thinkingEndedAt?: number;
  model?: string;
  requestId?: string;
  /** The last event that was read of a resumable stream. */
  lastEventId?: string;
  source: 'model' | 'cached' | 'joined';
  queue?: QueuePlace;
  failure?: Failure;
  doneReason?: string;
  completionTokens?: number;
  firstTokenMs?: number;
  tokensPerSecond?: number;
}

export type ChatMessage = UserMessage | AssistantMessage;
export type Thread = ReadonlyMap<string, ChatMessage>;

export interface QueuePlace {
  position: number;
  length: number;
  waitMs: number;
}

export interface Failure {
  message: string;
  code: string;
  /** When trying again makes sense, where the server said so. */
  retryAt?: number;
}

export const EMPTY_THREAD: Thread = new Map();

/** The messages from the root to `leafId`, oldest first. */
export function pathTo(thread: Thread, leafId: string | null): ChatMessage[] {
  const path: ChatMessage[] = [];
  for (let id = leafId; id !== null; ) {
    const message = thread.get(id);
    if (message === undefined) break;
    path.push(message);
    id = message.parentId;
  }
  return path.reverse();
}

/** The versions of a message: all that answer, or follow, the same one, oldest first. */
export function versionsOf(thread: Thread, message: ChatMessage): ChatMessage[] {
  return [...thread.values()]
    .filter((other) => other.parentId === message.parentId)
    .sort((a, b) => a.createdAt - b.createdAt);
}

/** The end of the newest path below `id`: where stepping to another version leads. */
export function newestLeafBelow(thread: Thread, id: string): string {
  let leaf = id;
  for (;;) {
    let newest: ChatMessage | undefined;
    for (const message of thread.values())
      if (message.parentId === leaf && (newest === undefined || message.createdAt >= newest.createdAt))
        newest = message;
    if (newest === undefined) return leaf;
    leaf = newest.id;
  }
}

/** What is sent to the model: finished texts only, and no answer that has none. */
export function toWire(path: readonly ChatMessage[]): Message[] {
  return path
    .filter((message) => message.content !== '')
    .map((message) => ({ role: message.role, content: message.content }));
}

const TITLE_LENGTH = 60;

/** The first line of the question, cut at a word. */
export function titleFrom(question: string): string {
  const line = question.trim().split('\n', 1)[0]?.replace(/\s+/g, ' ').trim() ?? '';
  if (line === '') return 'New chat';
  if (line.length <= TITLE_LENGTH) return line;
  const cut = line.slice(0, TITLE_LENGTH);
  const space = cut.lastIndexOf(' ');
  return `${(space > TITLE_LENGTH / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}

export function isRunning(message: ChatMessage): message is AssistantMessage {
  return message.role === 'assistant' && (message.state === 'waiting' || message.state === 'streaming');
}
