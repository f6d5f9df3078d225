import { describe, expect, it } from 'vitest';
import { droppedNames } from '#lib/chat/dropped-fields';
import type { PlacedItem } from '#lib/chat/formats/responses-messages';
import { fromResponses, itemsOf, refusedResponsesFields, withoutRefused } from '#lib/chat/formats/responses-request';
import { AppError } from '#lib/errors';
import { parseBody } from '#lib/http/body';
import { isKnownItem, MAX_ITEMS, responsesRequestSchema } from '#lib/wire/responses-request';
import { PNG } from '../../../test/support/images.ts';

const image = { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'auto' };
const user = (content: unknown) => ({ role: 'user', content });
const call = (call_id: string, name = 'look') => ({ type: 'function_call', call_id, name, arguments: '{"a":1}' });
const output = (call_id: string, text: unknown = 'rain') => ({ type: 'function_call_output', call_id, output: text });
const file = (text: string, name?: string) => ({
  type: 'input_file',
  file_data: Buffer.from(text).toString('base64'),
  ...(name === undefined ? {} : { filename: name }),
});

function convert(body: object, drops = false) {
  const sent = parseBody(responsesRequestSchema, body);
  const request = droppedNames(refusedResponsesFields(sent), drops).length === 0 ? sent : withoutRefused(sent);
  const items = itemsOf(request.input).flatMap((item, index): PlacedItem[] =>
    isKnownItem(item) && item.type !== 'item_reference' ? [{ item, field: `input.${index}` }] : [],
  );
  return fromResponses(request, items);
}

function messages(input: unknown, fields: object = {}) {
  return convert({ input, ...fields }).messages;
}

/** The field and the message of the error. */
function refusal(body: object): [field: string | undefined, message: string | undefined] {
  try {
    convert(body);
  } catch (error) {
    if (!AppError.is(error)) throw error;
    return [error.details?.[0]?.field, error.details?.[0]?.message];
  }
  throw new Error('it was accepted');
}

describe('the messages of a response’s request', () => {
  it('begin with all system texts as one', () => {
    expect(
      messages([{ role: 'developer', content: 'b' }, { role: 'system', content: 'c' }, user('x')], {
        instructions: 'a',
      }),
    ).toEqual([
      { role: 'system', content: 'a\n\nb\n\nc' },
      { role: 'user', content: 'x' },
    ]);
    expect(messages([user('x'), { role: 'developer', content: 'b' }, user('y')])[1]).toEqual({
      role: 'system',
      content: 'b',
    });
    expect(messages('x', { instructions: '' })).toEqual([{ role: 'user', content: 'x' }]);
  });

  it('have one for each turn of the model', () => {
    expect(
      messages([
        user('x'),
        { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
        {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'One moment.', annotations: [] }],
        },
        call('c1'),
        call('c2', 'listen'),
        output('c1'),
        output('c2', [{ type: 'input_text', text: 'loud' }]),
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'so' }] },
        { role: 'assistant', content: 'Rain.' },
        { role: 'assistant', content: 'And loud.' },
        user('y'),
      ]),
    ).toEqual([
      { role: 'user', content: 'x' },
      {
        role: 'assistant',
        content: 'One moment.',
        thinking: 'hm',
        tool_calls: [
          { id: 'c1', function: { name: 'look', arguments: { a: 1 } } },
          { id: 'c2', function: { name: 'listen', arguments: { a: 1 } } },
        ],
      },
      { role: 'tool', content: 'rain', tool_call_id: 'c1', tool_name: 'look' },
      { role: 'tool', content: 'loud', tool_call_id: 'c2', tool_name: 'listen' },
      { role: 'assistant', content: 'Rain.', thinking: 'so' },
      { role: 'assistant', content: 'And loud.' },
      { role: 'user', content: 'y' },
    ]);
  });

  it('show images of tools to the model after the results of its turn', () => {
    const shown = { role: 'user', content: 'Images that the tool returned:', images: [PNG] };
    expect(messages([user('x'), call('c1'), call('c2'), output('c1', [image]), output('c2')]).slice(2)).toEqual([
      { role: 'tool', content: '', tool_call_id: 'c1', tool_name: 'look' },
      { role: 'tool', content: 'rain', tool_call_id: 'c2', tool_name: 'look' },
      shown,
    ]);
    expect(messages([user('x'), call('c1'), output('c1', [image]), user('y')]).slice(3)).toEqual([
      shown,
      { role: 'user', content: 'y' },
    ]);
  });

  it('have the texts of text files, and nothing of others', () => {
    expect(messages([user([file('é', 'a.txt'), file('b')])])).toEqual([{ role: 'user', content: 'File a.txt:\né\nb' }]);
    for (const data of ['%PDF-1.7 x', 'a\0b'])
      expect(refusal({ input: [user([file(data)])] })).toEqual([
        'input.0.content.file_data',
        expect.stringMatching(/must be a text file/),
      ]);
    const latin1 = { type: 'input_file', file_data: Buffer.from([0xe9]).toString('base64') };
    expect(refusal({ input: [user([latin1])] })[1]).toMatch(/must be a text file/);
    expect(refusal({ input: [user([{ type: 'input_file', file_data: 'data:,' }])] })[1]).toMatch(/is empty/);
    for (const data of ['*', `${' '.repeat(300_000)}*`])
      expect(refusal({ input: [user([{ type: 'input_file', file_data: data }])] })[1]).toMatch(/base64/);
  });
});

