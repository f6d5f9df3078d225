import { hasShape, isRecord, parseJson } from '#lib/browser/type-guards';
import {
  type AssistantMessage,
  type ChatMessage,
  type Conversation,
  isRunning,
  type ResponseFailure,
  type UserMessage,
} from './conversation.ts';
import { imageUrl, isImage } from './images.ts';
import { fromStored, type StoredMessage, toStored } from './stored-message.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';
import { contentWithFiles, isChatFile } from './text-files.ts';

/** A conversation with all versions of all its messages. */
export interface ExportedConversation {
  conversation: Conversation;
  messages: readonly ChatMessage[];
}

const FORMAT = 'chill-space-conversations';
const VERSION = 1;

export function toJson(entries: readonly ExportedConversation[]): string {
  const conversations = entries.map(({ conversation, messages }) => ({
    conversation,
    messages: messages.map(toStored),
  }));
  return JSON.stringify({ format: FORMAT, version: VERSION, conversations }, undefined, 2);
}

/** Parses an exported file. Throws an `Error` whose message is shown to the reader. */
export function fromJson(text: string): ExportedConversation[] {
  const file = parseJson(text);
  if (!isRecord(file) || file.format !== FORMAT || !Array.isArray(file.conversations)) throw new Error(S.notAnExport);
  if (file.version !== VERSION) throw new Error(S.otherVersion);
  return file.conversations.map((entry: unknown, index) => {
    const read = readEntry(entry);
    if (read === undefined) throw new Error(S.damaged(index + 1));
    return read;
  });
}

/** The shown path as Markdown, without other versions. */
export function toMarkdown(conversation: Conversation, path: readonly ChatMessage[]): string {
  const turns = path
    .map((message) => ({
      message,
      text: [textOf(message).trim(), ...imageLines(message)].filter(Boolean).join('\n\n'),
    }))
    .filter(({ text }) => text !== '')
    .map(({ message, text }) => `## ${speaker(message)}\n\n${text}`);
  return `${[`# ${conversation.title}`, ...turns].join('\n\n')}\n`;
}

/** A file name that is valid on every system: `What is Rust` → `what-is-rust.md`. */
export function fileName(title: string, extension: string): string {
  const stem = title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${stem === '' ? 'conversation' : stem}.${extension}`;
}

/** Images are embedded as data URLs, so that the file is self-contained. */
function imageLines(message: ChatMessage): string[] {
  if (message.role !== 'user') return [];
  return (message.images ?? []).map((image) => `![${image.name.replace(/[[\]\\]/g, '\\$&')}](${imageUrl(image)})`);
}

/** Text files are code blocks in front of a question, as the model reads them. */
function textOf(message: ChatMessage): string {
  return message.role === 'user' ? contentWithFiles(message.content, message.files) : message.content;
}

function speaker(message: ChatMessage): string {
  if (message.role === 'user') return S.you;
  return message.model === undefined ? S.response : S.responseOf(message.model);
}

const isConversation = hasShape<Conversation>({
  id: 'string',
  title: 'string',
  createdAt: 'number',
  updatedAt: 'number',
  systemPrompt: 'string',
});

const isMessage = hasShape<StoredMessage>({
  id: 'string',
  conversationId: 'string',
  role: 'string',
  content: 'string',
  createdAt: 'number',
});

const isTime = (value: unknown) => Math.abs(Number(value)) <= MAX_TIME_MS;
/** The range of `Date`. */
const MAX_TIME_MS = 8.64e15;
const isTextOrNull = (value: unknown) => value === null || typeof value === 'string';

/** Whether each field of `fields` that `value` has is of the kind: the others are optional. */
function hasKinds(value: object, fields: Readonly<Record<string, string>>): boolean {
  return Object.entries(value).every(([name, field]) => {
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return kind === undefined || (kind === 'object' ? isRecord(field) : typeof field === kind);
  });
}

function isUsable({ createdAt, updatedAt, leafId, model, sampling = {} }: Conversation): boolean {
  if (!isTime(createdAt) || !isTime(updatedAt) || !isTextOrNull(leafId) || !isTextOrNull(model)) return false;
  if (!isRecord(sampling)) return false;
  const { stop = [], ...numbers } = sampling;
  return (
    Array.isArray(stop) &&
    stop.every((text) => typeof text === 'string') &&
    Object.values(numbers).every((value) => typeof value === 'number')
  );
}

function readEntry(value: unknown): ExportedConversation | undefined {
  if (!isRecord(value) || !isConversation(value.conversation) || !Array.isArray(value.messages)) return undefined;
  const { conversation } = value;
  if (!isUsable(conversation)) return undefined;
  const records: unknown[] = value.messages;
  if (!records.every(isMessage)) return undefined;
  const messages = records.map(fromStored);
  const isWhole = messages.every(
    (message) =>
      message.conversationId === conversation.id &&
      isTime(message.createdAt) &&
      isTextOrNull(message.parentId) &&
      (isQuestion(message) || isAssistantMessage(message)),
  );
  return isWhole ? { conversation, messages: messages.map(withoutRunningState) } : undefined;
}

function isQuestion(message: ChatMessage): message is UserMessage {
  if (message.role !== 'user') return false;
  const images: unknown = message.images ?? [];
  const files: unknown = message.files ?? [];
  return Array.isArray(images) && images.every(isImage) && Array.isArray(files) && files.every(isChatFile);
}

function isAssistantMessage(message: ChatMessage): message is AssistantMessage {
  if (message.role !== 'assistant' || typeof message.thinking !== 'string') return false;
  const { failure = NO_FAILURE } = message;
  return STATES.has(message.state) && hasKinds(message, RESPONSE_KINDS) && isFailure(failure);
}

const STATES: ReadonlySet<unknown> = new Set(['waiting', 'streaming', 'done', 'stopped', 'failed']);
const NO_FAILURE = { message: '', code: '' };

/** Optional fields of a response that the page shows or counts with. */
const RESPONSE_KINDS = {
  model: 'string',
  requestId: 'string',
  lastEventId: 'string',
  stopFailure: 'string',
  doneReason: 'string',
  continuedFrom: 'object',
  queue: 'object',
  failure: 'object',
  promptTruncated: 'boolean',
  thinkingStartedAt: 'number',
  thinkingEndedAt: 'number',
  pieces: 'number',
  completionTokens: 'number',
  promptTokens: 'number',
  contextLength: 'number',
  firstTokenMs: 'number',
  tokensPerSecond: 'number',
};

function isFailure(value: object): boolean {
  return (
    hasShape<Pick<ResponseFailure, 'message' | 'code'>>({ message: 'string', code: 'string' })(value) &&
    hasKinds(value, { data: 'object', retryAt: 'number' })
  );
}

/** A response that was running during the export cannot be resumed. */
function withoutRunningState(message: ChatMessage): ChatMessage {
  return isRunning(message) ? { ...message, state: 'stopped' } : message;
}
