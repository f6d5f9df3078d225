import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { droppedNames } from '#lib/chat/dropped-fields';
import { anthropicMessage, anthropicStreamEncoder } from '#lib/chat/formats/anthropic';
import { anthropicErrorBody, anthropicFieldName } from '#lib/chat/formats/anthropic-errors';
import { anthropicModels } from '#lib/chat/formats/anthropic-models';
import { refusedAnthropicFields } from '#lib/chat/formats/anthropic-refusals';
import { fromAnthropic } from '#lib/chat/formats/anthropic-request';
import { type CompletedResponse, responseEvents } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import { AppError } from '#lib/errors';
import { parseBody } from '#lib/http/body';
import { anthropicRequestSchema } from '#lib/wire/anthropic-request';
import { anthropicEventSchema, anthropicResponseSchema } from '#lib/wire/anthropic-response';
import type { Message, ToolCall } from '#lib/wire/chat';
import type { ModelInfo } from '#lib/wire/models';

const VIEW: RequestView = {
  id: '3f2f8a52-6c1e-4b8e-9a53-0f6f6f1f7d10',
  generationId: '9b2ffa1c-57f4-4c8e-9f0a-0d7a4f3e5b11',
  createdAt: 0,
  model: 'm',
  cached: false,
  conversation: undefined,
  timings: () => ({ queued_ms: 0, first_token_ms: 0, total_ms: 0 }),
};
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const USER = { role: 'user', content: 'hello' };

const translate = (body: object, drops = false) => {
  const input = parseBody(anthropicRequestSchema, { model: 'm', ...body });
  droppedNames(refusedAnthropicFields(input), drops);
  return fromAnthropic(input);
};
const messagesOf = (...messages: object[]) => translate({ messages }).messages;
const refusal = (body: object): AppError => {
  try {
    translate(body);
  } catch (error) {
    if (AppError.is(error)) return error;
  }
  throw new Error('nothing was refused');
};