describe('the tools of a response’s request', () => {
  const tools = [
    { type: 'function', name: 'look', parameters: null, strict: true },
    { type: 'custom', name: 'patch' },
    { type: 'namespace', name: 'crm', description: 'Customers.', tools: [{ type: 'function', name: 'find' }] },
  ];

  it('are functions for the model', () => {
    expect(convert({ input: 'x', tools }).tools).toEqual([
      { type: 'function', function: { name: 'look', strict: true } },
      {
        type: 'function',
        function: {
          name: 'patch',
          parameters: {
            type: 'object',
            properties: { input: { type: 'string' } },
            required: ['input'],
            additionalProperties: false,
          },
        },
      },
      { type: 'function', function: { name: 'crm__find', description: 'Customers.' } },
    ]);
  });

  it.each([
    ['auto', 'auto'],
    ['required', 'required'],
    [
      { type: 'function', name: 'look' },
      { type: 'function', function: { name: 'look' } },
    ],
    [
      { type: 'custom', name: 'patch' },
      { type: 'function', function: { name: 'patch' } },
    ],
  ])('are chosen by %j', (given, expected) => {
    expect(convert({ input: 'x', tools, tool_choice: given }).tool_choice).toEqual(expected);
  });

  it('are only those that are allowed', () => {
    const choice = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'custom', name: 'patch' }] };
    const chat = convert({ input: 'x', tools, tool_choice: choice });
    expect(chat.tools?.map((tool) => tool.function.name)).toEqual(['patch']);
    expect(chat.tool_choice).toBe('required');
  });
});

