import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBySchema, readEvent } from '#lib/models/openai/response-event';

const odd = fc.constantFrom(null, '', 'x', 0, 1, -1, 1.5, 2e9, true, [], {}, [{}], ['x'], { filtered: true });
const field = fc.oneof(fc.constant(undefined), fc.constant(null), odd);
const record = (shape: Record<string, fc.Arbitrary<unknown>>) => fc.record(shape, { requiredKeys: [] });

const message = record({
  role: fc.constant('assistant'),
  content: field,
  reasoning_content: field,
  reasoning: field,
  reasoning_details: field,
  refusal: field,
  tool_calls: field,
  function_call: field,
  more: field,
});
const reason = fc.constantFrom('stop', 'length', 'eos_token', 'tool_calls', 'error', 'x'.repeat(65), '', null, 7);
const choice = fc.oneof(
  { weight: 3, arbitrary: record({ index: fc.constant(0), delta: fc.constant({}), finish_reason: reason }) },
  record({
    index: field,
    delta: fc.oneof(message, odd),
    message: fc.oneof(message, field),
    text: field,
    finish_reason: reason,
    logprobs: field,
    stop_reason: field,
    matched_stop: field,
    content_filter_results: field,
  }),
);
const usage = fc.oneof(
  record({ prompt_tokens: odd, completion_tokens: odd, total_tokens: odd }),
  fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat() }),
  field,
);
const event = fc.oneof(
  record({ choices: fc.array(choice, { maxLength: 2 }), usage: field, timings: field }),
  record({ choices: fc.constant([]), usage, timings: field }),
  record({ choices: fc.oneof(fc.array(choice, { maxLength: 1 }), odd), usage, timings: fc.oneof(usage, odd) }),
);

describe('readEvent', () => {
  it('reads every event as its schema does', () => {
    fc.assert(
      fc.property(event, (json) => {
        const read = readEvent(json);
        const bySchema = readBySchema(json);
        const isText = read?.type === 'text';
        const texts = bySchema.type === 'part' ? bySchema.texts : [];
        if (isText) expect(texts).toEqual([{ type: 'content', text: read.text }]);
        else expect(read).toEqual(read === undefined ? undefined : bySchema);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads the usual end of a response without its schema', () => {
    expect(readEvent({ choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'eos_token' }] })).toEqual(
      expect.objectContaining({ type: 'part', texts: [], finish_reason: 'stop' }),
    );
    expect(readEvent({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 7 } })).toEqual(
      expect.objectContaining({ type: 'part', usage: { prompt_tokens: 5, completion_tokens: 7 } }),
    );
  });
});
