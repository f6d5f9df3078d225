import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBody } from '#lib/http/body';
import { unknownFields } from '#lib/http/ignored-fields';
import { anthropicRequestSchema } from '#lib/wire/anthropic-request';
import { CHAT_FIELDS, chatRequestSchema } from '#lib/wire/chat';
import { ollamaChatSchema, ollamaGenerateSchema } from '#lib/wire/ollama-request';
import { openAiCompletionRequestSchema } from '#lib/wire/openai-completion-request';
import { openAiRequestSchema } from '#lib/wire/openai-request';
import { responsesRequestSchema } from '#lib/wire/responses-request';
import { type ChatServer, chatServer } from '../support/chat-server.ts';

/**
 * Bodies within the limit of 1 MiB that are made to cost: they must not hold up other requests.
 */

const many = (count: number, value: unknown = 1) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`modes${at}`, value]));
const list = (count: number, value: unknown) => Array.from({ length: count }, () => value);
const question = { role: 'user', content: 'q' };
const asked = (fields: object) => ({ model: 'x', messages: [question], ...fields });
const called = (given: unknown) => ({
  role: 'assistant',
  content: '',
  tool_calls: [{ function: { name: 'a', arguments: given } }],
});

type Make = (count: number) => object;
const SURFACES = {
  '/v1/chat/completions': openAiRequestSchema,
  '/v1/messages': anthropicRequestSchema,
  '/v1/responses': responsesRequestSchema,
  '/api/chat-optimized': chatRequestSchema,
  '/v1/completions': openAiCompletionRequestSchema,
  '/api/chat': ollamaChatSchema,
  '/api/generate': ollamaGenerateSchema,
};
const tool = (parameters: object) => ({ type: 'function', function: { name: 'a', parameters } });
const text = { type: 'text', text: 'q' };
const result = { type: 'tool_result', tool_use_id: 'a' };
const blocks = (count: number, block: unknown) => ({ role: 'user', content: list(count, block) });
const BODIES: readonly [name: string, path: keyof typeof SURFACES, make: Make][] = [
  ['unknown fields', '/v1/chat/completions', (n) => asked(many(n))],
  ['unknown fields', '/api/chat-optimized', (n) => asked(many(n))],
  ['unknown fields beside camelCase', '/api/chat-optimized', (n) => asked({ useCache: true, ...many(n) })],
  ['unknown fields', '/api/chat', (n) => asked(many(n))],
  ['unknown fields', '/api/generate', (n) => ({ model: 'x', prompt: 'q', ...many(n) })],
  ['unknown fields', '/v1/messages', (n) => asked(many(n))],
  ['unknown in blocks', '/v1/messages', (n) => asked({ messages: [blocks(200, { ...text, ...many(n / 200) })] })],
  ['wrong blocks', '/v1/messages', (n) => asked({ messages: list(100, blocks(n / 100, 1)) })],
  [
    'wrong results',
    '/v1/messages',
    (n) => asked({ messages: [blocks(100, { ...result, content: list(n / 100, 1) })] }),
  ],
  ['wrong tools', '/v1/messages', (n) => asked({ tools: list(500, { ...many(n / 500) }) })],
  ['no messages', '/v1/chat/completions', (n) => many(n)],
  ['unknown in messages', '/api/chat', (n) => asked({ messages: list(500, { ...question, ...many(n / 500) }) })],
  ['unknown fields', '/v1/completions', (n) => ({ prompt: 'q', ...many(n) })],
  ['wrong prompts', '/v1/completions', (n) => ({ prompt: list(n, {}) })],
  ['wrong tokens', '/v1/completions', (n) => ({ prompt: list(n, -1) })],
  ['wrong lists of tokens', '/v1/completions', (n) => ({ prompt: [list(n, 'x')] })],
  ['a wrong context', '/api/generate', (n) => ({ model: 'x', prompt: 'q', context: list(n, 'x') })],
  ['options', '/api/chat', (n) => asked({ options: many(n) })],
  ['passthrough', '/api/chat-optimized', (n) => asked({ passthrough: many(n) })],
  ['logit_bias', '/v1/chat/completions', (n) => asked({ logit_bias: many(n, 'x') })],
  ['metadata', '/v1/chat/completions', (n) => asked({ metadata: many(n) })],
  ['format', '/api/chat', (n) => asked({ format: { properties: many(n) } })],
  ['parameters', '/v1/chat/completions', (n) => asked({ tools: [tool(many(n))] })],
  ['arguments', '/api/chat', (n) => asked({ messages: [question, called(many(n)), question] })],
  ['unknown fields', '/v1/responses', (n) => ({ input: 'q', ...many(n) })],
  ['metadata', '/v1/responses', (n) => ({ input: 'q', metadata: many(n, 'x') })],
  ['wrong items', '/v1/responses', (n) => ({ input: list(n, 1) })],
  ['items of no type', '/v1/responses', (n) => ({ input: list(2_000, many(n / 2_000)) })],
  [
    'wrong parts of many items',
    '/v1/responses',
    (n) => ({ input: list(100, { ...question, content: list(n / 100, 1) }) }),
  ],
  [
    'parameters',
    '/v1/responses',
    (n) => ({ input: 'q', tools: [{ type: 'function', name: 'a', parameters: many(n) }] }),
  ],
  ['wrong stops', '/v1/chat/completions', (n) => asked({ stop: list(n, 1) })],
  ['wrong parts', '/v1/chat/completions', (n) => asked({ messages: [{ ...question, content: list(n, 1) }] })],
  [
    'wrong parts of many messages',
    '/v1/chat/completions',
    (n) => asked({ messages: list(100, { ...question, content: list(n / 100, 1) }) }),
  ],
  [
    'wrong calls of many messages',
    '/api/chat',
    (n) => asked({ messages: list(500, { ...question, tool_calls: list(n / 500, 1) }) }),
  ],
];

