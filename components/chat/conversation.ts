import type { Message, Think } from '#lib/wire/chat';
import type { ErrorData } from '#lib/wire/error';
import type { ShareStatus } from '#lib/wire/limits';
import { withoutLogPrefix } from './log-prefix.ts';
import { HISTORY_STRINGS } from './strings/history.ts';
import { type ChatFile, contentWithFiles } from './text-files.ts';

/**
 * A conversation is a tree: regenerating or editing adds a sibling. The page shows the path from
 * the root to `leafId`.
 */
export interface Conversation {
  id: string;
  title: string;
  /** Milliseconds since the epoch, like all times here. */
  createdAt: number;
  updatedAt: number;
  leafId: string | null;
  /** Null: the server's default. */
  model: string | null;
  systemPrompt: string;
  sampling?: Sampling;
  /** Undefined: the model decides. */
  think?: Think;
}

/** Sampling parameters. A missing one means the model's default. */
export interface Sampling {
  temperature?: number;
  top_p?: number;
  top_k?: number;
  seed?: number;
  stop?: string[];
  /** The context length in tokens. */
  num_ctx?: number;
  /** The maximum number of tokens in a response. */
  num_predict?: number;
}

/** Settings of a whole conversation. */
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
  /** Text files, sent as code blocks in front of the content. */
  files?: readonly ChatFile[];
}

/** An image attached to a question, stored whole in the message. */
export interface ChatImage {
  id: string;
  /** The file name. */
  name: string;
  type: ImageType;
  /** Base64 without the prefix of a data URL. */
  data: string;
  width: number;
  height: number;
}

/** The types that models accept. */
export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

export interface AssistantMessage extends MessageBase {
  role: 'assistant';
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed';
  thinking: string;
  /** When the first and the last piece of reasoning arrived. */
  thinkingStartedAt?: number;
  thinkingEndedAt?: number;
  model?: string;
  requestId?: string;
  /** The last event read from a resumable stream. */
  lastEventId?: string;
  /** Where a continuation began: what was there before it stays if it is read again. */
  continuedFrom?: { content: number; thinking: number; tokens: number };
  /** Pieces of text that arrived: about the number of tokens, before the server counts them. */
  pieces?: number;
  source: 'model' | 'cached' | 'joined';
  queue?: QueuePosition;
  /** The server does not reach the one that writes the response. */
  isCutOff?: boolean;
  failure?: ResponseFailure;
  /** Why cancelling on the server failed: the model may still be running. */
  stopFailure?: string;
  /** Set if somebody else stopped the response: who runs the server, or a lock-out. */
  cancelledBy?: 'operator' | 'lock-out';
  doneReason?: string;
  completionTokens?: number;
  promptTokens?: number;
  /** Tokens of the context that the model ran with. */
  contextLength?: number;
  /** The model did not read the whole conversation. */
  promptTruncated?: boolean;
  firstTokenMs?: number;
  tokensPerSecond?: number;
}

export type ChatMessage = UserMessage | AssistantMessage;
export type Thread = ReadonlyMap<string, ChatMessage>;

export interface QueuePosition {
  position: number;
  length: number;
  waitMs: number;
  /** The model server that the request waits for, where there are several. */
  server?: string;
  /** How far its user is above the own share, behind which it waits. */
  share?: ShareStatus;
}

export interface ResponseFailure {
  message: string;
  code: string;
  /** The figures of the message. */
  data?: ErrorData;
  /** When the server allows another attempt, if it gave a time. */
  retryAt?: number;
}

export const EMPTY_THREAD: Thread = new Map();

/** Messages from the root to `leafId`, oldest first. Ends where stored parents form a cycle. */
export function pathTo(thread: Thread, leafId: string | null): ChatMessage[] {
  const path = new Set<ChatMessage>();
  for (let id = leafId; id !== null; ) {
    const message = thread.get(id);
    if (message === undefined || path.has(message)) break;
    path.add(message);
    id = message.parentId;
  }
  return [...path].reverse();
}