const response = (fields: Partial<CompletedResponse> = {}): CompletedResponse => ({
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

function events(...all: GenerationEvent[]): StreamedEvent[] {
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
function accumulate(stream: readonly StreamedEvent[]): unknown {
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
const text = fc.string({ minLength: 1, maxLength: 30, unit: 'binary' });
const input = fc.dictionary(word, fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string())));
const toolCall: fc.Arbitrary<ToolCall & { id: string }> = fc.record({
  id: word.filter((id) => !id.startsWith('toolu')),
  function: fc.record({ name: word, arguments: input }),
});
const calls = fc.uniqueArray(toolCall, { maxLength: 3, selector: ({ id }) => id });
const image = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'));

describe('a response in Anthropic’s format', () => {
  it('keeps its meaning when it is given back with the results of its tools', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), calls, fc.array(fc.string()), (content, thinking, toolCalls, results) => {
        const message = anthropicMessage(VIEW, response({ content, thinking, tool_calls: toolCalls }));
        anthropicResponseSchema.parse(message);
        const used = message.content.filter((block) => block.type === 'tool_use');
        const back = messagesOf(
          USER,
          { role: message.role, content: JSON.parse(JSON.stringify(message.content)) },
          {
            role: 'user',
            content: used.map((block, at) => ({
              type: 'tool_result',
              tool_use_id: Reflect.get(block, 'id'),
              content: results[at],
            })),
          },
        );
        expect(back[1]).toEqual({
          role: 'assistant',
          content,
          ...(thinking === '' ? {} : { thinking }),
          ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
        });
        const given = toolCalls.map(({ id, function: { name } }, at) => ({
          role: 'tool',
          content: results[at] ?? '',
          tool_call_id: id,
          tool_name: name,
        }));
        expect(back.slice(2)).toEqual(toolCalls.length === 0 ? [{ role: 'user', content: '' }] : given);
      }),
    );
  });

  it('is the same whole and streamed, however its text is split', () => {
    const reason = fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter');
    fc.assert(
      fc.property(fc.array(text), fc.array(text), calls, reason, (thoughts, texts, toolCalls, done_reason) => {
        const whole = response({
          thinking: thoughts.join(''),
          content: texts.join(''),
          tool_calls: toolCalls,
          done_reason,
        });
        const stream = events(
          ...thoughts.map((piece) => ({ type: 'thinking', text: piece }) as const),
          ...texts.map((piece) => ({ type: 'content', text: piece }) as const),
          ...toolCalls.map((call): GenerationEvent => ({ type: 'tool_calls', tool_calls: [call] })),
          { type: 'done', done_reason, usage: whole.usage },
        );
        const message = JSON.parse(JSON.stringify(anthropicMessage(VIEW, whole)));
        expect(accumulate(stream)).toEqual(message);
        expect(accumulate(events(...responseEvents(whole)))).toEqual(message);
        expect(stream.every(({ event, data }) => event === data.type)).toBe(true);
        expect([stream[0]?.event, stream.at(-1)?.event]).toEqual(['message_start', 'message_stop']);
      }),
    );
  });

  it.each([
    [{ content: 'x' }, 'end_turn', null],
    [{ content: 'x', done_reason: 'length' }, 'max_tokens', null],
    [{ content: 'x', stop_sequence: 'END' }, 'stop_sequence', 'END'],
    [{ content: 'x', done_reason: 'content_filter' }, 'refusal', null],
    [{ tool_calls: [{ function: { name: 'a', arguments: {} } }] }, 'tool_use', null],
  ] as const)('of %j has the stop reason %s', (fields, reason, sequence) => {
    const whole = response({ ...fields, tool_calls: 'tool_calls' in fields ? [...fields.tool_calls] : [] });
    expect(anthropicMessage(VIEW, whole)).toMatchObject({ stop_reason: reason, stop_sequence: sequence });
    const delta = events(...responseEvents(whole)).find(({ event }) => event === 'message_delta');
    expect(delta?.data).toMatchObject({ delta: { stop_reason: reason, stop_sequence: sequence } });
  });

  it('has one block for each run of reasoning, text and calls, in their order', () => {
    const stream = events(
      { type: 'thinking', text: 'a' },
      { type: 'content', text: 'b' },
      { type: 'tool_calls', tool_calls: [{ function: { name: 'look', arguments: 'not JSON' } }] },
      { type: 'thinking', text: 'c' },
      { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 2, prompt_truncated: true } },
    );
    const names = stream.map(({ event, data }) => `${event} ${data.index ?? ''}`.trim());
    expect(names).toEqual([
      'message_start',
      'content_block_start 0',
      'content_block_delta 0',
      'content_block_delta 0',
      'content_block_stop 0',
      'content_block_start 1',
      'content_block_delta 1',
      'content_block_stop 1',
      'content_block_start 2',
      'content_block_delta 2',
      'content_block_stop 2',
      'content_block_start 3',
      'content_block_delta 3',
      'content_block_delta 3',
      'content_block_stop 3',
      'message_delta',
      'message_stop',
    ]);
    expect(accumulate(stream)).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'a' },
        { type: 'text', text: 'b' },
        { type: 'tool_use', id: `toolu_${VIEW.generationId}_0`, input: { arguments: 'not JSON' } },
        { type: 'thinking', thinking: 'c' },
      ],
      usage: { input_tokens: 1, output_tokens: 2, prompt_truncated: true },
    });
  });

  it('is whole without any text', () => {
    const stream = events({ type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 0 } });
    expect(stream.map(({ event }) => event)).toEqual(['message_start', 'message_delta', 'message_stop']);
  });

  it('ends with an error that has the request’s id', () => {
    const error = new AppError('upstream_failed', 'It broke.');
    expect(events({ type: 'content', text: 'x' }, { type: 'error', error }).at(-1)).toEqual({
      event: 'error',
      data: {
        type: 'error',
        error: { type: 'api_error', message: 'It broke.', details: { error_code: 'upstream_failed' } },
        request_id: VIEW.id,
      },
    });
  });
});