describe('a response’s request', () => {
  it('has the fields of a chat request', () => {
    expect(
      convert({
        model: 'm',
        input: 'x',
        stream: true,
        temperature: 0.5,
        max_output_tokens: 7,
        parallel_tool_calls: false,
        text: {
          format: { type: 'json_schema', name: 'a', schema: { type: 'object' }, strict: true },
          verbosity: 'low',
        },
        reasoning: { effort: 'minimal', mode: 'standard' },
        include: ['message.output_text.logprobs', 'reasoning.encrypted_content'],
        user: 'ann',
        prompt_cache_key: 'k',
        metadata: { a: 'b' },
      }),
    ).toMatchObject({
      model: 'm',
      stream: true,
      options: { temperature: 0.5, num_predict: 7 },
      parallel_tool_calls: false,
      format: { type: 'object' },
      format_details: { name: 'a', strict: true },
      logprobs: true,
      passthrough: { reasoning_effort: 'minimal', verbosity: 'low', user: 'ann', prompt_cache_key: 'k' },
    });
    expect(convert({ input: 'x', metadata: { a: 'b' } })).toEqual(convert({ input: 'x' }));
    expect(convert({ input: 'x', text: { format: { type: 'json_object' } } }).format).toBe('json');
  });

  it.each([
    [{}, 'input'],
    [{ input: '' }, 'input'],
    [{ input: 'x', conversation: 'conv_1' }, 'conversation'],
    [{ input: 'x', prompt: { id: 'p' } }, 'prompt'],
    [{ input: 'x', context_management: [{ type: 'compaction' }] }, 'context_management'],
    [{ input: 'x', moderation: { model: 'm' } }, 'moderation'],
    [{ input: 'x', reasoning: { mode: 'pro' } }, 'reasoning.mode'],
    [{ input: 'x', tools: [{ type: 'mcp', server_label: 'a' }] }, 'tools.0.type'],
    [{ input: 'x', tools: [{ type: 'custom', name: 'a', format: { type: 'grammar' } }] }, 'tools.0.format'],
    [
      {
        input: 'x',
        tools: [
          { type: 'function', name: 'a__b' },
          { type: 'namespace', name: 'a', tools: [{ type: 'function', name: 'b' }] },
        ],
      },
      'tools',
    ],
    [{ input: 'x', tool_choice: { type: 'mcp', server_label: 'a' } }, 'tool_choice.type'],
    [{ input: 'x', tool_choice: { type: 'function' } }, 'tool_choice.name'],
    [{ input: [{ type: 'web_search_call', id: 'a' }] }, 'input.0.type'],
    [{ input: [user([{ type: 'input_audio', input_audio: {} }])] }, 'input.0.content.0.type'],
    [{ input: [user([{ type: 'input_image', file_id: 'f' }])] }, 'input.0.content.0.file_id'],
    [{ input: [user([{ type: 'input_image' }])] }, 'input.0.content.0.image_url'],
    [{ input: [user([{ type: 'input_image', image_url: 'https://example.org/a.png' }])] }, 'input.0.content'],
    [{ input: [user([{ type: 'input_file', file_url: 'https://example.org' }])] }, 'input.0.content.0.file_url'],
    [{ input: [user([{ type: 'input_file' }])] }, 'input.0.content.0.file_data'],
    [{ input: [user('x'), call('c1')] }, 'input'],
    [{ input: [user('x'), { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'x' }] }] }, 'input'],
    [{ input: Array(MAX_ITEMS + 1).fill(user('x')) }, 'input'],
    [{ input: 'x', background: true, store: false }, 'background'],
  ])('is refused by the name of what cannot be done: %j', (body, field) => {
    expect(refusal(body)[0]).toBe(field);
  });
});

describe('a parameter that is left out', () => {
  const search = { type: 'web_search' };
  const look = { type: 'function', name: 'look' };
  const patch = { type: 'custom', name: 'patch' };
  const grammar = { type: 'grammar', syntax: 'lark', definition: 'x' };

  it.each([
    [
      { tools: [search, look], tool_choice: 'required' },
      { tools: [look], tool_choice: 'required' },
    ],
    [{ tools: [search], tool_choice: 'required' }, {}],
    [{ tools: [look], tool_choice: { type: 'web_search' } }, { tools: [look] }],
    [{ tools: [{ ...patch, format: grammar }] }, { tools: [patch] }],
    [
      { tools: [{ type: 'namespace', name: 'n', tools: [{ ...patch, format: grammar }] }] },
      { tools: [{ type: 'namespace', name: 'n', tools: [patch] }] },
    ],
    [{ reasoning: { effort: 'low', mode: 'pro' } }, { reasoning: { effort: 'low' } }],
    [{ context_management: [{ type: 'compaction' }], moderation: { model: 'm' } }, {}],
  ])('makes the request that lacks it: %j', (fields, rest) => {
    expect(refusal({ input: 'x', ...fields })[0]).toBeDefined();
    expect(convert({ input: 'x', ...fields }, true)).toEqual(convert({ input: 'x', ...rest }));
  });

  it.each([
    { prompt: { id: 'a' } },
    { conversation: 'a' },
    { input: [user([{ type: 'input_file', file_id: 'f' }])] },
    { input: [user([{ type: 'input_image', file_id: 'f' }])] },
    { input: [{ type: 'compaction' }] },
  ])('is none that holds a part of the conversation: %j', (fields) => {
    expect(() => convert({ input: 'x', moderation: { model: 'm' }, ...fields }, true)).toThrow(AppError);
  });
});
