import type { ModelRequest } from '#lib/models/provider';

/** Tokenizers take about four letters of English, and fewer of other scripts and of code. */
const BYTES_PER_TOKEN = 3.2;
/** A template's marks around each message. */
const MESSAGE_TOKENS = 8;
/** A template's beginning, which may have a default system prompt, and its end. */
const TEMPLATE_TOKENS = 16;
/** What usual vision models spend on one image. */
const IMAGE_TOKENS = 1_600;

/**
 * About how many tokens a prompt has, for model servers without a tokenizer. Rather too many than
 * too few: callers check by it whether a conversation fits.
 */
export function estimateTokens({ messages, tools, toolChoice, format }: ModelRequest): number {
  let bytes = 0;
  let images = 0;
  for (const { content, thinking = '', tool_calls: calls, images: attached } of messages) {
    bytes += Buffer.byteLength(content) + Buffer.byteLength(thinking) + jsonBytes(calls);
    images += attached?.length ?? 0;
  }
  bytes += (toolChoice === 'none' ? 0 : jsonBytes(tools)) + jsonBytes(format);
  const text = Math.ceil(bytes / BYTES_PER_TOKEN);
  return TEMPLATE_TOKENS + text + messages.length * MESSAGE_TOKENS + images * IMAGE_TOKENS;
}

function jsonBytes(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}
