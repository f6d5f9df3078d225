import fc from 'fast-check';
import { expect } from 'vitest';
import { droppedNames } from '#lib/chat/dropped-fields';
import { anthropicStreamEncoder } from '#lib/chat/formats/anthropic';
import { refusedAnthropicFields } from '#lib/chat/formats/anthropic-refusals';
import { fromAnthropic } from '#lib/chat/formats/anthropic-request';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import { AppError } from '#lib/errors';
import { parseBody } from '#lib/http/body';
import { anthropicRequestSchema } from '#lib/wire/anthropic-request';
import { anthropicEventSchema } from '#lib/wire/anthropic-response';
import type { ToolCall } from '#lib/wire/chat';

/** Requests and responses in Anthropic's format, for its tests. */

export const VIEW: RequestView = {
  id: '3f2f8a52-6c1e-4b8e-9a53-0f6f6f1f7d10',
  generationId: '9b2ffa1c-57f4-4c8e-9f0a-0d7a4f3e5b11',
  createdAt: 0,
  model: 'm',
  cached: false,
  conversation: undefined,
  timings: () => ({ queued_ms: 0, first_token_ms: 0, total_ms: 0 }),
};
export const USER = { role: 'user', content: 'hello' };

export const translate = (body: object, drops = false) => {
  const input = parseBody(anthropicRequestSchema, { model: 'm', ...body });
  droppedNames(refusedAnthropicFields(input), drops);
  return fromAnthropic(input);
};
export const messagesOf = (...messages: object[]) => translate({ messages }).messages;
export const refusal = (body: object): AppError => {
  try {
    translate(body);
  } catch (error) {
    if (AppError.is(error)) return error;
  }
  throw new Error('nothing was refused');
};

export const response = (fields: Partial<CompletedResponse> = {}): CompletedResponse => ({
  content: '',
  thinking: '',
  tool_calls: [],
  model: 'm',
  done_reason: 'stop',
  usage: { prompt_tokens: 3, completion_tokens: 5 },
  ...fields,
});

interface StreamedEvent {
  event: string;
  data: { type: string; [field: string]: unknown };
}

export function events(...all: GenerationEvent[]): StreamedEvent[] {
  const encoder = anthropicStreamEncoder(VIEW);
  const text = all.reduce((sofar, event, at) => sofar + encoder.encode(event, at + 1), encoder.preamble);
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      return { event, data: JSON.parse(data) };
    });
}

/** A message as a client puts it together from a stream. */
export function accumulate(stream: readonly StreamedEvent[]): unknown {
  const content: Record<string, unknown>[] = [];
  let message: object = {};
  for (const { data } of stream) {
    const event = anthropicEventSchema.parse(data);
    if (event.type === 'message_start') message = event.message;
    if (event.type === 'message_delta') {
      const { container: _, ...delta } = event.delta;
      message = { ...message, ...delta, usage: { ...Reflect.get(message, 'usage'), ...event.usage } };
    }
    if (event.type === 'content_block_start') {
      expect(event.index).toBe(content.length);
      content.push({ ...event.content_block });
    }
    if (event.type !== 'content_block_delta') continue;
    expect(event.index).toBe(content.length - 1);
    const block = content.at(-1) ?? {};
    const { type: _, ...pieces } = event.delta;
    for (const [name, piece] of Object.entries(pieces)) block[name] = `${block[name] ?? ''}${piece}`;
  }
  return {
    ...message,
    content: content.map(({ partial_json: json, ...block }) =>
      json === undefined ? block : { ...block, input: JSON.parse(String(json)) },
    ),
  };
}

const word = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/);
export const text = fc.string({ minLength: 1, maxLength: 30, unit: 'binary' });
export const input = fc.dictionary(word, fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string())));
const toolCall: fc.Arbitrary<ToolCall & { id: string }> = fc.record({
  id: word.filter((id) => !id.startsWith('toolu')),
  function: fc.record({ name: word, arguments: input }),
});
export const calls = fc.uniqueArray(toolCall, { maxLength: 3, selector: ({ id }) => id });
export const image = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));
