/**
 * Reasons that servers of OpenAI's API give in words of their own, by OpenAI's. Others stay as they
 * are.
 */
const REASONS: ReadonlyMap<string, string> = new Map([
  // Text Generation Inference.
  ['eos_token', 'stop'],
  // mistral.rs, and gateways in front of Anthropic and Google.
  ['eos', 'stop'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['STOP', 'stop'],
  ['max_tokens', 'length'],
  ['MAX_TOKENS', 'length'],
  // Mistral's API: the context is full.
  ['model_length', 'length'],
  // OpenAI's functions, which tools replaced.
  ['function_call', 'tool_calls'],
  ['tool_use', 'tool_calls'],
  ['SAFETY', 'content_filter'],
  ['content_filtered', 'content_filter'],
]);

/** The server gave the response up: SGLang and vLLM, mistral.rs, DeepSeek. */
const ABORTED: ReadonlySet<string> = new Set([
  'abort',
  'aborted',
  'canceled',
  'cancelled',
  'insufficient_system_resource',
]);

export function toFinishReason(given: string): string {
  return REASONS.get(given) ?? given;
}

/** Whether a finish reason says that the response is incomplete for a reason of the server. */
export function isAborted(reason: string): boolean {
  return ABORTED.has(reason);
}
