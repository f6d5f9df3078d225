import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OllamaProvider } from '#lib/models/ollama/provider';
import type { KeepAlive, ModelEvent, ModelRequest } from '#lib/models/provider';
import { chatEvents } from '../../../test/support/model-events.ts';

let server: Server;
let url: string;
/** What POST /api/show says; undefined is 500. */
let shown: object | undefined;
let content = '';
/** The length of the prompt that the server reports. */
let evaluated = 0;
const seen: { path: string; body: { keep_alive?: unknown; options?: { num_ctx?: unknown } } }[] = [];

beforeAll(async () => {
  server = createServer(async (incoming, outgoing) => {
    const path = incoming.url ?? '';
    if (path === '/api/tags') {
      outgoing.end(JSON.stringify({ models: [{ name: 'gpt-oss:20b' }, { name: 'qwen3:8b' }] }));
      return;
    }
    const sent = await text(incoming);
    if (path === '/api/ps') {
      outgoing.end(JSON.stringify({ models: [] }));
      return;
    }
    seen.push({ path, body: JSON.parse(sent) });
    if (path === '/api/show') outgoing.writeHead(shown === undefined ? 500 : 200).end(JSON.stringify(shown ?? {}));
    else {
      const counts = { prompt_eval_count: evaluated, eval_count: 1 };
      outgoing.end(JSON.stringify({ message: { content }, done: true, done_reason: 'stop', ...counts }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  seen.length = 0;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function withProvider<T>(keepAlive: KeepAlive, use: (provider: OllamaProvider) => Promise<T>): Promise<T> {
  const provider = new OllamaProvider({ url, keepAlive });
  try {
    return await use(provider);
  } finally {
    await provider.close();
  }
}

const request = (fields: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'deepseek-r1:8b',
  messages: [{ role: 'user', content: 'hello' }],
  options: {},
  ...fields,
});
const signal = () => new AbortController().signal;
const textsOf = (events: ModelEvent[]) =>
  events.flatMap((event) => ('text' in event && event.text !== '' ? [[event.type, event.text]] : []));

describe('whether a model thinks', () => {
  it.each<[what: string, show: object | undefined, expected: string[][]]>([
    ['is so', { capabilities: ['completion', 'thinking'] }, [['content', 'Hm.</think>Yes.']]],
    [
      'is not so',
      { capabilities: ['completion'] },
      [
        ['thinking', 'Hm.'],
        ['content', 'Yes.'],
      ],
    ],
    ['is not said', undefined, [['content', 'Hm.</think>Yes.']]],
  ])('is asked once for many responses where it %s', async (_what, show, expected) => {
    shown = show;
    content = 'Hm.</think>Yes.';
    await withProvider('5m', async (provider) => {
      for (let time = 0; time < 4; time++)
        expect(textsOf(await Array.fromAsync(chatEvents(provider, request(), signal())))).toEqual(expected);
    });
    expect(seen.map(({ path }) => path).sort()).toEqual([...Array(4).fill('/api/chat'), '/api/show']);
  });
});

describe('keep_alive', () => {
  it.each<[keepAlive: KeepAlive | undefined, own: KeepAlive, sent: KeepAlive]>([
    [undefined, '5m', '5m'],
    [0, '5m', '5m'],
    ['0.0s', '5m', '5m'],
    ['0h0m', 300, 300],
    ['1ns', '5m', '5m'],
    ['-0s', '5m', '5m'],
    ['4m59s', '5m', '5m'],
    [300, '5m', 300],
    ['1h', '5m', '1h'],
    [-1, '5m', -1],
    ['-1s', '5m', '-1s'],
    ['1h', -1, -1],
    [0, 0, 0],
    [1e300, '5m', -1],
    ['soon', '5m', 'soon'],
  ])('%j where the setting is %j is sent as %j', async (keepAlive, own, sent) => {
    content = 'Yes.';
    const isShorter = keepAlive !== undefined && sent === own && keepAlive !== own;
    await withProvider(own, async (provider) => {
      const asked = request({ model: 'm', ...(keepAlive === undefined ? {} : { keepAlive }) });
      expect(provider.checkFieldSupport(asked)).toEqual(isShorter ? ['keep_alive'] : []);
      await Array.fromAsync(chatEvents(provider, asked, signal()));
      await provider.load('m', signal(), keepAlive);
    });
    expect(seen.map(({ body }) => body.keep_alive)).toEqual([sent, sent]);
  });
});

describe('the context', () => {
  it('grows with the conversation, is kept for shorter requests, and a truncated prompt is reported', async () => {
    content = 'Yes.';
    shown = { model_info: { 'general.architecture': 'llama', 'llama.context_length': 16_384 }, capabilities: [] };
    const provider = new OllamaProvider({ url, keepAlive: '5m', maxContextTokens: 32_768 });
    const ends = async (length: number, options = {}) => {
      const messages = [{ role: 'user' as const, content: 'word '.repeat(length) }];
      const events = await Array.fromAsync(chatEvents(provider, request({ messages, options }), signal()));
      const end = events.at(-1);
      return end?.type === 'done' ? end.usage : undefined;
    };
    try {
      evaluated = 10;
      expect(await ends(1)).toEqual({ prompt_tokens: 10, completion_tokens: 1 });
      evaluated = 3_500;
      expect(await ends(3_000)).toEqual({ prompt_tokens: 3_500, completion_tokens: 1, context_length: 8_192 });
      evaluated = 10;
      expect(await ends(1)).toMatchObject({ context_length: 8_192 });
      evaluated = 16_000;
      expect(await ends(40_000)).toMatchObject({ context_length: 16_384, prompt_truncated: true });
      evaluated = 500;
      expect(await ends(3_000, { num_ctx: 512 })).toMatchObject({ context_length: 512, prompt_truncated: true });
      await provider.load('deepseek-r1:8b', signal());
    } finally {
      await provider.close();
    }
    const chats = seen.filter(({ path }) => path === '/api/chat');
    expect(chats.map(({ body }) => body.options?.num_ctx)).toEqual([undefined, 8_192, 8_192, 16_384, 512, 16_384]);
  });

  it('lists what a model sets itself, how it can think, and how long a conversation can be', async () => {
    shown = {
      model_info: { 'general.architecture': 'llama', 'llama.context_length': 131_072 },
      capabilities: ['completion', 'thinking'],
      parameters: 'temperature 0.6',
    };
    const provider = new OllamaProvider({ url, keepAlive: '5m', maxContextTokens: 8_192 });
    try {
      expect(await provider.models(signal())).toMatchObject([
        { id: 'gpt-oss:20b', thinking_modes: ['low', 'medium', 'high'], usable_context_length: 8_192 },
        { id: 'qwen3:8b', thinking_modes: ['off', 'on'], defaults: { temperature: 0.6 }, context_length: 131_072 },
      ]);
    } finally {
      await provider.close();
    }
  });
});
