import Anthropic from '@anthropic-ai/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { member } from '#lib/http/principal';
import { type ChatServer, chatServer } from '../support/chat-server.ts';

const messages = [{ role: 'user' as const, content: 'hello' }];
const question = { model: 'm', max_tokens: 64, messages };

let s: ChatServer;
const client = (options: object = {}) => new Anthropic({ baseURL: s.url, apiKey: 'none', maxRetries: 0, ...options });

describe('a request of the official Anthropic client', () => {
  beforeEach(async () => {
    s = await chatServer({ CACHE_SDK: 'always' });
  });

  afterEach(async () => {
    await s.close();
    expect(s.provider.open).toBe(0);
  });

  it('sends a request again that a full queue refused', async () => {
    await s.close();
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '1', QUEUE_MAX_SIZE: '1' });
    const ask = (content: string, options: object = {}) =>
      client(options).messages.create({ ...question, messages: [{ role: 'user', content }] });
    const running = ask('a');
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    const waiting = ask('b');
    await vi.waitFor(() => expect(s.engine.load.waiting).toBe(1));
    const refused = await ask('c').catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 503, type: 'overloaded_error', errorCode: 'queue_full' });
    const statuses: number[] = [];
    /** Frees the queue after the first refusal, and shortens the wait that it asks for. */
    const impatient: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      statuses.push(response.status);
      if (response.status !== 503) return response;
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      s.provider.onCall = (call) => void call.say('x').done();
      s.provider.last.say('x').done();
      await Promise.all([running, waiting]);
      const headers = new Headers(response.headers);
      headers.set('retry-after-ms', '1');
      return new Response(response.body, { status: response.status, headers });
    };
    const retried = await ask('d', { maxRetries: 1, fetch: impatient });
    expect(retried.content).toMatchObject([{ text: 'x' }]);
    expect(statuses).toEqual([503, 200]);
  });

  it('does not send a request again that the operator cancelled', async () => {
    const asked = client({ maxRetries: 2 }).messages.create(question);
    const failed = expect(asked).rejects.toMatchObject({ status: 409, errorCode: 'cancelled' });
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    s.engine.cancel(runningId(), '127.0.0.1', 'operator');
    await failed;
    expect(s.provider.calls).toHaveLength(1);
  });

  it('gets pings while its request waits in the queue', async () => {
    await s.close();
    s = await chatServer({ QUEUE_MAX_CONCURRENT: '1' });
    const running = client().messages.create(question);
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(1));
    const asked = fetch(`${s.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...question, messages: [{ role: 'user', content: 'other' }], stream: true }),
    });
    await vi.waitFor(() => expect(s.engine.load.waiting).toBe(1));
    await s.clock.advance(15_000);
    const response = await asked;
    s.provider.onCall = (call) => void call.say('y').done();
    s.provider.last.say('x').done();
    await running;
    const text = await response.text();
    expect(text).toMatch(/^event: ping\ndata: \{"type":"ping"\}\n\nevent: message_start\n/);
    expect(text).toMatch(/\n\nevent: message_stop\ndata: \{"type":"message_stop"\}\n\n$/);
  });

  it('ends the call upstream after an abort, streamed or not', async () => {
    s.provider.onCall = (call) => void call.say('x');
    const stream = client().messages.stream(question);
    await new Promise<void>((begun) => stream.once('text', () => begun()));
    stream.abort();
    await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
    await goneAndAborted();
    const controller = new AbortController();
    const other = { ...question, messages: [{ role: 'user' as const, content: 'other' }] };
    const asked = client().messages.create(other, { signal: controller.signal });
    const aborted = expect(asked).rejects.toThrow(Anthropic.APIUserAbortError);
    await vi.waitFor(() => expect(s.provider.calls).toHaveLength(2));
    controller.abort();
    await aborted;
    await goneAndAborted();
  });
});

/** Waits until the server has noticed that its client disconnected, and then for the grace. */
async function goneAndAborted(): Promise<void> {
  const { generation } = s.engine.find(runningId(), '127.0.0.1');
  await vi.waitFor(() => expect(generation.isRetained).toBe(false));
  expect(s.provider.last.signal.aborted).toBe(false);
  await s.clock.advance(10_000);
  expect(s.provider.last.signal.aborted).toBe(true);
}

function runningId(): string {
  return s.engine.overview(member('127.0.0.1')).processing[0]?.request_id ?? '';
}
