import { type AssistantMessage, type ChatMessage, isRunning } from './conversation.ts';

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

function messageTokens(message: ChatMessage): number {
  // A running response would be counted again with each of its tokens.
  if (isRunning(message)) return 0;
  let tokens = counted.get(message);
  if (tokens === undefined) {
    const images = message.role === 'user' ? (message.images?.length ?? 0) : 0;
    tokens = estimateTokens(message.content) + MESSAGE_TOKENS + images * IMAGE_TOKENS;
    counted.set(message, tokens);
  }
  return tokens;
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
