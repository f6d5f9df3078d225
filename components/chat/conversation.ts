import type { Message, Think } from '#lib/wire/chat';

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
  /** Not there: as the model does by itself. */
  think?: Think;
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
  think?: Think | undefined;
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
  images?: readonly ChatImage[];
}

/** A picture that goes with a question, kept whole in the message. */
export interface ChatImage {
  id: string;
  /** What the reader calls it: its file's name. */
  name: string;
  type: ImageType;
  /** Base64, without the prefix of a data URL. */
  data: string;
  width: number;
  height: number;
}

/** What models take. */
export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

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
  queue?: QueuePosition;
  failure?: ResponseFailure;
  /** Why the model may still be at work although the reader stopped the answer. */
  stopFailure?: string;
  doneReason?: string;
  completionTokens?: number;
  firstTokenMs?: number;
  tokensPerSecond?: number;
}

export type ChatMessage = UserMessage | AssistantMessage;
export type Thread = ReadonlyMap<string, ChatMessage>;

export interface QueuePosition {
  position: number;
  length: number;
  waitMs: number;
}

export interface ResponseFailure {
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

/** What the model that is asked can do: what it cannot is not sent to it. */
export interface ModelCapabilities {
  vision: boolean;
  thinking: boolean;
}

/** What is sent to the model: finished texts only, no answer that has none, and pictures to a model that sees. */
export function toRequestMessages(
  path: readonly ChatMessage[],
  { vision }: Pick<ModelCapabilities, 'vision'>,
): Message[] {
  return path.flatMap((message): Message[] => {
    const images = message.role === 'user' && vision ? (message.images ?? []) : [];
    if (message.content === '' && images.length === 0) return [];
    const { role, content } = message;
    return [images.length === 0 ? { role, content } : { role, content, images: images.map(({ data }) => data) }];
  });
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
