import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { member } from '#lib/http/principal';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { createResilientChat } from '#lib/models/resilience';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { type FaultyModelServer, ollama, type Script, startFaultyModelServer } from '../support/faulty-model-server.ts';

/**
 * The whole way, from a client's connection to a model server's, with nothing in between that is
 * not the product's.
 */

let model: FaultyModelServer;
let provider: OllamaProvider;
let s: ChatServer;

async function start(environment: Record<string, string> = {}): Promise<void> {
  const settings = { DISCONNECT_GRACE_MS: '50', UPSTREAM_RETRIES: '0', ...environment };
  model = await startFaultyModelServer();
  provider = new OllamaProvider({ url: model.url, keepAlive: '5m' });
  s = await chatServer(settings, {
    clock: systemClock,
    directory: { resolve: async (name) => ({ provider, model: name ?? 'test' }) },
    call: createResilientChat(readConfig(settings)),
  });
}

afterEach(async () => {
  await s.close();
  await model.idle();
  await provider.close();
  await model.close();
});

function chat(content: string, fields: object = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${s.url}/api/chat-optimized`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content }], ...fields }),
    ...(signal === undefined ? {} : { signal }),
  });
}

const whole = (...words: string[]): Script => [
  ...words.map((word) => ({ send: ollama.text(word) })),
  { send: ollama.done() },
];
const idle = () => vi.waitFor(() => expect(s.engine.overview(member('x')).processing).toEqual([]));

describe('the model server', () => {
  it('is called once for five hundred identical requests, streamed and not', async () => {
    await start();
    const held = Promise.withResolvers<void>();
    model.play([{ wait: held.promise }, ...whole('one ', 'answer')]);
    const responses = Array.from({ length: 500 }, async (_, n) => {
      const response = await chat('same', { stream: n % 2 === 0 });
      const body = await response.text();
      return n % 2 === 0
        ? [...body.matchAll(/"content":"([^"]*)"/g)].map(([, text]) => text).join('')
        : JSON.parse(body).message.content;
    });
    await vi.waitFor(() => expect(s.engine.stats().batch_processor.total_requests).toBe(500), { timeout: 10_000 });
    held.resolve();
    expect(new Set(await Promise.all(responses))).toEqual(new Set(['one answer']));
    expect(model.requests).toHaveLength(1);
    expect(s.engine.stats().batch_processor.deduplicated_requests).toBe(499);
  });

  it.each([true, false])('is cancelled soon after its client has disconnected (stream: %s)', async (stream) => {
    await start();
    model.play([{ send: ollama.text('x') }, 'hang']);
    const client = new AbortController();
    const asked = chat('long', { stream }, client.signal).catch(() => {});
    await vi.waitFor(() => expect(model.running).toBe(1));
    if (stream) await asked;
    client.abort();
    expect(await model.requests[0]?.over).toBe(false);
    await idle();
    model.play(whole('next'));
    expect(await (await chat('next', { stream: false })).json()).toMatchObject({ message: { content: 'next' } });
  });

  it('is stopped by DELETE at once, and its slot goes to the next in line', async () => {
    await start();
    model.play([{ send: ollama.text('x') }, 'hang'], whole('second'));
    const first = await chat('first');
    const second = chat('second', { stream: false });
    await vi.waitFor(() => expect(s.engine.overview(member('x')).queue_length).toBe(1));
    const [running] = s.engine.overview(member('x')).processing;
    await fetch(`${s.url}/api/chat-queue?requestId=${running?.request_id}`, { method: 'DELETE' });
    expect(await model.requests[0]?.over).toBe(false);
    expect(await first.text()).toMatch(/"done":true,.*"error":"The request was cancelled\.","code":"cancelled"}\n\n$/);
    expect(await (await second).json()).toMatchObject({ message: { content: 'second' } });
  });

  const post = (path: string, body: object) =>
    fetch(s.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'how long?' }], ...body }),
    });

  it('has its own measurements passed on to Ollama’s clients, also from the cache', async () => {
    await start();
    const measured = { load_duration: 5_025_959, prompt_eval_duration: 325_953_000, eval_duration: 4_709_213_001 };
    const last = { ...JSON.parse(ollama.done()), ...measured, prompt_eval_count: null };
    model.play([{ send: ollama.text('x') }, { send: `${JSON.stringify(last)}\n` }]);
    for (const stream of [false, true, false]) {
      const lines = (await (await post('/api/chat', { stream, options: { seed: 1 } })).text()).trim().split('\n');
      expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ ...measured, eval_count: 5, prompt_eval_count: 0 });
    }
    expect(model.requests).toHaveLength(1);
  });

  it('unloads no model for a client that sends keep_alive 0, which gets its response', async () => {
    await start();
    model.play(whole('yes'));
    const messages = [{ role: 'user', content: 'keep_alive' }];
    for (const path of ['/api/chat', '/api/generate', '/api/chat-optimized', '/v1/chat/completions'])
      for (const keep_alive of [0, '0.0s', '1ns']) {
        const body = path === '/api/generate' ? { prompt: 'keep_alive' } : { messages };
        const response = await fetch(`${s.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            model: 'm',
            stream: false,
            ...body,
            keep_alive,
            options: { seed: model.requests.length },
          }),
        });
        expect([path, response.status, response.headers.get('x-ignored-fields')]).toEqual([
          path,
          200,
          expect.stringContaining('keep_alive'),
        ]);
        expect(await response.text()).toContain('yes');
      }
    expect(new Set(model.requests.map(({ body }) => (body as { keep_alive: unknown }).keep_alive))).toEqual(
      new Set(['5m']),
    );
  });

  it('loads a model for as long as the client says, and is said not to have one with 404', async () => {
    await start();
    model.play([{ send: '{"done":true}' }], [{ status: 404 }, { send: '{"error":"model not found, try pulling it"}' }]);
    expect((await post('/api/chat', { messages: [], keep_alive: '7m' })).status).toBe(200);
    expect(model.requests[0]?.body).toMatchObject({ model: 'm', keep_alive: '7m', messages: [] });
    const missing = await post('/api/chat', { messages: [] });
    expect(missing.status).toBe(404);
  });

  it('has arguments that are not JSON passed on as they are to OpenAI’s clients', async () => {
    await start();
    const call = { message: { tool_calls: [{ function: { name: 'f', arguments: '{"ci' } }] } };
    model.play([{ send: `${JSON.stringify(call)}\n` }, { send: ollama.done() }]);
    const reply = await (await post('/v1/chat/completions', {})).json();
    expect(reply.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ type: 'function', function: { name: 'f', arguments: '{"ci' } }] },
    });
  });

  it('keeps its secrets from callers, whatever it says', async () => {
    await start();
    const told = `token sk-abcdefgh12345 for http://user:pw@10.9.8.7:11434/v1 in /root/models/x.gguf, not ${new URL(model.url).host}`;
    model.play([{ status: 500 }, { send: JSON.stringify({ error: told }) }]);
    const body = await (await chat('secret', { stream: false })).text();
    expect(body).toContain('upstream_failed');
    expect(body).not.toMatch(/sk-abc|user:pw|10\.9|\/root|127\.0\.0\.1/);
  });

  const faults: [name: string, script: Script, status: number, code: string, afterFirst: string][] = [
    ['fails', [{ status: 500 }, { send: '{"error":"out of memory"}' }], 502, 'upstream_failed', ''],
    ['has no such model', [{ status: 404 }, { send: '{"error":"not found"}' }], 404, 'model_not_found', ''],
    ['resets the connection', ['reset'], 0, '', ''],
    ['sends nothing', ['hang'], 504, 'upstream_timeout', ''],
    [
      'fails in the middle',
      [{ send: ollama.text('x') }, { send: ollama.error('crashed') }],
      502,
      'upstream_failed',
      'x',
    ],
    ['ends without done', [{ send: ollama.text('x') }], 502, 'upstream_truncated', 'x'],
    ['is cut off in the middle', [{ send: ollama.text('x') }, 'cut'], 502, '', 'x'],
    ['falls silent in the middle', [{ send: ollama.text('x') }, 'hang'], 504, 'upstream_timeout', 'x'],
  ];

  it.each(faults)(
    '%s: one documented outcome, nothing stored, and the next request succeeds',
    async (_, script, status, code, text) => {
      // A busy core may need longer for all that is not silent.
      const patience = (isSilent: boolean) => (isSilent ? '500' : '10000');
      await start({
        UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: patience(script[0] === 'hang'),
        UPSTREAM_IDLE_TIMEOUT_MS: patience(script.includes('hang')),
      });
      model.play(script);
      const result = await chat('fault', { stream: false });
      const body = await result.json();
      if (status !== 0) expect(result.status).toBe(status);
      expect(result.status).toBeGreaterThanOrEqual(400);
      if (code !== '') expect(body.code).toBe(code);
      const streamed = await chat('fault');
      expect(streamed.headers.get('x-cache')).not.toBe('hit');
      const rest = await streamed.text();
      if (text === '') expect(streamed.status).toBe(result.status);
      else {
        const events = rest.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line.slice(6))]));
        expect(events.map((event) => event.content ?? '').join('')).toBe(text);
        expect(events.filter((event) => event.done)).toMatchObject([
          { done: true, error: body.error, code: body.code },
        ]);
      }
      await model.idle();
      await idle();
      model.play(whole('fine'));
      const next = await chat('fault', { stream: false });
      expect(await next.json()).toMatchObject({ cached: false, message: { content: 'fine' } });
    },
  );
});
