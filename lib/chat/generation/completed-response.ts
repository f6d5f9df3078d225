import type { Durations } from '#lib/models/provider';
import type { TokenLogprob, TokenUsage, ToolCall } from '#lib/wire/chat';

/** A complete response, as the model gave it. */
export interface CompletedResponse {
  content: string;
  thinking: string;
  tool_calls: ToolCall[];
  /** Present if the request asked for them and the provider has them. */
  logprobs?: TokenLogprob[] | undefined;
  model: string;
  done_reason: string;
  usage: TokenUsage;
  /** Present if the model server measured them; also in a cached response. */
  durations?: Durations | undefined;
}
