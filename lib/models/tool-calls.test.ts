import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { openAiMessages } from '#lib/models/openai/messages';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import type { Message, ToolCall } from '#lib/wire/chat';
import { chatEvents } from '../../test/support/model-events.ts';

let server: Server | undefined;
let provider: ModelProvider | undefined;

afterEach(async () => {
  await provider?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

/** A server that responds with `body` to every request, and records the requests. */
async function serving(body: string): Promise<{ url: string; asked: () => unknown }> {
  let asked: unknown;
  const started = createServer(async (incoming, outgoing) => {
    asked = JSON.parse(await text(incoming));
    outgoing.end(body);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(started.address() as AddressInfo).port}`, asked: () => asked };
}

const call = { id: 'c1', function: { name: 'weather', arguments: { city: 'Bern' } } };
const tool = { type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } };
const request: ModelRequest = {
  model: 'm',
  messages: [
    { role: 'user', content: 'and in Bern?' },
    { role: 'assistant', content: '', tool_calls: [call] },
    { role: 'tool', content: 'rain', tool_name: 'weather', tool_call_id: 'c1' },
  ],
  options: {},
  tools: [tool],
};

function chat() {
  if (provider === undefined) throw new Error('no provider');
  return Array.fromAsync(chatEvents(provider, request));
}

describe('tools through Ollama', () => {
  it('are sent with their calls and results, and calls are parsed', async () => {
    const { url, asked } = await serving(
      [
        { message: { content: '', tool_calls: [{ function: { name: 'weather', arguments: { city: 'Bern' } } }] } },
        { message: { content: '' }, done: true, done_reason: 'stop', prompt_eval_count: 2, eval_count: 3 },
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
    provider = new OllamaProvider({ url, keepAlive: '5m' });
    expect(await chat()).toEqual([
      { type: 'tool_calls', tool_calls: [{ function: { name: 'weather', arguments: { city: 'Bern' } } }] },
      { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 2, completion_tokens: 3 } },
    ]);
    expect(asked()).toMatchObject({ tools: [tool], messages: request.messages });
  });

  it('keep every key of the arguments in both directions, also __proto__', async () => {
    const odd = '{"__proto__":{"x":1},"constructor":2,"a":{"__proto__":3}}';
    const { url, asked } = await serving(
      `{"message":{"content":"","tool_calls":[{"function":{"name":"weather","arguments":${odd}}}]}}\n{"done":true}\n`,
    );
    provider = new OllamaProvider({ url, keepAlive: '5m' });
    const messages: Message[] = [
      { role: 'assistant', content: '', tool_calls: [{ function: { name: 'weather', arguments: JSON.parse(odd) } }] },
    ];
    const signal = new AbortController().signal;
    const events = await Array.fromAsync(chatEvents(provider, { ...request, messages }, signal));
    expect(JSON.stringify(events)).toContain(`"arguments":${odd}`);
    expect(JSON.stringify(asked())).toContain(`"arguments":${odd}`);
  });

  it('are parsed with arguments as text and without an id, and sent with an object', async () => {
    const { url, asked } = await serving(
      `${JSON.stringify({
        message: {
          tool_calls: [
            { id: null, function: { name: 'weather', arguments: '{"city":"Bern"}' } },
            { function: { name: 'weather', arguments: '{"ci' } },
          ],
        },
        done: true,
      })}\n`,
    );
    provider = new OllamaProvider({ url, keepAlive: '5m' });
    const calls = [
      { function: { name: 'weather', arguments: { city: 'Bern' } } },
      { function: { name: 'weather', arguments: '{"ci' } },
    ];
    expect((await chat())[0]).toEqual({ type: 'tool_calls', tool_calls: calls });
    const again: ModelRequest = { ...request, messages: [{ role: 'assistant', content: '', tool_calls: calls }] };
    await Array.fromAsync(chatEvents(provider, again));
    expect(asked()).toMatchObject({
      messages: [{ tool_calls: [calls[0], { function: { name: 'weather', arguments: { arguments: '{"ci' } } }] }],
    });
  });
});

describe('tools through an OpenAI-compatible server', () => {
  const delta = (toolCall: object) => ({ choices: [{ delta: { tool_calls: [toolCall] } }] });
  const events = (...chunks: object[]) =>
    `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`;

  it('are sent in its form, and fragments of calls are assembled', async () => {
    const { url, asked } = await serving(
      events(
        delta({ index: 0, id: 'c1', function: { name: 'weather', arguments: '' } }),
        delta({ index: 0, function: { arguments: '{"city":' } }),
        delta({ index: 1, id: 'c2', function: { name: 'time', arguments: '' } }),
        delta({ index: 0, function: { arguments: '"Bern"}' } }),
        { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
      ),
    );
    provider = new OpenAiProvider({ url: `${url}/v1` });
    expect(await chat()).toEqual([
      { type: 'tool_calls', tool_calls: [call, { id: 'c2', function: { name: 'time', arguments: {} } }] },
      { type: 'done', done_reason: 'tool_calls', usage: { prompt_tokens: 0, completion_tokens: 0 } },
    ]);
    expect(asked()).toMatchObject({
      tools: [tool],
      messages: [
        { role: 'user', content: 'and in Bern?' },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } }],
        },
        { role: 'tool', content: 'rain', tool_call_id: 'c1' },
      ],
    });
  });

  const called = async (...chunks: object[]) => {
    const { url } = await serving(events(...chunks));
    provider = new OpenAiProvider({ url: `${url}/v1` });
    const [first] = await chat();
    return first?.type === 'tool_calls' ? first.tool_calls : [];
  };
  const piece = (id: string | undefined, name: string | undefined, given: unknown, index?: number) =>
    delta({
      ...(index === undefined ? {} : { index }),
      ...(id === undefined ? {} : { id }),
      function: { ...(name === undefined ? {} : { name }), arguments: given },
    });
  const weather = (id: string | undefined, city: string) => ({
    ...(id === undefined ? {} : { id }),
    function: { name: 'weather', arguments: { city } },
  });

  it('are separated without an index, and with the same one for all', async () => {
    for (const index of [undefined, 0])
      expect(
        await called(
          piece('c1', 'weather', '{"city":', index),
          piece(undefined, undefined, '"Bern"}', index),
          piece('c2', 'weather', '{"city":"Rome"}', index),
          piece(undefined, 'time', '', index),
          piece(undefined, undefined, '{}', index),
        ),
      ).toEqual([weather('c1', 'Bern'), weather('c2', 'Rome'), { function: { name: 'time', arguments: {} } }]);
  });

  it('are separated without ids, also of one tool', async () => {
    expect(
      await called(piece(undefined, 'weather', '{"city":"Bern"}'), piece(undefined, 'weather', '{"city":"Rome"}')),
    ).toEqual([weather(undefined, 'Bern'), weather(undefined, 'Rome')]);
  });

  it('are one call if each fragment repeats the name, the id or both', async () => {
    for (const [id, name] of [
      ['c1', 'weather'],
      ['c1', undefined],
      [undefined, 'weather'],
    ])
      expect(
        await called(piece('c1', 'weather', '{"ci'), piece(id, name, 'ty":'), piece(id, name, '"Be}rn"}')),
      ).toEqual([weather('c1', 'Be}rn')]);
  });

  it('are assembled by id from mixed fragments', async () => {
    expect(
      await called(
        piece('c1', 'weather', '{"city":'),
        piece('c2', 'weather', '{"city":'),
        piece('c1', undefined, '"Bern"}'),
        piece('c2', undefined, '"Rome"}'),
      ),
    ).toEqual([weather('c1', 'Bern'), weather('c2', 'Rome')]);
  });

  it('stay separate if all have the same id', async () => {
    const time = { id: 'call_0', function: { name: 'time', arguments: { zone: 'UTC' } } };
    const [bern, rome] = [weather('call_0', 'Bern'), weather('call_0', 'Rome')];
    const id = 'call_0';
    for (const [first, second] of [
      [0, 1],
      [0, 0],
      [undefined, undefined],
    ]) {
      // Whole, of two tools and of one.
      expect(
        await called(piece(id, 'weather', '{"city":"Bern"}', first), piece(id, 'time', '{"zone":"UTC"}', second)),
      ).toEqual([bern, time]);
      expect(
        await called(piece(id, 'weather', '{"city":"Bern"}', first), piece(id, 'weather', '{"city":"Rome"}', second)),
      ).toEqual([bern, rome]);
    }
    // In pieces that are mixed, without and with the id and the name in each.
    for (const [again, name] of [
      [undefined, undefined],
      [id, undefined],
      [id, 'weather'],
    ])
      expect(
        await called(
          piece(id, 'weather', '', 0),
          piece(id, 'weather', '', 1),
          piece(again, name, '{"city":', 0),
          piece(again, name, '{"city":', 1),
          piece(again, name, '"Bern"}', 0),
          piece(again, name, '"Rome"}', 1),
          piece(again, name, '', 0),
        ),
      ).toEqual([bern, rome]);
  });

  it('stay separate by index without ids, also if each fragment repeats the name', async () => {
    expect(
      await called(
        piece(undefined, 'weather', '', 0),
        piece(undefined, 'weather', '', 1),
        piece(undefined, 'weather', '{"city":', 0),
        piece(undefined, 'weather', '{"city":', 1),
        piece(undefined, 'weather', '"Rome"}', 1),
        piece(undefined, 'weather', '"Bern"}', 0),
      ),
    ).toEqual([weather(undefined, 'Bern'), weather(undefined, 'Rome')]);
  });

  it('keep arguments as text that are not JSON or not an object', async () => {
    for (const given of [
      '{"ci',
      'city=Bern',
      '[1]',
      'null',
      '"Bern"',
      `${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}`,
    ])
      expect(await called(piece('c1', 'weather', given))).toEqual([
        { id: 'c1', function: { name: 'weather', arguments: given } },
      ]);
    expect(await called(piece('c1', 'weather', { city: 'Bern' }))).toEqual([weather('c1', 'Bern')]);
    expect(await called(piece('c1', 'weather', null))).toEqual([
      { id: 'c1', function: { name: 'weather', arguments: {} } },
    ]);
  });

  it.each([
    ['without a name', [piece('c1', undefined, '{}')]],
    ['more than 128 at once', Array.from({ length: 129 }, (_, at) => piece(`c${at}`, 'weather', '{}'))],
    [
      'with more than 10 MiB of arguments',
      Array.from({ length: 17 }, () => piece('c1', 'weather', 'x'.repeat(2 ** 20))),
    ],
  ])('are refused %s', async (_what, chunks) => {
    const { url } = await serving(events(...chunks));
    provider = new OpenAiProvider({ url: `${url}/v1` });
    await expect(chat()).rejects.toMatchObject({ code: 'upstream_failed' });
  });
});

describe('messages for an OpenAI-compatible server', () => {
  const called = (id?: string, name = 'weather') => ({
    ...(id === undefined ? {} : { id }),
    function: { name, arguments: {} },
  });
  const assistant = (...calls: ToolCall[]): Message => ({ role: 'assistant', content: '', tool_calls: calls });
  const result = (name?: string, id?: string): Message => ({
    role: 'tool',
    content: 'rain',
    ...(name === undefined ? {} : { tool_name: name }),
    ...(id === undefined ? {} : { tool_call_id: id }),
  });
  const ids = (...messages: Message[]) =>
    openAiMessages(messages).flatMap((message) =>
      'tool_calls' in message
        ? message.tool_calls.map(({ id }) => id)
        : 'tool_call_id' in message
          ? [message.tool_call_id]
          : [message.role],
    );

  it.each<[what: string, messages: Message[], ids: string[]]>([
    ['by name', [assistant(called('a', 'time'), called('b')), result('weather'), result('time')], ['a', 'b', 'b', 'a']],
    ['in order', [assistant(called('a'), called('b')), result('weather'), result('weather')], ['a', 'b', 'a', 'b']],
    ['without a name', [assistant(called('a'), called('b')), result(), result()], ['a', 'b', 'a', 'b']],
    ['made for both', [assistant(called()), result('weather')], ['call00000', 'call00000']],
    [
      'another for each message',
      [assistant(called()), result('weather'), assistant(called()), result('weather')],
      ['call00000', 'call00000', 'call00001', 'call00001'],
    ],
    ['of the result for the call', [assistant(called()), result('weather', 'x')], ['x', 'x']],
    ['as given', [assistant(called('a')), result(undefined, 'other')], ['a', 'other']],
    ['none without any call', [result('weather')], ['user']],
  ])('have ids for results: %s', (_what, messages, expected) => {
    expect(ids(...messages)).toEqual(expected);
  });

  it('pass arguments on that are text', () => {
    const [message] = openAiMessages([assistant({ id: 'a', function: { name: 'f', arguments: '{"x' } })]);
    expect(message).toMatchObject({ tool_calls: [{ function: { arguments: '{"x' } }] });
  });
});
