import { brotliCompressSync, createGzip, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppError } from '#lib/errors';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelEvent, ModelRequest } from '#lib/models/provider';
import { type Dialect, dialects, REQUEST } from '../../test/support/failing-providers.ts';
import {
  type FaultyModelServer,
  openai,
  type Script,
  startFaultyModelServer,
} from '../../test/support/faulty-model-server';
import { chatEvents } from '../../test/support/model-events.ts';

const done: ModelEvent = {
  type: 'done',
  done_reason: 'stop',
  usage: { prompt_tokens: 3, completion_tokens: 5 },
};
const content = (text: string): ModelEvent => ({ type: 'content', text });

describe.each(dialects)('a faulty $name server', (dialect) => {
  let server: FaultyModelServer;
  let provider: ReturnType<Dialect['make']>;

  beforeEach(async () => {
    server = await startFaultyModelServer();
    provider = dialect.make(server.url);
  });

  afterEach(async () => {
    await provider.close();
    await server.close();
  });

  const all = (...scripts: Script[]) => {
    server.play(...scripts);
    return Array.fromAsync(chatEvents(provider, REQUEST));
  };
  const asking = (more: Partial<ModelRequest>, script: Script) => {
    server.play(script);
    return Array.fromAsync(chatEvents(provider, { ...REQUEST, ...more }));
  };
  const whole = (text: string): Script => [{ send: dialect.text(text) }, ...dialect.end.map((send) => ({ send }))];

  /** The events that came, and the fault that ended them. */
  async function failing(script: Script): Promise<{ events: ModelEvent[]; fault: Partial<AppError> }> {
    server.play(script);
    const events: ModelEvent[] = [];
    try {
      for await (const event of chatEvents(provider, REQUEST)) events.push(event);
    } catch (error) {
      await server.idle();
      return { events, fault: error as AppError };
    }
    throw new Error('it did not fail');
  }

  it('responds on kept connections without a failure', async () => {
    for (let i = 0; i < 10; i++) expect(await all(whole('hi'))).toEqual([content('hi'), done]);
    // The next request may start before the end of a response has arrived.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it.each<[what: string, script: (dialect: Dialect) => Script, code: string, before: string[]]>([
    [
      'an error instead of a response',
      () => [{ status: 500 }, { send: '{"error":"out of memory"}' }],
      'upstream_failed',
      [],
    ],
    ['being busy', () => [{ status: 503, headers: { 'retry-after': '7' } }], 'provider_unavailable', []],
    [
      'a request it does not like',
      () => [{ status: 400 }, { send: '{"error":"bad option"}' }],
      'unsupported_value',
      [],
    ],
    [
      'a field that its model does not take',
      () => [{ status: 400 }, { send: '{"error":{"message":"Unsupported parameter: \'top_k\'"}}' }],
      'unsupported_parameter',
      [],
    ],
    [
      'a conversation that is too long for it',
      () => [
        { status: 400 },
        { send: '{"error":"the request exceeds the available context size, try increasing it"}' },
      ],
      'context_length_exceeded',
      [],
    ],
    ['an unknown model', () => [{ status: 404 }, { send: '{"error":"no"}' }], 'model_not_found', []],
    ['a wrong key', () => [{ status: 401 }], 'not_configured', []],
    ['a reset before the response', () => ['reset'], 'upstream_failed', []],
    ['an error in the stream', (d) => [{ send: d.text('a') }, { send: d.error('boom') }], 'upstream_failed', ['a']],
    ['an end without done', (d) => [{ send: d.text('a') }], 'upstream_truncated', ['a']],
    ['an empty response', () => [{ status: 200 }], 'upstream_truncated', []],
    ['a connection that breaks in the stream', (d) => [{ send: d.text('a') }, 'cut'], 'upstream_failed', ['a']],
    [
      'something that is no JSON',
      (d) => [{ send: d.name === 'ollama' ? 'nonsense\n' : 'data: nonsense\n\n' }],
      'upstream_failed',
      [],
    ],
  ])('turns %s into one fault and keeps no request open', async (_what, script, code, before) => {
    const { events, fault } = await failing(script(dialect));
    expect(fault.code).toBe(code);
    expect(events).toEqual(before.map(content));
    expect(fault.message).not.toMatch(/sk-secret/);
    expect(server.running).toBe(0);
    // And it is as before.
    expect(await all(whole('again'))).toEqual([content('again'), done]);
  });

  it('passes on the sentence and the Retry-After of the server', async () => {
    const refused = await failing([
      { status: 500 },
      { send: '{"error":"cannot open /root/models/x.gguf for sk-123456789"}' },
    ]);
    expect(refused.fault.message).toContain('cannot open (path) for (key)');
    const busy = await failing([{ status: 503, headers: { 'retry-after': '7' } }]);
    expect(busy.fault.retryAfterSeconds).toBe(7);
    expect(busy.fault.upstream).toEqual({ isRateLimited: false, waitSeconds: 7 });
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    const limited = await failing([{ status: 429, headers: { 'retry-after': inAMinute } }]);
    expect(limited.fault).toMatchObject({ code: 'provider_unavailable', upstream: { isRateLimited: true } });
    expect(limited.fault.upstream?.waitSeconds).toBeGreaterThan(30);
    expect(limited.fault.upstream?.waitSeconds).toBeLessThanOrEqual(61);
    const silent = await failing([{ status: 429 }]);
    expect(silent.fault).toMatchObject({ retryAfterSeconds: 5, upstream: { isRateLimited: true } });
    expect(silent.fault.upstream?.waitSeconds).toBeUndefined();
  });

  it('says what to do if nothing listens, without credentials', async () => {
    await server.close();
    const stranger = dialect.make(server.url.replace('//', '//user:geheim@'));
    const error = await Array.fromAsync(chatEvents(stranger, REQUEST)).catch((e: AppError) => e);
    await stranger.close();
    server = await startFaultyModelServer();
    expect(error).toMatchObject({ code: 'provider_unavailable', upstream: { isUnreached: true } });
    expect(String(error)).toMatch(/is not answering at http:\/\/127.*(OLLAMA_API_URL|OPENAI_BASE_URL)/);
    expect(String(error)).not.toContain('geheim');
  });

  it('names the server by the name that its operator chose, and not by its address', async () => {
    await server.close();
    const { url } = server;
    const named = [
      new OllamaProvider({ url, name: 'gpu-a', keepAlive: 0 }),
      new OpenAiProvider({ url, name: 'gpu-a' }),
    ];
    for (const provider of named) {
      const error = await Array.fromAsync(chatEvents(provider, REQUEST)).catch((e: AppError) => e);
      await provider.close();
      expect(String(error)).toMatch(/(Ollama|model server) gpu-a is not answering\./);
      expect(String(error)).not.toContain('127.0');
    }
    server = await startFaultyModelServer();
  });

  it('has credentials that may have a percent sign', async () => {
    const login = dialect.make(server.url.replace('//', '//user:100%@'));
    server.play([{ send: dialect.text('a') }, ...dialect.end.map((send) => ({ send }))]);
    const events = await Array.fromAsync(chatEvents(login, REQUEST));
    await login.close();
    expect(events.at(-1)).toMatchObject({ type: 'done' });
  });

  it('hides addresses inside a network, also the address of the server', async () => {
    const sentence =
      'dial tcp 10.1.2.3:8080: Post "http://gpu-a.internal:8080/x?key=AIzaSyA1234567890abcdefg": EOF for user:pw';
    const { fault } = await failing([{ status: 500 }, { send: JSON.stringify({ error: { message: sentence } }) }]);
    expect(fault.message).not.toMatch(/10\.1|gpu-a|AIza/);
    const far = dialect.make('http://127.0.0.2.nip.invalid:9');
    const error = await Array.fromAsync(chatEvents(far, REQUEST)).catch((e: AppError) => e);
    await far.close();
    expect(error).toMatchObject({ code: 'provider_unavailable' });
    expect(String(error)).not.toMatch(/nip|127\.0/);
  });

  it.each<[when: string, script: (dialect: Dialect) => Script, before: number]>([
    ['before the first byte', () => ['hang'], 0],
    ['in mid-stream', (d) => [{ send: d.text('a') }, 'hang'], 1],
  ])('ends the request upstream when it is aborted %s', async (_when, script, before) => {
    server.play(script(dialect));
    const caller = new AbortController();
    const reason = new Error('the caller left');
    const iterator = chatEvents(provider, REQUEST, caller.signal)[Symbol.asyncIterator]();
    for (let i = 0; i < before; i++) await iterator.next();
    const next = iterator.next();
    await expect.poll(() => server.running, { interval: 1 }).toBe(1);
    caller.abort(reason);
    await expect(next).rejects.toBe(reason);
    await server.idle();
    expect(await server.requests[0]?.over).toBe(false);
  });

  it('ends the request upstream when its reader leaves', async () => {
    server.play([{ send: dialect.text('a') }, 'hang']);
    for await (const _ of chatEvents(provider, REQUEST)) break;
    await server.idle();
    expect(await server.requests[0]?.over).toBe(false);
  });

  it('reads the same events for any split of the bytes', async () => {
    const transcript = [
      dialect.thinking('naïve 🤔'),
      dialect.text('Grüße 🦀'),
      dialect.text('\n\nzwei'),
      ...dialect.end,
    ].join('');
    const bytes = new TextEncoder().encode(transcript);
    const expected: ModelEvent[] = [
      { type: 'thinking', text: 'naïve 🤔' },
      content('Grüße 🦀'),
      content('\n\nzwei'),
      done,
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 }), async (places) => {
        const cuts = [0, ...places.sort((a, b) => a - b), bytes.length];
        const steps = cuts.slice(1).map((end, index) => ({ send: bytes.subarray(cuts[index], end) }));
        expect(await all(steps.filter(({ send }) => send.length > 0))).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it.each([1e308, 1.5, -1, 2e9, '7'])('ignores %s as a number of tokens or a duration', async (wild) => {
    const [text] = whole('a').slice(0, 1);
    const usage = { prompt_tokens: 3, completion_tokens: wild };
    const timings = { prompt_n: wild, predicted_n: wild, prompt_ms: -1, predicted_ms: 1e308 };
    const choices = [{ index: 0, delta: {}, finish_reason: 'stop' }];
    const counts = { prompt_eval_count: 3, eval_count: wild, eval_duration: 1e308, load_duration: -1 };
    const end =
      dialect.name === 'ollama'
        ? JSON.stringify({ message: { content: '' }, done: true, ...counts })
        : `data: ${JSON.stringify({ choices, usage, timings })}\n\ndata: [DONE]\n\n`;
    const events = await all([...(text === undefined ? [] : [text]), { send: end }]);
    expect(events).toEqual([content('a'), { ...done, usage: { prompt_tokens: 3, completion_tokens: 0 } }]);
  });

  it('reads the choice with index 0 at any position', async () => {
    if (dialect.name !== 'openai') return;
    const choices = (field: string) => [
      { index: 1, [field]: { content: 'B' }, finish_reason: 'length' },
      { index: 0, [field]: { content: 'A' }, finish_reason: 'stop' },
    ];
    const one = JSON.stringify({ choices: choices('message'), usage: { prompt_tokens: 3, completion_tokens: 5 } });
    expect(await all([{ send: one }])).toEqual([content('A'), done]);
    const events = [choices('delta'), ...choices('delta').map((choice) => [choice])];
    const sent = events.map((each) => ({ send: `data: ${JSON.stringify({ choices: each })}\n\n` }));
    expect(await all([...sent, { send: openai.usage() }, { send: openai.done() }])).toEqual([
      content('A'),
      content('A'),
      done,
    ]);
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('reads a response that comes in %s, unasked', async (encoding, compress) => {
    const text = [dialect.text('Grüße'), dialect.text(' 🦀'), ...dialect.end].join('');
    const bytes = compress(text);
    const start: Script = [{ status: 200, headers: { 'content-encoding': encoding } }];
    const halves = [{ send: bytes.subarray(0, 20) }, { send: bytes.subarray(20) }];
    for (let i = 0; i < 5; i++)
      expect(await all([...start, ...halves])).toEqual([content('Grüße'), content(' 🦀'), done]);
    await server.idle();
    expect(server.connections).toBeLessThanOrEqual(2);
    const error = compress('{"error":"out of memory"}');
    const refused = await failing([{ status: 500, headers: { 'content-encoding': encoding } }, { send: error }]);
    expect(refused.fault.message).toContain('out of memory');
    const cut = await failing([...start, { send: bytes.subarray(0, 20) }, 'cut']);
    expect(cut.fault).toMatchObject({ code: 'upstream_failed' });
    const wrong = await failing([...start, { send: text }]);
    expect(wrong.fault.message).toMatch(/does not match its Content-Encoding/);
  });

  it('passes each part of a compressed response on when it arrives', async () => {
    const gzip = createGzip();
    const sent: Buffer[] = [];
    gzip.on('data', (chunk: Buffer) => sent.push(chunk));
    gzip.write(dialect.text('a'));
    await new Promise<void>((flushed) => gzip.flush(() => flushed()));
    server.play([{ status: 200, headers: { 'content-encoding': 'gzip' } }, { send: Buffer.concat(sent) }, 'hang']);
    for await (const event of chatEvents(provider, REQUEST)) {
      expect(event).toEqual(content('a'));
      break;
    }
    await server.idle();
    expect(server.running).toBe(0);
  });

  it('limits the decoded size of a compressed response', async () => {
    const empty = dialect.text('');
    const open = empty.slice(0, empty.indexOf('""') + 1);
    const bomb = gzipSync(`${open}${'x'.repeat(11 * 1024 * 1024)}`);
    expect(bomb.byteLength).toBeLessThan(100_000);
    const { fault } = await failing([{ status: 200, headers: { 'content-encoding': 'gzip' } }, { send: bomb }]);
    expect(fault.message).toMatch(/more than 10 MiB in one piece/);
  });

  it('names an unsupported encoding', async () => {
    const { fault } = await failing([
      { status: 200, headers: { 'content-encoding': 'compress' } },
      { send: 'nonsense' },
    ]);
    expect(fault).toMatchObject({
      code: 'not_configured',
      message: expect.stringContaining('Content-Encoding compress'),
    });
  });

  it('reads a line of 8 MB', async () => {
    const long = 'x'.repeat(8 * 1024 * 1024);
    expect(await all(whole(long))).toEqual([content(long), done]);
  });

  it('ends an endless line, and endless tool calls', async () => {
    const endless = { send: 'x'.repeat(1024 * 1024) };
    const empty = dialect.text('');
    const open = empty.slice(0, empty.indexOf('""') + 1);
    const line = await failing([{ send: open }, ...Array<typeof endless>(16).fill(endless)]);
    expect(line).toMatchObject({ events: [], fault: { code: 'upstream_failed' } });
    expect(line.fault.message).toMatch(/more than 10 MiB in one piece/);
    if (dialect.name !== 'openai') return;
    const piece = { index: 0, function: { name: 'f', arguments: 'x'.repeat(1024 * 1024) } };
    const part = { send: `data: ${JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [piece] } }] })}\n\n` };
    expect((await failing(Array<typeof part>(16).fill(part))).fault.message).toMatch(/more than 10 MiB in one piece/);
  });

  it('recognises <think> tags that are split between lines', async () => {
    const script = [
      ...['<th', 'ink>\nhm', '</thi', 'nk>\n\nYes'].map((part) => ({ send: dialect.text(part) })),
      ...dialect.end.map((send) => ({ send })),
    ];
    expect(await asking({ think: true }, script)).toEqual([{ type: 'thinking', text: 'hm' }, content('Yes'), done]);
    const texts = async (more: Partial<ModelRequest>) =>
      (await asking(more, script)).flatMap((event) => (event.type === 'content' ? [event.text] : [])).join('');
    expect(await texts({ think: false })).toBe('<think>\nhm</think>\n\nYes');
    expect(await texts({ think: true, format: 'json' })).toBe('<think>\nhm</think>\n\nYes');
  });

  it('keeps the tags of a model that is not known to reason', async () => {
    server.setResponse('/api/show', {});
    const text = '<think>hm</think>Yes';
    expect(await all(whole(text))).toEqual([content(text), done]);
  });

  it('reads the text before a lone closing tag as reasoning, if the template opens it', async () => {
    await server.close();
    server = await startFaultyModelServer(Number(new URL(server.url).port), ['completion']);
    const script = [{ send: dialect.text('hm\n</thi') }, { send: dialect.text('nk>\n\nYes') }];
    const events = await asking({ model: 'deepseek-r1:8b' }, [...script, ...dialect.end.map((send) => ({ send }))]);
    expect(events.filter((event) => !('text' in event) || event.text !== '')).toEqual([
      { type: 'thinking', text: 'hm\n' },
      content('Yes'),
      done,
    ]);
  });

  it('keeps no state after a thousand failures', async () => {
    const scripts: Script[] = [
      [{ status: 500 }],
      ['reset'],
      [{ send: dialect.text('a') }, 'cut'],
      [{ send: dialect.text('a') }],
    ];
    for (let i = 0; i < 1000; i++) await failing(scripts[i % scripts.length] ?? []);
    expect(await all(whole('again'))).toEqual([content('again'), done]);
    expect(server.running).toBe(0);
    // The next request may start before the end of a response has arrived.
    expect(server.connections).toBeLessThanOrEqual(2);
  });
});
