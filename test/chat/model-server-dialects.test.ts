import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider } from '#lib/models/provider';
import { createResilientChat } from '#lib/models/resilience';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { EXPECTED, onTheWire, type Refusal, type ResponseName } from '../support/dialects/dialect.ts';
import { servers } from '../support/dialects/index.ts';
import { type FaultyModelServer, type Script, startFaultyModelServer } from '../support/faulty-model-server.ts';

/**
 * The same scenarios of a client in front of each kind of model server: OpenAI's SDK, this server,
 * and a model server that writes what the real one was seen to write.
 */

const SETTINGS = { DISCONNECT_GRACE_MS: '50', UPSTREAM_RETRIES: '0' };
const LISTS = { ollama: '/api/tags', openai: '/v1/models' };
const DONE = 'data: [DONE]\n\n';

/** Servers that have no response of a kind. */
const NO_SUCH_RESPONSE: Partial<Record<ResponseName, readonly string[]>> = {
  reasoning: ['OpenAI', 'Azure OpenAI', 'Anthropic’s endpoint for OpenAI’s SDKs'],
  filtered: [
    'llama.cpp',
    'vLLM',
    'SGLang',
    'LM Studio',
    'Ollama',
    'Ollama’s /v1',
    'Anthropic’s endpoint for OpenAI’s SDKs',
    'text-generation-webui',
    'mistral.rs',
  ],
};
/** Servers that let requests wait instead of refusing them. */
const NEVER_BUSY: readonly string[] = ['vLLM', 'LM Studio'];

