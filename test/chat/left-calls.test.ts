import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { AppError } from '#lib/errors';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider } from '#lib/models/provider';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import {
  type FaultyModelServer,
  ollama as ollamaLines,
  openai as openaiEvents,
  startFaultyModelServer,
} from '../support/faulty-model-server.ts';

/** A client that leaves: the model server sees its own connection end, on every surface. */

let model: FaultyModelServer;
let providers: Record<string, ModelProvider>;
let s: ChatServer;

beforeAll(async () => {
  model = await startFaultyModelServer();
  providers = {
    openai: new OpenAiProvider({ url: `${model.url}/v1` }),
    ollama: new OllamaProvider({ url: model.url, keepAlive: '5m' }),
  };
});

afterEach(() => s.close());

afterAll(async () => {
  await Promise.all(Object.values(providers).map((provider) => provider.close()));
  await model.close();
});

async function start(graceMs: number, slots = 4): Promise<void> {
  const resolve = async (name = 'ollama') => {
    const provider = providers[name];
    if (provider === undefined) throw new AppError('model_not_found', 'no');
    return { provider, model: name };
  };
  const environment = { DISCONNECT_GRACE_MS: String(graceMs), QUEUE_MAX_CONCURRENT: String(slots) };
  s = await chatServer(environment, { clock: systemClock, directory: { resolve } });
}

const messages = [{ role: 'user', content: 'hello' }];
const SURFACES: [path: string, body: object, generations: number][] = [
  ['/api/chat-optimized', { messages }, 1],
  ['/api/chat-stream', { messages }, 1],
  ['/v1/chat/completions', { messages }, 1],
  ['/v1/chat/completions', { messages, n: 2 }, 2],
  ['/api/chat', { messages }, 1],
  ['/api/generate', { prompt: 'hello' }, 1],
  ['/v1/messages', { messages, max_tokens: 9 }, 1],
  ['/v1/responses', { input: 'hello' }, 1],
  ['/v1/completions', { prompt: 'hello' }, 1],
  ['/v1/completions', { prompt: ['hello', 'bye'], n: 2 }, 4],
  ['/v1/infill', { input_prefix: 'hello', input_suffix: 'bye' }, 1],
];
const KINDS = ['ollama', 'openai'];
const CASES = SURFACES.flatMap(([path, body, generations]) =>
  KINDS.flatMap((kind) =>
    [true, false].map((stream) => ({ path, body: { model: kind, stream, ...body }, generations, kind, stream })),
  ),
);
const TITLE = '$path for $kind (stream: $stream, generations: $generations)';

/** Calls that the model server saw since `before`. */
async function callsSince(before: number, count: number) {
  await vi.waitFor(() => expect(model.requests).toHaveLength(before + count));
  return model.requests.slice(before);
}

function leavingCall(path: string, body: object) {
  const leave = new AbortController();
  const { signal } = leave;
  const headers = { 'content-type': 'application/json' };
  const reply = fetch(s.url + path, { method: 'POST', headers, body: JSON.stringify(body), signal });
  reply.catch(() => {});
  return { leave: () => leave.abort(), reply };
}

describe('a client that leaves before the first token', () => {
  it.each(CASES)(TITLE, async ({ path, body, generations }) => {
    await start(1);
    model.play(['hang']);
    const before = model.requests.length;
    const { leave, reply } = leavingCall(path, body);
    const calls = await callsSince(before, generations);
    leave();
    await expect(reply).rejects.toThrow();
    expect(await Promise.all(calls.map(({ over }) => over))).toEqual(calls.map(() => false));
    await vi.waitFor(() => expect(s.engine.load).toEqual({ running: 0, waiting: 0 }));
  });
});

describe('a client that leaves in the middle of a response', () => {
  it.each(CASES)(TITLE, async ({ path, body, kind, generations }) => {
    await start(1);
    model.play([{ send: (kind === 'openai' ? openaiEvents : ollamaLines).text('x') }, 'hang']);
    const before = model.requests.length;
    const { leave } = leavingCall(path, body);
    const calls = await callsSince(before, generations);
    leave();
    expect(await Promise.all(calls.map(({ over }) => over))).toEqual(calls.map(() => false));
  });
});

describe('a client that leaves while its request waits', () => {
  it.each(CASES)(TITLE, async ({ path, body, kind, generations }) => {
    await start(1, 1);
    model.play(['hang']);
    const before = model.requests.length;
    const running = leavingCall('/api/chat-optimized', { model: kind, messages, stream: false, cache: 'off' });
    await callsSince(before, 1);
    const { leave } = leavingCall(path, body);
    await vi.waitFor(() => expect(s.engine.load.waiting).toBe(generations));
    leave();
    await vi.waitFor(() => expect(s.engine.load).toEqual({ running: 1, waiting: 0 }));
    running.leave();
    await vi.waitFor(() => expect(s.engine.load.running).toBe(0));
    expect(model.requests).toHaveLength(before + 1);
  });
});

describe('a call that other requests share', () => {
  it('goes on when one of its clients leaves', async () => {
    await start(1);
    const gate = Promise.withResolvers<void>();
    model.play([{ wait: gate.promise }, { send: ollamaLines.text('x') + ollamaLines.done() }]);
    const body = { model: 'ollama', messages, temperature: 0 };
    const before = model.requests.length;
    const first = leavingCall('/v1/chat/completions', body);
    await callsSince(before, 1);
    const second = leavingCall('/v1/chat/completions', body);
    await vi.waitFor(() => expect(s.engine.stats().batch_processor.deduplicated_requests).toBe(1));
    first.leave();
    await expect(first.reply).rejects.toThrow();
    gate.resolve();
    const response = await second.reply;
    expect([response.status, response.headers.get('x-cache')]).toEqual([200, 'joined']);
    expect((await response.json()).choices[0].message.content).toBe('x');
    expect(model.requests).toHaveLength(before + 1);
  });
});