describe('a request in Anthropic’s format', () => {
  it('keeps the texts, images, calls and results of a conversation', () => {
    const user = fc.record({
      role: fc.constant('user'),
      texts: fc.array(text, { minLength: 1 }),
      images: fc.array(image),
    });
    const assistant = fc.record({ role: fc.constant('assistant'), content: text, thinking: fc.option(text), calls });
    fc.assert(
      fc.property(fc.array(fc.tuple(user, assistant), { maxLength: 4 }), (turns) => {
        const sent: object[] = [];
        const expected: Message[] = [];
        for (const [asked, replied] of turns) {
          const { images } = asked;
          sent.push({
            role: 'user',
            content: [
              ...images.map((data) => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } })),
              ...asked.texts.map((part) => ({ type: 'text', text: part })),
            ],
          });
          expected.push({
            role: 'user',
            content: asked.texts.join('\n'),
            ...(images.length === 0 ? {} : { images }),
          });
          sent.push({
            role: 'assistant',
            content: [
              ...(replied.thinking === null ? [] : [{ type: 'thinking', thinking: replied.thinking, signature: 'x' }]),
              { type: 'text', text: replied.content },
              ...replied.calls.map(({ id, function: { name, arguments: given } }) => ({
                type: 'tool_use',
                id: `toolu_${id}`,
                name,
                input: given,
              })),
            ],
          });
          expected.push({
            role: 'assistant',
            content: replied.content,
            ...(replied.thinking === null ? {} : { thinking: replied.thinking }),
            ...(replied.calls.length === 0 ? {} : { tool_calls: replied.calls }),
          });
        }
        expect(messagesOf(...sent, USER).slice(0, -1)).toEqual(expected);
      }),
    );
  });

  it('becomes the native one that other APIs make of the same question', () => {
    expect(
      translate({
        system: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral' } }],
        messages: [USER],
        max_tokens: 7,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 4,
        stop_sequences: ['x'],
        stream: true,
        tools: [{ name: 'look', description: 'Looks.', input_schema: { type: 'object' }, strict: true }],
        tool_choice: { type: 'tool', name: 'look', disable_parallel_tool_use: true },
        thinking: { type: 'disabled' },
        output_config: { format: { type: 'json_schema', schema: { type: 'object' } }, effort: 'max' },
      }),
    ).toEqual({
      messages: [{ role: 'system', content: 'be brief' }, USER],
      model: 'm',
      stream: true,
      use_cache: true,
      priority: 0,
      options: { temperature: 0.5, top_p: 0.9, top_k: 4, stop: ['x'], num_predict: 7 },
      think: false,
      format: { type: 'object' },
      tools: [
        {
          type: 'function',
          function: { name: 'look', description: 'Looks.', parameters: { type: 'object' }, strict: true },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'look' } },
      parallel_tool_calls: false,
      passthrough: { reasoning_effort: 'max' },
    });
  });

  it.each([
    [{ type: 'enabled', budget_tokens: 2_000 }, true, true],
    [{ type: 'adaptive' }, undefined, undefined],
    [{ type: 'disabled' }, false, undefined],
  ])('with thinking %j asks for think %s', (thinking, think, optional) => {
    expect(translate({ messages: [USER], thinking })).toMatchObject({ think, think_optional: optional });
  });

  it.each([
    ['auto', 'auto'],
    ['any', 'required'],
    ['none', 'none'],
  ])('with the tool choice %s asks for %s', (type, choice) => {
    const request = translate({ messages: [USER], tool_choice: { type } });
    expect([request.tool_choice, request.parallel_tool_calls]).toEqual([choice, undefined]);
  });

  it('puts an empty system prompt in the place of the default one', () => {
    expect(translate({ messages: [USER], system: '' }).system_prompt).toBe('');
    expect(translate({ messages: [USER], system: [] }).system_prompt).toBe('');
    expect(translate({ messages: [USER] }).system_prompt).toBeUndefined();
  });

  it('has one message of the system, and one for each turn', () => {
    const call = { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} };
    const { messages } = translate({
      system: 'a',
      messages: [
        { role: 'system', content: 'b' },
        { role: 'user', content: 'c' },
        { role: 'system', content: 'd' },
        { role: 'user', content: [{ type: 'image', source: { type: 'base64', data: PNG } }] },
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'e' }] },
        { role: 'assistant', content: [{ type: 'text', text: 'f' }, call] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'g' }] },
        { role: 'system', content: 'h' },
      ],
    });
    expect(messages).toEqual([
      { role: 'system', content: 'a\nb' },
      { role: 'user', content: 'c\n<system>\nd\n</system>', images: [PNG] },
      {
        role: 'assistant',
        content: 'f',
        thinking: 'e',
        tool_calls: [{ id: '1', function: { name: 'look', arguments: {} } }],
      },
      { role: 'tool', content: 'g', tool_call_id: '1', tool_name: 'look' },
      { role: 'user', content: '<system>\nh\n</system>' },
    ]);
  });

  it('sends results before the text of their message, and their images after them', () => {
    const source = { type: 'base64', media_type: 'image/png', data: PNG };
    expect(
      messagesOf(
        USER,
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'look', input: {} }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'and now?' },
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: [
                { type: 'text', text: 'a dot' },
                { type: 'image', source },
              ],
            },
            { type: 'tool_result', tool_use_id: 'toolu_2', is_error: true, content: 'no such file' },
          ],
        },
      ).slice(1),
    ).toEqual([
      { role: 'assistant', content: '', tool_calls: [{ id: '1', function: { name: 'look', arguments: {} } }] },
      { role: 'tool', content: 'a dot', tool_call_id: '1', tool_name: 'look' },
      { role: 'tool', content: 'Error: no such file', tool_call_id: '2' },
      { role: 'user', content: '[Images of the result of tool call 1: 1]\nand now?', images: [PNG] },
    ]);
  });

  it('has the text of documents and search results', () => {
    const [message] = messagesOf({
      role: 'user',
      content: [
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'a' } },
        {
          type: 'document',
          title: 'T',
          context: 'C',
          source: { type: 'content', content: [{ type: 'text', text: 'b' }] },
        },
        { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'c' }] },
      ],
    });
    expect(message?.content).toBe(
      [
        '<document>\na\n</document>',
        '<document>\n<title>T</title>\n<context>C</context>\n<content>\nb\n</content>\n</document>',
        '<search_result>\n<source>s</source>\n<title>t</title>\n<content>\nc\n</content>\n</search_result>',
      ].join('\n'),
    );
  });

  it('continues a last message of the assistant', () => {
    expect(messagesOf(USER, { role: 'assistant', content: 'The answer is (' }).at(-1)).toEqual({
      role: 'assistant',
      content: 'The answer is (',
    });
  });

  it.each([
    ['tools.0.type', 'unsupported_parameter', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['thinking.type', 'unsupported_parameter', { thinking: { type: 'between_tools' } }],
    ['mcp_servers', 'unsupported_parameter', { mcp_servers: [{ type: 'url', url: 'https://x' }] }],
    ['container', 'unsupported_parameter', { container: 'c' }],
    [
      'messages.0.content.0.type',
      'unsupported_parameter',
      { messages: [{ role: 'user', content: [{ type: 'video' }] }] },
    ],
    [
      'messages.0.content.0.source.type',
      'unsupported_value',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://x/y.png' } }] }] },
    ],
    [
      'messages.0.content.0.source.type',
      'unsupported_parameter',
      { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'base64', data: 'JVBERg==' } }] }] },
    ],
    [
      'messages.0.content.0.content.0.type',
      'unsupported_parameter',
      {
        messages: [
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'tool_reference' }] }] },
        ],
      },
    ],
    [
      'messages.0.content.0.citations',
      'unsupported_parameter',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'document', citations: { enabled: true }, source: { type: 'text', data: 'x' } }],
          },
        ],
      },
    ],
    [
      'messages.0.content.0.type',
      'invalid_request',
      { messages: [{ role: 'user', content: [{ type: 'tool_use', id: 'a', name: 'b', input: {} }] }] },
    ],
    ['messages.0.content.0.text', 'invalid_request', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }],
    ['tools.0.input_schema', 'invalid_request', { tools: [{ name: 'a' }] }],
    ['max_tokens', 'invalid_request', { max_tokens: 0 }],
    [
      'output_format',
      'invalid_request',
      {
        output_format: { type: 'json_schema', schema: { type: 'array' } },
        output_config: { format: { type: 'json_schema', schema: { type: 'object' } } },
      },
    ],
  ])('is refused by the name %s (%s)', (field, code, body) => {
    const error = refusal({ messages: [USER], ...body });
    expect([error.code, error.details?.[0]?.field]).toEqual([code, field]);
    expect(error.message).toContain(error.details?.[0]?.message);
  });
});

