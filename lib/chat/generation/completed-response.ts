import type { LogEvent } from '#lib/chat/generation/generation-log';
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
  /** Present if the model server returned it: tokens of the conversation so far. */
  context?: readonly number[] | undefined;
  /** The stop sequence that ended the text, where the model server reports it. */
  stop_sequence?: string | undefined;
}

/** The events of a complete response. */
export function responseEvents(response: CompletedResponse): LogEvent[] {
  const { content, thinking, tool_calls, logprobs, done_reason, usage, durations, context, stop_sequence } = response;
  return [
    ...(logprobs === undefined ? [] : [{ type: 'logprobs', logprobs } as const]),
    ...(thinking === '' ? [] : [{ type: 'thinking', text: thinking } as const]),
    ...(content === '' ? [] : [{ type: 'content', text: content } as const]),
    ...(tool_calls.length === 0 ? [] : [{ type: 'tool_calls', tool_calls } as const]),
    { type: 'done', done_reason, usage, durations, context, stop_sequence },
  ];
}
