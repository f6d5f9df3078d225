import type { ResponsesState } from '#lib/chat/formats/responses';
import { toModelCall } from '#lib/chat/formats/responses-tools';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import { AppError } from '#lib/errors';
import type { ResponsesOutputItem } from '#lib/wire/responses-response';

/** Events that lead to a state, for the stream of a response whose own events are not kept. */
export function replayEvents({ status, output, error, incomplete_details, usage }: ResponsesState): GenerationEvent[] {
  const events = output.flatMap(itemEvents);
  if (usage === null) {
    const code = status === 'cancelled' ? 'cancelled' : 'upstream_failed';
    const message = error?.message ?? 'The response ended early.';
    return [...events, { type: 'error', error: new AppError(code, message) }];
  }
  const reason = incomplete_details?.reason;
  return [
    ...events,
    {
      type: 'done',
      done_reason: reason === undefined ? 'stop' : reason === 'content_filter' ? reason : 'length',
      usage: {
        prompt_tokens: usage.input_tokens,
        completion_tokens: usage.output_tokens,
        ...(usage.prompt_truncated === true ? { prompt_truncated: true } : {}),
      },
    },
  ];
}

function itemEvents(item: ResponsesOutputItem): GenerationEvent[] {
  switch (item.type) {
    case 'message':
      return item.content.flatMap(({ text, logprobs }): GenerationEvent[] => [
        ...(logprobs.length === 0 ? [] : [{ type: 'logprobs' as const, logprobs }]),
        { type: 'content', text },
      ]);
    case 'reasoning':
      return item.content.map(({ text }) => ({ type: 'thinking', text }));
    case 'function_call':
      return [{ type: 'tool_calls', tool_calls: [toModelCall(item.call_id, item.name, item.namespace, item)] }];
    case 'custom_tool_call':
      return [{ type: 'tool_calls', tool_calls: [toModelCall(item.call_id, item.name, item.namespace, item)] }];
  }
}
