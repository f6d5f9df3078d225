import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '#lib/wire/chat';
import { calls, image, messagesOf, refusal, text, translate, USER } from '../../../test/support/anthropic-format.ts';
import { PNG } from '../../../test/support/images.ts';

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
