import fc from 'fast-check';
import type OpenAI from 'openai';
import { ResponseStream } from 'openai/lib/responses/ResponseStream';
import { describe, expect, it } from 'vitest';
import { completedState, endedState, responseObject } from '#lib/chat/formats/responses';
import { replayEvents } from '#lib/chat/formats/responses-replay';
import {
  lastLeadingNumber,
  type ResponsesStreamOptions,
  responsesStreamEncoder,
} from '#lib/chat/formats/responses-stream';
import { toolNamesOf } from '#lib/chat/formats/responses-tools';
import { responseEvents } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import { AppError } from '#lib/errors';
import { type ResponsesEvent, responsesEventSchema, responsesResponseSchema } from '#lib/wire/responses-response';

const request: RequestView = {
  id: '00000000-0000-4000-8000-000000000001',
  generationId: 'g',
  createdAt: 1_700_000_000_000,
  model: 'm',
  cached: false,
  conversation: undefined,
  timings: () => ({ queued_ms: 0, first_token_ms: 1, total_ms: 2_000 }),
};
/** Holds what the search for numbers of events must not find. */
const PARAMETERS = {
  background: false,
  instructions: 'a "quoted" text with "sequence_number":7',
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: { sequence_number: '8' },
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: null,
  store: true,
  temperature: null,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [{ type: 'function', name: 'look', parameters: { sequence_number: 9 } }],
  top_logprobs: 0,
  top_p: null,
  truncation: null,
};
const NAMES = toolNamesOf([{ type: 'custom', name: 'patch' }]);
const OPTIONS: ResponsesStreamOptions = { parameters: () => JSON.stringify(PARAMETERS), names: NAMES };

function encodeAll(events: readonly GenerationEvent[], options = OPTIONS): string {
  const { preamble, encode } = responsesStreamEncoder(request, options);
  return preamble + events.map((event, index) => encode(event, index + 1)).join('');
}