/** Milliseconds of processor time for a body, the lesser of two. */
function cpuMs(path: keyof typeof SURFACES, body: object): number {
  const costs = list(2, 0).map(() => {
    const before = process.cpuUsage();
    try {
      unknownFields(body, parseBody(SURFACES[path], body, CHAT_FIELDS), CHAT_FIELDS);
    } catch {
      // A refusal is right, too.
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...costs);
}

let s: ChatServer;
beforeAll(async () => {
  s = await chatServer();
  s.provider.onCall = (call) => void call.say('x').done();
});
afterAll(() => s.close());

describe('a body that is made to cost', () => {
  it.each(BODIES)('with %s to %s costs no more than its size', (_name, path, make) => {
    const [small, large] = [make(10_000), make(40_000)];
    cpuMs(path, small);
    // What is below 10 ms is as good as nothing. A failure shows three times: the collector's
    // threads count, too.
    const excess = () => cpuMs(path, large) - 8 * Math.max(10, cpuMs(path, small));
    if (excess() > 0 && excess() > 0) expect(excess()).toBeLessThanOrEqual(0);
    expect(cpuMs(path, large)).toBeLessThan(2_000);
  });

  it('names 20 fields that are ignored, cut to 64 characters', async () => {
    const body = { messages: [question], stream: false, ['a'.repeat(500)]: 1, ...many(50_000) };
    const response = await post('/api/chat-optimized', body);
    expect(response.status).toBe(200);
    const names = response.headers.get('x-ignored-fields')?.split(', ');
    expect(names).toHaveLength(21);
    expect(names?.[0]).toBe('a'.repeat(64));
    expect(names?.at(-1)).toBe('...');
  });

  it('is refused with the number of names it may have', async () => {
    for (const [field, most] of Object.entries({ options: 200, passthrough: 0 })) {
      const response = await post('/api/chat-optimized', asked({ [field]: many(most + 1_000) }));
      const text = await response.text();
      expect(response.status).toBe(400);
      expect(text.length).toBeLessThan(2_000);
      expect(text).toContain(most === 0 ? '980 more' : 'options must have at most 200 names');
    }
    const stops = await post('/v1/chat/completions', asked({ stop: list(1_001, 'a') }));
    expect(await stops.text()).toContain('stop must have at most 1000 entries');
    const parts = await post('/v1/chat/completions', asked({ messages: [{ ...question, content: list(3_000, 1) }] }));
    expect(await parts.text()).toContain('messages.0.content must have at most 2000 entries');
  });

  it('keeps a large schema, and the arguments of a call, whole', () => {
    const [schema, given] = [{ properties: many(5_000) }, many(5_000)];
    const body = asked({ format: schema, messages: [question, called(given), question] });
    const read = parseBody(chatRequestSchema, body);
    expect(read.format).toEqual(schema);
    expect(read.messages[1]?.tool_calls?.[0]?.function.arguments).toEqual(given);
    expect(parseBody(chatRequestSchema, asked({ options: many(200) })).options).toEqual(many(200));
  });

  it('has no __proto__ among its settings', () => {
    const body = asked({ options: JSON.parse('{"__proto__":{"num_predict":5},"seed":1}') });
    const { options } = parseBody(chatRequestSchema, body);
    expect(Object.keys(options)).toEqual(['seed']);
  });

  it('leaves the process free to serve others', async () => {
    let isOver = false;
    const flood = Promise.all(BODIES.map(([, path, make]) => post(path, make(40_000)).then((reply) => reply.text())));
    void flood.then(() => {
      isOver = true;
    });
    let longestMs = 0;
    while (!isOver) {
      const sent = performance.now();
      expect((await fetch(`${s.url}/health`)).status).toBe(200);
      longestMs = Math.max(longestMs, performance.now() - sent);
    }
    await flood;
    expect(longestMs).toBeLessThan(5_000);
  });
});

function post(path: string, body: object): Promise<Response> {
  return fetch(s.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