describe('an error in Anthropic’s format', () => {
  it.each([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [409, 'invalid_request_error'],
    [413, 'request_too_large'],
    [422, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [502, 'api_error'],
    [503, 'overloaded_error'],
    [504, 'timeout_error'],
  ])('of the status %i has the type %s', (status, type) => {
    expect(anthropicErrorBody({ error: 'x', code: 'y' }, status, 'r').error.type).toBe(type);
  });

  it('names fields as Anthropic does, also in its sentence', () => {
    const details = [{ field: 'parallel_tool_calls', message: 'Ollama has no such setting' }];
    const { message } = AppError.unsupportedParameters(details);
    const body = anthropicErrorBody({ error: message, code: 'unsupported_parameter', details }, 400, 'r');
    expect(body.error.message).toContain('tool_choice.disable_parallel_tool_use (Ollama has no such setting)');
    expect(body.error.details).toEqual({
      error_code: 'unsupported_parameter',
      fields: [{ field: 'tool_choice.disable_parallel_tool_use', message: 'Ollama has no such setting' }],
    });
    expect(anthropicFieldName('messages.0.content.1.type')).toBe('messages.0.content.1.type');
  });
});

describe('the models in Anthropic’s format', () => {
  const MODELS = Array.from(
    { length: 45 },
    (_, index): ModelInfo => ({
      id: `m${index}`,
      provider: 'ollama',
      size_bytes: null,
      parameter_size: null,
      quantization: null,
      context_length: 4_096,
      capabilities: { thinking: true, vision: false, tools: true },
      loaded: false,
      is_default: false,
    }),
  );
  const page = (query: string) => anthropicModels(MODELS, new URLSearchParams(query));

  it('come in pages forward and back', () => {
    expect(page('')).toMatchObject({ has_more: true, first_id: 'm0', last_id: 'm19' });
    expect(page('limit=1000')).toMatchObject({ has_more: false, first_id: 'm0', last_id: 'm44' });
    expect(page('after_id=m39')).toMatchObject({ has_more: false, first_id: 'm40', last_id: 'm44' });
    expect(page('before_id=m20&limit=10')).toMatchObject({ has_more: true, first_id: 'm10', last_id: 'm19' });
    expect(page('before_id=m5&limit=10')).toMatchObject({ has_more: false, first_id: 'm0', last_id: 'm4' });
  });

  it('are active ones only', () => {
    expect(page('lifecycle=retired')).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
    expect(page('lifecycle[]=active&lifecycle[]=retired').data).toHaveLength(20);
  });
});

it('leaves refused parameters out, with a choice between tools that are left out', () => {
  const messages = [USER];
  const search = { type: 'web_search_20250305', name: 'web_search' };
  const look = { name: 'look', input_schema: { type: 'object' } };
  const refused = { container: 'c', mcp_servers: [{}], thinking: { type: 'between_tools' } };
  const choice = { tool_choice: { type: 'any', disable_parallel_tool_use: true } };
  expect(translate({ messages, ...refused, tools: [search], ...choice }, true)).toEqual({
    ...translate({ messages }),
    tools: [],
  });
  expect(translate({ messages, ...refused, tools: [search, look], ...choice }, true)).toEqual(
    translate({ messages, tools: [look], ...choice }),
  );
  expect(() => translate({ messages, thread: { id: 't' } }, true)).toThrow(/thread/);
});