function parse(stream: string): ResponsesEvent[] {
  return stream.split(/(?<=\n\n)/).flatMap((event) => {
    if (event === '' || event.startsWith(':')) return [];
    const [, name, data = ''] = /^event: (\S+)\ndata: ([^\n]*)\n\n$/.exec(event) ?? [];
    const parsed = responsesEventSchema.parse(JSON.parse(data));
    expect(parsed.type).toBe(name);
    return [parsed];
  });
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const token = fc.record({ token: text, logprob: fc.constant(-0.5) });
const call = fc.record({
  name: fc.constantFrom('look', 'patch'),
  arguments: fc.oneof(fc.dictionary(text, text, { maxKeys: 2 }), text, fc.record({ input: text })),
});
const status = fc.constantFrom('queued' as const, 'processing' as const);
const step = fc.oneof(
  fc.record({ type: fc.constantFrom('content' as const, 'thinking' as const), text }),
  fc.record({ type: fc.constant('logprobs' as const), logprobs: fc.array(token, { minLength: 1, maxLength: 2 }) }),
  fc.record({ type: fc.constant('calls' as const), calls: fc.array(call, { minLength: 1, maxLength: 2 }) }),
);
const end: fc.Arbitrary<GenerationEvent> = fc.oneof(
  fc.record({
    type: fc.constant('done' as const),
    done_reason: fc.constantFrom('stop', 'tool_calls', 'length', 'content_filter'),
    usage: fc.constant({ prompt_tokens: 3, completion_tokens: 5 }),
  }),
  fc.constantFrom(
    { type: 'error' as const, error: new AppError('upstream_failed', 'It broke.') },
    { type: 'error' as const, error: new AppError('cancelled', 'It was cancelled.') },
  ),
);

/** A response of a model, after any states of its request. */
const generation = fc
  .tuple(fc.uniqueArray(status, { maxLength: 2 }), fc.array(step, { maxLength: 12 }), end)
  .map(([statuses, steps, last]): GenerationEvent[] => {
    let calls = 0;
    return [
      ...statuses
        .toSorted((a, b) => (a > b ? -1 : 1))
        .map((one) => ({
          type: 'status' as const,
          status: one,
          queue_position: 1,
          queue_length: 1,
          estimated_wait_time: 1,
        })),
      ...steps.map((one): GenerationEvent => {
        if (one.type !== 'calls') return one;
        return {
          type: 'tool_calls',
          tool_calls: one.calls.map((made) => ({ id: `c${calls++}`, function: made })),
        };
      }),
      last,
    ];
  });

describe('the stream of a response', () => {
  it('follows the grammar of OpenAI’s events for any generation', () => {
    fc.assert(
      fc.property(generation, (events) => {
        const stream = parse(encodeAll(events));
        expect(stream.map((event) => event.sequence_number)).toEqual(stream.map((_, index) => index));
        const [first, ...others] = stream;
        expect(first?.type).toBe('response.created');
        const begin = others.findIndex(({ type }) => type === 'response.in_progress');
        expect(others.slice(0, begin).every(({ type }) => type === 'response.queued')).toBe(true);
        expect(begin).toBeLessThanOrEqual(1);
        checkItems(others.slice(begin + 1, -1));
        const last = stream.at(-1);
        expect(['response.completed', 'response.incomplete', 'response.failed']).toContain(last?.type);
      }),
      { numRuns: 300 },
    );
  });

  it('ends with the response that its deltas make, which is the one that is stored', async () => {
    await fc.assert(
      fc.asyncProperty(generation, async (events) => {
        const encoded = encodeAll(events);
        const last = parse(encoded).at(-1);
        if (last === undefined || !('response' in last)) throw new Error('there is no last response');
        const { output } = last.response;
        expect(output).toEqual(collected(parse(encoded)));
        expect(last.response).toEqual(responseObject(request, PARAMETERS, endedState(request, events, NAMES)));
        responsesResponseSchema.parse(last.response);
        const snapshot = await readBySdk(encoded);
        expect(snapshot.output_text).toBe(
          output.flatMap((item) => (item.type === 'message' ? item.content.map((part) => part.text) : [])).join(''),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('goes on after any number as the whole stream does', () => {
    fc.assert(
      fc.property(generation, fc.nat(20), (events, number) => {
        const whole = parse(encodeAll(events));
        const rest = parse(encodeAll(events, { ...OPTIONS, startingAfter: number }));
        expect(rest).toEqual(whole.filter((event) => event.sequence_number > number));
      }),
      { numRuns: 100 },
    );
  });

  it.each([true, false])('has the numbers of the first stream, however it waits again (%s)', (hasWaited) => {
    const statusOf = (status: 'queued' | 'processing'): GenerationEvent => ({
      ...{ type: 'status', status, queue_position: 1, queue_length: 1, estimated_wait_time: 0 },
    });
    const [waiting, begun] = [statusOf('queued'), statusOf('processing')];
    const output: GenerationEvent[] = [
      { type: 'content', text: 'Rust' },
      { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 3, completion_tokens: 5 } },
    ];
    const options = { ...OPTIONS, isEager: true, hasWaited: () => hasWaited };
    const first = parse(encodeAll([...(hasWaited ? [waiting] : []), begun, ...output], options));
    for (const before of [[waiting, begun], [begun], []])
      for (let startingAfter = 0; startingAfter <= lastLeadingNumber(hasWaited); startingAfter++)
        expect(parse(encodeAll([...before, ...output], { ...options, startingAfter }))).toEqual(
          first.filter((event) => event.sequence_number > startingAfter),
        );
    expect(first[lastLeadingNumber(hasWaited)]?.type).toBe('response.in_progress');
  });

  it('leads to the same items when it is replayed from what is stored', () => {
    fc.assert(
      fc.property(generation, (events) => {
        const state = endedState(request, events, NAMES);
        const again = endedState(request, replayEvents(state), NAMES);
        const written = (items: typeof state.output) => items.map(normalArguments);
        expect(written(again.output)).toEqual(written(state.output));
        expect([again.status, again.usage]).toEqual([state.status, state.usage]);
      }),
      { numRuns: 100 },
    );
  });

  it('is the same for a cached response as for its completed state', () => {
    const response = {
      content: 'Rust',
      thinking: 'hm',
      tool_calls: [{ function: { name: 'patch', arguments: { input: 'x' } } }],
      model: 'm',
      done_reason: 'stop',
      usage: { prompt_tokens: 3, completion_tokens: 5 },
    };
    const last = parse(encodeAll(responseEvents(response))).at(-1);
    expect(last).toMatchObject({
      type: 'response.completed',
      response: responseObject(request, PARAMETERS, completedState(request, response, NAMES)),
    });
  });

  it('begins with nothing before the first token, so that a failure has a status', () => {
    const { preamble, encode } = responsesStreamEncoder(request, OPTIONS);
    const processing = {
      type: 'status',
      status: 'processing',
      ...{ queue_position: 0, queue_length: 0, estimated_wait_time: 0 },
    } as const;
    expect(preamble + encode(processing, 1)).toBe('');
    const eager = responsesStreamEncoder(request, { ...OPTIONS, isEager: true });
    expect(parse(eager.preamble + eager.encode(processing, 1)).map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
    ]);
  });
});

/** Each item and part is added before its deltas, and done after them, one at a time. */
function checkItems(events: readonly ResponsesEvent[]): void {
  let open: { index: number; part: boolean; done: boolean } | undefined;
  let items = 0;
  for (const event of events) {
    if (!('output_index' in event)) throw new Error(`${event.type} is not of an item`);
    if (event.type === 'response.output_item.added') {
      expect(open).toBeUndefined();
      expect(event.output_index).toBe(items++);
      open = { index: event.output_index, part: false, done: false };
      continue;
    }
    if (open === undefined) throw new Error(`${event.type} has no item`);
    expect(event.output_index).toBe(open.index);
    if (event.type === 'response.content_part.added') open.part = true;
    else if (event.type === 'response.content_part.done') open.part = false;
    else if (event.type === 'response.output_item.done') {
      expect([open.part, open.done]).toEqual([false, true]);
      open = undefined;
    } else if (event.type.endsWith('.delta')) expect(open.done).toBe(false);
    else open.done = true;
  }
  expect(open).toBeUndefined();
}

/** The items as a client puts them together from the parts. */
function collected(events: readonly ResponsesEvent[]) {
  const texts = new Map<number, string>();
  return events.flatMap((event) => {
    if ('delta' in event) texts.set(event.output_index, (texts.get(event.output_index) ?? '') + event.delta);
    if (event.type !== 'response.output_item.done') return [];
    const { item } = event;
    const sum = texts.get(event.output_index);
    const [part] = 'content' in item ? item.content : [];
    expect(sum).toBe(
      item.type === 'function_call' ? item.arguments : item.type === 'custom_tool_call' ? item.input : part?.text,
    );
    return [item];
  });
}

async function readBySdk(stream: string): Promise<OpenAI.Responses.Response> {
  const lines = [...stream.matchAll(/^data: ([^\n]*)$/gm)].map(([, data]) => data).join('\n');
  const body = new Blob([lines]).stream();
  return await ResponseStream.fromReadableStream(body).finalResponse();
}

/** Arguments that are written in another way mean the same. */
function normalArguments(item: { type: string }): unknown {
  if (!('arguments' in item) || typeof item.arguments !== 'string') return item;
  try {
    return { ...item, arguments: JSON.parse(item.arguments) };
  } catch {
    return item;
  }
}
