import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { PNG } from '../support/images.ts';
import { CALL, WEATHER } from '../support/responses-clients.ts';

let s: ChatServer;

function client(apiKey = 'none'): OpenAI {
  return new OpenAI({ baseURL: `${s.url}/v1`, apiKey, maxRetries: 0 });
}

describe('what the official openai client sends, over responses', () => {
  beforeEach(async () => {
    s = await chatServer({ CACHE_SDK: 'always' });
  });

  afterEach(async () => {
    await s.close();
    expect(s.provider.open).toBe(0);
  });

  it('takes the whole conversation as items, as an agent sends it without a state', async () => {
    s.provider.onCall = (call) => void call.think('hm').say('One moment.').ask([CALL]).done();
    const { responses } = client();
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'weather?' }];
    const first = await responses.create({ model: 'm', input, tools: [WEATHER], store: false });
    s.provider.onCall = (call) => void call.say('Rain.').done();
    const { response } = await responses
      .create({
        model: 'm',
        input: [
          ...input,
          ...(first.output as OpenAI.Responses.ResponseInput),
          { type: 'function_call_output', call_id: 'c1', output: 'rain' },
        ],
        store: false,
      })
      .withResponse();
    expect(response.headers.get('x-ignored-fields')).toBeNull();
    expect(s.provider.last.request.messages).toEqual([
      { role: 'user', content: 'weather?' },
      { role: 'assistant', content: 'One moment.', thinking: 'hm', tool_calls: [CALL] },
      { role: 'tool', content: 'rain', tool_call_id: 'c1', tool_name: 'weather' },
    ]);
    await expect(responses.retrieve(first.id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
    await expect(
      responses.create({ model: 'm', previous_response_id: first.id, input: 'go on' }),
    ).rejects.toMatchObject({ status: 400, param: 'previous_response_id', code: 'previous_response_not_found' });
  });

  it('passes sampling, effort, images, files and roles on', async () => {
    s.provider.onCall = (call) => void call.say('a dot').done();
    await client().responses.create({
      model: 'm',
      instructions: 'be brief',
      temperature: 0.5,
      top_p: 0.9,
      max_output_tokens: 7,
      reasoning: { effort: 'low', summary: 'auto' },
      input: [
        { role: 'developer', content: 'be kind' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'what is it?' },
            { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${PNG}` },
            { type: 'input_file', filename: 'a.txt', file_data: `data:text/plain;base64,${btoa('note')}` },
          ],
        },
      ],
    });
    expect(s.provider.last.request).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'be brief\n\nbe kind' },
        { role: 'user', content: 'what is it?\nFile a.txt:\nnote', images: [PNG] },
      ],
      options: { temperature: 0.5, top_p: 0.9, num_predict: 7 },
      think: 'low',
      passthrough: { reasoning_effort: 'low' },
    });
  });

  it('calls custom tools and tools in namespaces by the names of the request', async () => {
    s.provider.onCall = (call) =>
      void call
        .ask([
          { id: 'c1', function: { name: 'patch', arguments: { input: '*** Begin' } } },
          { id: 'c2', function: { name: 'crm__find', arguments: { id: 1 } } },
        ])
        .done();
    const tools: OpenAI.Responses.Tool[] = [
      { type: 'custom', name: 'patch', description: 'Edits files.' },
      {
        type: 'namespace',
        name: 'crm',
        description: 'Customers.',
        tools: [{ type: 'function', name: 'find', parameters: { type: 'object', properties: {} } }],
      },
    ];
    const { responses } = client();
    const streamed = await responses.stream({ model: 'm', input: 'edit', tools }).finalResponse();
    expect(streamed.output).toMatchObject([
      { type: 'custom_tool_call', call_id: 'c1', name: 'patch', input: '*** Begin' },
      { type: 'function_call', call_id: 'c2', name: 'find', namespace: 'crm', arguments: '{"id":1}' },
    ]);
    expect(s.provider.last.request.tools?.map(({ function: { name, description } }) => [name, description])).toEqual([
      ['patch', 'Edits files.'],
      ['crm__find', 'Customers.'],
    ]);
    s.provider.onCall = (call) => void call.say('Done.').done();
    await responses.create({
      model: 'm',
      previous_response_id: streamed.id,
      tools,
      input: [
        { type: 'custom_tool_call_output', call_id: 'c1', output: 'edited' },
        { type: 'function_call_output', call_id: 'c2', output: 'Ann' },
      ],
    });
    expect(s.provider.last.request.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: '',
        tool_calls: [
          { id: 'c1', function: { name: 'patch', arguments: { input: '*** Begin' } } },
          { id: 'c2', function: { name: 'crm__find', arguments: { id: 1 } } },
        ],
      },
      { role: 'tool', content: 'edited', tool_call_id: 'c1', tool_name: 'patch' },
      { role: 'tool', content: 'Ann', tool_call_id: 'c2', tool_name: 'crm__find' },
    ]);
  });

  it('takes large images, and refuses as much text', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { responses } = client();
    const image_url = `data:image/png;base64,${'A'.repeat(1_500_000)}`;
    const image = { type: 'input_image' as const, detail: 'auto' as const, image_url };
    const call = { type: 'function_call' as const, call_id: 'c1', name: 'look', arguments: '{}' };
    for (const input of [
      [{ role: 'user' as const, content: [image] }],
      [
        { role: 'user' as const, content: 'x' },
        call,
        { type: 'function_call_output' as const, call_id: 'c1', output: [image] },
      ],
    ])
      expect(await responses.create({ model: 'm', input })).toMatchObject({ output_text: 'x' });
    await expect(responses.create({ model: 'm', input: image_url })).rejects.toMatchObject({
      status: 413,
      code: 'body_too_large',
    });
  });
});
