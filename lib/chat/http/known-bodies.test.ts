import { describe, expect, it, vi } from 'vitest';
import { nativeResponse, nativeStreamEncoder } from '#lib/chat/formats/native';
import { type ApiAdapter, apiAdapter, type KnownRequest } from '#lib/chat/http/api-adapter';
import { type BodyHandling, replyToBody } from '#lib/chat/http/known-bodies';
import { readConfig } from '#lib/config/config';
import { WebRequest } from '#lib/http/http-request';
import { administrator } from '#lib/http/principal';
import { json } from '#lib/http/reply';
import { resetSingleton, singleton } from '#lib/singletons';
import { createLog } from '#lib/telemetry/log';
import { MIB } from '#lib/units';
import type { ChatRequest } from '#lib/wire/chat';
import { chatRequest, type EngineHarness, engineHarness, ScriptedProvider } from '../../../test/support/chat.ts';

const ADAPTER = apiAdapter({ streamHeaders: {}, encoder: nativeStreamEncoder, body: nativeResponse });

function harness(options: Parameters<typeof engineHarness>[1] = {}): EngineHarness {
  for (const name of ['chat', 'chat.known-requests']) resetSingleton(name);
  const played = engineHarness({}, options);
  singleton('chat', () => played.engine);
  played.provider.onCall = (call) => void call.say('so').done();
  return played;
}

/** An API whose bodies are one message, and whose requests go straight to the engine. */
function textApi({ engine }: EngineHarness, adapter: ApiAdapter = ADAPTER) {
  const parse = vi.fn((bytes: Uint8Array) => chatRequest(Buffer.from(bytes).toString()));
  const handling: BodyHandling<ChatRequest> = {
    api: 'text',
    parse,
    async respond(chat, _request, { caller }, remember) {
      const known = { adapter, stream: false, unknownFields: [], droppedFields: [], dropParams: undefined };
      const onKey = (keyed: KnownRequest['keyed']) => remember({ ...known, keyed });
      const pending = await engine.submit(chat, { caller, onKey });
      return json({}, 200, { 'x-cache': pending.cacheStatus });
    },
  };
  const context = {
    requestId: '',
    hasClientRequestId: true,
    params: {},
    principal: administrator('ann'),
    caller: 'ann',
    peerAddress: undefined,
    address: undefined,
    settings: readConfig({}),
    log: createLog('silent', process.stdout),
  };
  const reply = (text: string) => {
    const request = new WebRequest(new Request('http://localhost', { method: 'POST' }));
    return replyToBody(handling, new TextEncoder().encode(text), request, context);
  };
  const send = async (text: string) => (await reply(text)).headers['x-cache'];
  return { parse, reply, send };
}

describe('replyToBody', () => {
  it.each([0, 17_000])('parses a body of %i bytes once while its response is cached', async (length) => {
    const { parse, send } = textApi(harness());
    const body = `hello ${'x'.repeat(length)}`;
    expect(await send(body)).toBe('miss');
    await vi.waitFor(async () => expect(await send(body)).toBe('hit'));
    const parsed = parse.mock.calls.length;
    for (let count = 0; count < 3; count++) expect(await send(body)).toBe('hit');
    expect(parse).toHaveBeenCalledTimes(parsed);
  });

  it('replies to a body whose response is cached without waiting', async () => {
    const { reply, send } = textApi(harness());
    await send('hello');
    await vi.waitFor(async () => expect(await send('hello')).toBe('hit'));
    expect(reply('hello')).toMatchObject({ status: 200, headers: { 'x-cache': 'hit' } });
    expect(reply('another')).toBeInstanceOf(Promise);
  });

  it('parses a body again while its model cannot be resolved at once', async () => {
    const provider = new ScriptedProvider();
    provider.onCall = (call) => void call.say('so').done();
    const resolved = { provider, model: 'm' };
    let known: typeof resolved | undefined;
    const directory = { resolve: async () => resolved, resolveKnown: () => known };
    const { parse, send } = textApi(harness({ directory }));
    await send('hello');
    await vi.waitFor(async () => expect(await send('hello')).toBe('hit'));
    parse.mockClear();
    expect(await send('hello')).toBe('hit');
    expect(parse).toHaveBeenCalledTimes(1);
    known = resolved;
    expect(await send('hello')).toBe('hit');
    expect(parse).toHaveBeenCalledTimes(1);
    known = { provider, model: 'other' };
    expect(await send('hello')).toBe('hit');
    expect(parse).toHaveBeenCalledTimes(2);
  });

  it('refuses a cached response once the engine is closed', async () => {
    const played = harness();
    const { send } = textApi(played);
    await send('hello');
    await vi.waitFor(async () => expect(await send('hello')).toBe('hit'));
    played.engine.close();
    await expect(send('hello')).rejects.toMatchObject({ code: 'shutting_down' });
  });

  it('parses a body again whose response cannot be cached', async () => {
    const played = harness();
    const { parse, send } = textApi(played);
    played.provider.onCall = (call) => void call.say('so').done('length');
    for (let count = 0; count < 3; count++) await send('hello');
    expect(parse).toHaveBeenCalledTimes(3);
  });

  it('knows fewer bodies if each has its own adapter', async () => {
    const { parse, send } = textApi(harness(), { ...ADAPTER, bytes: MIB });
    await send('first');
    await vi.waitFor(async () => expect(await send('first')).toBe('hit'));
    for (let count = 0; count < 8; count++) await send(String(count));
    parse.mockClear();
    expect(await send('first')).toBe('hit');
    expect(parse).toHaveBeenCalledTimes(1);
  });

  it('knows thousands of bodies, the most recent ones', async () => {
    const played = harness();
    const { parse, send } = textApi(played);
    await send('first');
    await vi.waitFor(async () => expect(await send('first')).toBe('hit'));
    // Also requests whose responses are not stored are known: their number is what is bounded.
    played.provider.onCall = (call) => void call.say('so').done('length');
    for (let count = 0; count < 10_000; count++) await send(String(count));
    parse.mockClear();
    expect(await send('first')).toBe('hit');
    expect(parse).not.toHaveBeenCalled();
    for (let count = 10_000; count < 30_000; count++) await send(String(count));
    parse.mockClear();
    expect(await send('first')).toBe('hit');
    expect(parse).toHaveBeenCalledTimes(1);
  });
});