describe.each(servers.map((server) => [server.name, server] as const))('a client in front of %s', (_name, dialect) => {
  let model: FaultyModelServer;
  let provider: ModelProvider;
  let s: ChatServer;
  let client: OpenAI;
  let asked = 0;

  beforeAll(async () => {
    model = await startFaultyModelServer();
    model.setResponse(LISTS[dialect.api], dialect.models.body);
    provider =
      dialect.api === 'ollama'
        ? new OllamaProvider({ url: model.url, keepAlive: '5m' })
        : new OpenAiProvider({ url: `${model.url}/v1`, key: 'sk-secret-key-1' });
    s = await chatServer(SETTINGS, {
      clock: systemClock,
      directory: { resolve: async (name) => ({ provider, model: name ?? 'served' }) },
      call: createResilientChat(readConfig(SETTINGS)),
    });
    client = new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0 });
  });

  afterAll(async () => {
    await s.close();
    await model.idle();
    await provider.close();
    await model.close();
  });

  /** No two requests are the same, so that none is served from the cache. */
  const request = () => ({ model: 'served', messages: [{ role: 'user' as const, content: `question ${asked++}` }] });

  async function streamed(script: Script) {
    model.play(script);
    const stream = await client.chat.completions.create({
      ...request(),
      stream: true,
      stream_options: { include_usage: true },
    });
    const seen = { text: '', thinking: '', calls: new Map<number, { name: string; written: string }>() };
    let reason: string | null = null;
    let usage: OpenAI.CompletionUsage | null | undefined;
    let error: unknown;
    try {
      for await (const chunk of stream) {
        usage = chunk.usage ?? usage;
        for (const { delta, finish_reason: given } of chunk.choices) {
          reason = given ?? reason;
          seen.text += delta.content ?? '';
          seen.thinking += 'reasoning_content' in delta ? String(delta.reasoning_content) : '';
          for (const call of delta.tool_calls ?? []) {
            const known = seen.calls.get(call.index) ?? { name: '', written: '' };
            known.name += call.function?.name ?? '';
            known.written += call.function?.arguments ?? '';
            seen.calls.set(call.index, known);
          }
        }
      }
    } catch (thrown) {
      error = thrown;
    }
    const calls = [...seen.calls.values()].map(({ name, written }) => ({ name, arguments: JSON.parse(written) }));
    return { ...seen, calls, reason, usage, error };
  }

  const wire = (response: ResponseName) => onTheWire(dialect, dialect.responses[response] ?? []);
  /** The text response up to `Hel`, which goes on. */
  const begun = () => {
    const { text } = dialect.responses;
    const upTo = text.findIndex((event) => JSON.stringify(event).includes('"Hel"')) + 1;
    const written = onTheWire(dialect, text.slice(0, upTo));
    return written.endsWith(DONE) ? written.slice(0, -DONE.length) : written;
  };
  const refused = async ({ status, headers, body }: Refusal, stream: boolean): Promise<APIError> => {
    model.play([{ status, ...(headers === undefined ? {} : { headers }) }, { send: body }]);
    const error = await client.chat.completions.create({ ...request(), stream }).catch((thrown: unknown) => thrown);
    if (error instanceof APIError) return error;
    throw new Error('it was not refused');
  };

  it('sees its models with the context that each one gives', async () => {
    const models = await provider.models(new AbortController().signal);
    expect(Object.fromEntries(models.map((one) => [one.id, one.usable_context_length ?? one.context_length]))).toEqual(
      dialect.models.contexts,
    );
  });

  it.each(Object.keys(EXPECTED) as ResponseName[])('reads the response: %s', async (response) => {
    if (dialect.responses[response] === null) {
      expect(NO_SUCH_RESPONSE[response]).toContain(dialect.name);
      return;
    }
    const { text, thinking = '', calls = [], reason } = EXPECTED[response];
    const { error, ...seen } = await streamed([{ send: wire(response) }]);
    expect(error).toBeUndefined();
    expect(seen).toMatchObject({ text, thinking, calls, reason });
    expect(seen.usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 });
  });

  it('reads the same without a stream', async () => {
    model.play([{ send: wire('text') }]);
    expect(await client.chat.completions.create(request())).toMatchObject({
      choices: [{ message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 11, completion_tokens: 7 },
    });
    model.play([{ send: wire('two calls') }]);
    const { choices } = await client.chat.completions.create(request());
    expect(choices[0]?.message.tool_calls?.map((call) => call.type === 'function' && call.function.arguments)).toEqual([
      '{"city":"Bern"}',
      '{"city":"Rome"}',
    ]);
  });

  it('reads the same for one event in twenty packets, and for all events in one', async () => {
    const bytes = Buffer.from(wire('text'));
    const size = Math.ceil(bytes.length / (20 * dialect.responses.text.length));
    const packets = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => ({
      send: bytes.subarray(at * size, (at + 1) * size),
    }));
    for (const script of [packets, [{ send: bytes }]])
      expect(await streamed(script)).toMatchObject({ text: 'Hello', reason: 'stop', usage: { total_tokens: 18 } });
  });

  it('keeps the text before a failure, and reads its reason', async () => {
    const { text, error } = await streamed([{ send: begun() }, { send: dialect.failure.wire }]);
    expect(text).toBe('Hel');
    expect(error).toBeInstanceOf(APIError);
    expect(String(error)).toContain(dialect.failure.says);
    expect(String(error)).not.toContain('Traceback');
  });

  it('is asked to wait by a busy server', async () => {
    if (dialect.busy === null) {
      expect(NEVER_BUSY).toContain(dialect.name);
      return;
    }
    for (const stream of [true, false]) {
      const error = await refused(dialect.busy, stream);
      expect(error).toMatchObject({ status: 503, code: 'provider_unavailable' });
      expect(error.message).toContain(dialect.busy.says);
      const seconds = Number(error.headers?.get('retry-after'));
      // A wait until a time of day gets shorter.
      expect(seconds).toBeLessThanOrEqual(dialect.busy.retryAfterSeconds ?? 0);
      expect(seconds).toBeGreaterThan((dialect.busy.retryAfterSeconds ?? 0) * 0.25);
    }
  });

  it.each([{ error: { message: 'Incorrect API key provided: sk-secret-key-1.' } }, { detail: 'Unauthorized' }])(
    'does not see the key that the server rejects: %j',
    async (body) => {
      const error = await refused({ status: 401, body: JSON.stringify(body), says: '' }, true);
      expect(error).toMatchObject({ status: 503, code: 'not_configured' });
      expect(error.message).not.toContain('sk-secret');
      model.setResponse(LISTS[dialect.api], body, 401);
      await expect(provider.models(new AbortController().signal)).rejects.toMatchObject({ code: 'not_configured' });
      model.setResponse(LISTS[dialect.api], dialect.models.body);
    },
  );

  it('reads that a conversation is too long', async () => {
    for (const stream of [true, false]) {
      const error = await refused(dialect.tooLong, stream);
      expect(error).toMatchObject({ status: 400, code: 'context_length_exceeded' });
      expect(error.message).toContain(dialect.tooLong.says);
    }
  });

  it('ends the request upstream when it leaves in mid-stream', async () => {
    model.play([{ send: begun() }, 'hang']);
    const before = model.requests.length;
    const stream = await client.chat.completions.create({ ...request(), stream: true });
    for await (const { choices } of stream) if (choices[0]?.delta.content) break;
    stream.controller.abort();
    await vi.waitFor(() => expect(model.running).toBe(0), { timeout: 10_000 });
    expect(await model.requests[before]?.over).toBe(false);
  });

  it('reads an error when the connection breaks in mid-stream', async () => {
    const { text, error } = await streamed([{ send: begun() }, 'cut']);
    expect(text).toBe('Hel');
    expect(String(error)).toMatch(/connection .* was lost|ended early/);
  });
});
