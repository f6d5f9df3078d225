import { describe, expect, it, vi } from 'vitest';
import { ParsedBodyCache } from '#lib/chat/cache/parsed-body-cache';
import { nativeResponse, nativeStreamEncoder } from '#lib/chat/formats/native';
import { apiAdapter, type KnownRequest } from '#lib/chat/http/api-adapter';
import { type BodyHandling, replyToBody } from '#lib/chat/http/large-bodies';
import { readConfig } from '#lib/config/config';
import { WebRequest } from '#lib/http/http-request';
import { json } from '#lib/http/reply';
import { resetSingleton, singleton } from '#lib/singletons';
import { createLog } from '#lib/telemetry/log';
import type { ChatRequest } from '#lib/wire/chat';
import { chatRequest, type EngineHarness, engineHarness } from '../../../test/support/chat.ts';

const ADAPTER = apiAdapter({ streamHeaders: {}, encoder: nativeStreamEncoder, body: nativeResponse });

/** An API whose bodies are one message, and whose requests go straight to the engine. */
function textApi({ engine }: EngineHarness) {
  const parse = vi.fn((bytes: Uint8Array) => chatRequest(Buffer.from(bytes).toString()));
  const handling: BodyHandling<ChatRequest> = {
    api: 'text',
    parsed: () => singleton('text', () => new ParsedBodyCache<ChatRequest>()),
    parse,
    async respond(chat, _request, { caller }, remember) {
      const known = { adapter: ADAPTER, stream: false, unknownFields: [] } satisfies Partial<KnownRequest>;
      const onKey = (keyed: KnownRequest['keyed']) => remember?.({ ...known, keyed });
      const pending = await engine.submit(chat, { caller, onKey });
      return json({}, 200, { 'x-cache': pending.cacheStatus });
    },
  };
  const context = {
    requestId: '',
    hasClientRequestId: true,
    params: {},
    caller: 'ann',
    peerAddress: undefined,
    address: undefined,
    settings: readConfig({}),
    log: createLog('silent', process.stdout),
  };
  const send = async (text: string) => {
    const request = new WebRequest(new Request('http://localhost', { method: 'POST' }));
    return (await replyToBody(handling, new TextEncoder().encode(text), request, context)).headers['x-cache'];
  };
  return { parse, send };
}

describe('replyToBody', () => {
  it('parses a large body once while its response is cached, and a bounded number of bodies is known', async () => {
    for (const name of ['chat', 'chat.known-bodies.text', 'text']) resetSingleton(name);
    const harness = engineHarness();
    singleton('chat', () => harness.engine);
    harness.provider.onCall = (call) => void call.say('so').done();
    const { parse, send } = textApi(harness);
    const long = 'x'.repeat(17_000);
    expect(await send(long)).toBe('miss');
    await vi.waitFor(async () => expect(await send(long)).toBe('hit'));
    const parsed = parse.mock.calls.length;
    for (let count = 0; count < 3; count++) expect(await send(long)).toBe('hit');
    expect(parse).toHaveBeenCalledTimes(parsed);
    // Also requests whose responses are not stored are known: their number is what is bounded.
    harness.provider.onCall = (call) => void call.say('so').done('length');
    for (let count = 0; count < 6_000; count++) await send(`${count}${long}`);
    expect(parse).toHaveBeenCalledTimes(parsed + 6_000);
    expect(await send(long)).toBe('hit');
    expect(parse).toHaveBeenCalledTimes(parsed + 6_001);
  });
});
