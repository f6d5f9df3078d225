import { formatPercent } from '#lib/browser/format';
import { type AssistantMessage, type ChatMessage, isRunning, type UserMessage } from './conversation.ts';
import { FULL_CONTEXT_STRINGS as S } from './strings/full-context.ts';
import { type ChatFile, contentWithFiles } from './text-files.ts';

/** How much of the model's context a conversation uses. */

/** From this part of the context on, the page warns. */
export const NEARLY_FULL = 0.8;

const ASCII_PER_TOKEN = 4;
/** A template's marks around each message. */
const MESSAGE_TOKENS = 6;
const IMAGE_TOKENS = 800;

/** Messages never change in place, so a count is valid as long as its message. */
const counted = new WeakMap<ChatMessage, number>();

/** An estimate: a token has about four characters of English, and one of most other scripts. */
export function estimateTokens(text: string): number {
  let other = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) other += 1;
  return Math.ceil((text.length - other) / ASCII_PER_TOKEN + other);
}

export function messageTokens(message: ChatMessage): number {
  // A running response would be counted again with each of its tokens.
  if (isRunning(message)) return 0;
  let tokens = counted.get(message);
  if (tokens === undefined) {
    const { images, files } = message.role === 'user' ? message : NOTHING_ATTACHED;
    tokens = estimateTokens(contentWithFiles(message.content, files)) + MESSAGE_TOKENS + imageTokens(images);
    counted.set(message, tokens);
  }
  return tokens;
}

const NOTHING_ATTACHED: Pick<UserMessage, 'images' | 'files'> = {};
const imageTokens = (images: readonly unknown[] = []) => images.length * IMAGE_TOKENS;

/** What is attached to the next message. */
export interface Attached {
  images: readonly unknown[];
  files: readonly ChatFile[];
}

/** An estimate. */
export function attachedTokens({ images, files }: Attached): number {
  return files.length === 0 ? imageTokens(images) : estimateTokens(contentWithFiles('', files)) + imageTokens(images);
}

/** A model without a graphics card reads these in several seconds. */
const LONG_QUESTION_TOKENS = 500;

/** Whether the model needs a while to read the question before its first token. */
export function isLongQuestion(question: UserMessage): boolean {
  return messageTokens(question) >= LONG_QUESTION_TOKENS;
}

/**
 * Tokens that the next request of this path will have: what the model server counted for the last
 * response, and estimates for what came after it.
 */
export function usedTokens(path: readonly ChatMessage[], systemPrompt: string): number {
  const last = path.findLastIndex(isMeasured);
  const measured = path[last];
  const base = measured !== undefined && isMeasured(measured) ? measuredTokens(measured) : estimateTokens(systemPrompt);
  return path.slice(last + 1).reduce((sum, message) => sum + messageTokens(message), base);
}

interface Measured extends AssistantMessage {
  promptTokens: number;
}

/** A truncated prompt's count is not the conversation's. */
function isMeasured(message: ChatMessage): message is Measured {
  return (
    message.role === 'assistant' &&
    message.state === 'done' &&
    message.promptTruncated !== true &&
    (message.promptTokens ?? 0) > 0
  );
}

/** The reasoning of a response is not part of the next request. */
function measuredTokens({ promptTokens, completionTokens = 0, content, thinking }: Measured): number {
  const text = content.length + thinking.length;
  return promptTokens + Math.ceil(text === 0 ? 0 : (completionTokens * content.length) / text);
}

/** Whether the model did not read the whole conversation for the shown response. */
export function isTruncated(path: readonly ChatMessage[]): boolean {
  const last = path.findLast((message) => message.role === 'assistant' && message.state === 'done');
  return last?.role === 'assistant' && last.promptTruncated === true;
}

interface ContextFill {
  /** Tokens of the conversation, and of what is attached to the next message. */
  used: number;
  attached: number;
  /** Undefined if it is not known. */
  limit: number | undefined;
  /** The last response was to a part of the conversation. */
  truncated: boolean;
}

/** The sentence that warns of a full context. Undefined while there is space. */
export function contextWarning({ used, attached, limit, truncated }: ContextFill): string | undefined {
  if (limit !== undefined && attached >= limit) return S.attachedTooLong(attached, limit);
  if (truncated) return S.contextTruncated;
  const part = limit === undefined ? 0 : (used + attached) / limit;
  if (part < NEARLY_FULL) return undefined;
  if (part >= 1) return S.contextFull;
  // A new chat has no beginning that the model could lose.
  return used === 0 ? S.attachedNearlyFull(formatPercent(part)) : S.contextNearlyFull(formatPercent(part));
}