/** The path of a thread that was asked for last. A thread never changes in place. */
const lastPaths = new WeakMap<Thread, { leafId: string | null; path: readonly ChatMessage[] }>();

/** As `pathTo`, once for all who show the same path: each piece of a response asks again. */
export function shownPath(thread: Thread, leafId: string | null): readonly ChatMessage[] {
  const last = lastPaths.get(thread);
  if (last?.leafId === leafId) return last.path;
  const path = pathTo(thread, leafId);
  lastPaths.set(thread, { leafId, path });
  return path;
}

/** All siblings of a message including itself, oldest first. */
export function versionsOf(thread: Thread, message: ChatMessage): ChatMessage[] {
  return [...thread.values()]
    .filter((other) => other.parentId === message.parentId)
    .sort((a, b) => a.createdAt - b.createdAt);
}

/** The newest leaf below `id`, which the page shows after a switch of versions. */
export function newestLeafBelow(thread: Thread, id: string): string {
  let leaf = id;
  const passed = new Set<string>();
  for (;;) {
    passed.add(leaf);
    let newest: ChatMessage | undefined;
    for (const message of thread.values())
      if (message.parentId === leaf && (newest === undefined || message.createdAt >= newest.createdAt))
        newest = message;
    if (newest === undefined || passed.has(newest.id)) return leaf;
    leaf = newest.id;
  }
}

/** Capabilities that decide what is sent to the model. */
export interface ModelCapabilities {
  vision: boolean;
  thinking: boolean;
}

/** The messages of a request: no empty texts, and images only for a model with vision. */
export function toRequestMessages(
  path: readonly ChatMessage[],
  { vision }: Pick<ModelCapabilities, 'vision'>,
): Message[] {
  return path.flatMap((message): Message[] => {
    const images = message.role === 'user' && vision ? (message.images ?? []) : [];
    const { role } = message;
    const content = message.role === 'user' ? contentWithFiles(message.content, message.files) : message.content;
    if (content === '' && images.length === 0) return [];
    return [images.length === 0 ? { role, content } : { role, content, images: images.map(({ data }) => data) }];
  });
}

const TITLE_LENGTH = 60;

/**
 * The first words of the question, cut at a word boundary. A question without text is named after
 * its first file or image; a pasted text after its own first words.
 */
export function titleFrom(question: string, attachments: readonly { name: string; text?: string }[] = []): string {
  const line = firstWords(question.trim() === '' ? nameOrText(attachments[0]) : question);
  if (line === '') return HISTORY_STRINGS.newChat;
  if (line.length <= TITLE_LENGTH) return line;
  // Half of an emoji at the cut would show as a box.
  const cut = line.slice(0, TITLE_LENGTH).replace(/[\uD800-\uDBFF]$/, '');
  const space = cut.lastIndexOf(' ');
  return `${(space > TITLE_LENGTH / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}

function nameOrText(attachment: { name: string; text?: string } | undefined): string {
  if (attachment === undefined) return '';
  const { name, text } = attachment;
  return text === undefined || /\.\w+$/.test(name) ? name : text;
}

/** Where the first words are looked for. A pasted log may have megabytes. */
const TITLE_SOURCE_LENGTH = 4_000;

/** The first line with a word, without what a log puts in front of each line. */
function firstWords(text: string): string {
  const lines = text
    .slice(0, TITLE_SOURCE_LENGTH)
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim());
  const stripped = lines.map(withoutLogPrefix);
  return stripped.find((line) => /\p{L}/u.test(line)) ?? lines.find((line) => line !== '') ?? '';
}

export function isRunning(message: ChatMessage): message is AssistantMessage {
  return message.role === 'assistant' && (message.state === 'waiting' || message.state === 'streaming');
}

/** Whether a question of the thread has images. */
export function hasImages(thread: Thread): boolean {
  for (const message of thread.values()) if (message.role === 'user' && message.images !== undefined) return true;
  return false;
}

/** No text arrived: another attempt replaces the response. */
export function isTextless({ content, thinking }: AssistantMessage): boolean {
  return content === '' && thinking === '';
}
