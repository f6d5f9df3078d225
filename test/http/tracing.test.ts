import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { AppError } from '#lib/errors';
import type { EmbedRequest } from '#lib/models/embedding';
import { ModelServerClient } from '#lib/models/model-server-client';
import { shutDown } from '#lib/shutdown';
import { resetSingleton } from '#lib/singletons';
import { runWithRequestId } from '#lib/telemetry/request-context';
import { tracer } from '#lib/telemetry/tracing';
import { type ChatServer, chatServer } from '../support/chat-server.ts';

const scalar = z.union([z.string(), z.boolean(), z.number()]);
const array = z.object({ values: z.array(z.record(z.string(), scalar)) });
const attribute = z.object({ key: z.string(), value: z.record(z.string(), z.union([scalar, array])) });
const spanSchema = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: z.string().regex(/^\d{19}$/),
  endTimeUnixNano: z.string().regex(/^\d{19}$/),
  attributes: z.array(attribute),
  status: z.object({ code: z.number() }),
});
const exportSchema = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })) })),
});
type Received = z.infer<typeof spanSchema>;

/** A collector of OpenTelemetry, and a model server: it keeps what it is sent. */
let collector: Server;
let address: string;
let spans: Received[] = [];
const asked: { path: string | undefined; headers: IncomingHttpHeaders }[] = [];
let server: ChatServer;

beforeAll(async () => {
  collector = createServer(async (incoming, outgoing) => {
    asked.push({ path: incoming.url, headers: incoming.headers });
    let body = '';
    for await (const chunk of incoming) body += chunk;
    if (incoming.url === '/v1/traces') {
      const { resourceSpans } = exportSchema.parse(JSON.parse(body));
      spans.push(...resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)));
    }
    outgoing.end('{}');
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  address = `http://127.0.0.1:${port}`;
  resetSingleton('tracer');
  server = await chatServer({
    OTEL_EXPORTER_OTLP_ENDPOINT: address,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer a=b, x-team = chill',
    CODE_WARM_MEMORY_MB: '0',
  });
  server.provider.onCall = (call) => call.say('Hello').done();
});

afterAll(async () => {
  await server.close();
  await shutDown();
  resetSingleton('tracer');
  collector.close();
});

const ID = '0e8e2f3a-7b0c-4f57-8d1d-2f4f8a9b7c6d';

/** All spans once there are some with these names: that of a request ends after its response. */
async function until(...names: string[]): Promise<Received[]> {
  await vi.waitFor(async () => {
    await tracer()?.flush();
    expect(spans.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  });
  return spans;
}

async function ask(headers: Record<string, string>, content: string, options = {}): Promise<Received[]> {
  spans = [];
  const response = await fetch(`${server.url}/api/chat-optimized`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ messages: [{ role: 'user', content }], stream: false, options }),
  });
  expect(response.status).toBe(200);
  return await until('POST /api/chat-optimized');
}

describe('traces', () => {
  it('tell of a chat request from its wait to its end, under its own id', async () => {
    const found = await ask({ 'x-request-id': ID }, 'one');
    expect(found.map(({ name }) => name).sort()).toEqual([
      'POST /api/chat-optimized',
      'chat default-model',
      'first token',
      'queue',
    ]);
    for (const { traceId, startTimeUnixNano, endTimeUnixNano } of found) {
      expect(traceId).toBe(ID.replaceAll('-', ''));
      expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
    }
    const named = (name: string) => found.find((one) => one.name === name);
    const root = named('POST /api/chat-optimized');
    expect(root?.parentSpanId).toBeUndefined();
    expect(named('queue')?.parentSpanId).toBe(root?.spanId);
    expect(named('chat default-model')?.parentSpanId).toBe(root?.spanId);
    expect(named('first token')?.parentSpanId).toBe(named('chat default-model')?.spanId);
    expect(root?.attributes).toContainEqual({ key: 'http.response.status_code', value: { intValue: '200' } });
  });

  it('describe the call of the model by the semantic conventions for generative AI', async () => {
    const found = await ask({}, 'conventions', { temperature: 0, seed: 7, num_predict: 99 });
    const call = found.find(({ name }) => name === 'chat default-model');
    expect(call?.kind).toBe(3);
    expect(Object.fromEntries((call?.attributes ?? []).map(({ key, value }) => [key, value]))).toEqual({
      'gen_ai.operation.name': { stringValue: 'chat' },
      'gen_ai.provider.name': { stringValue: 'ollama' },
      'gen_ai.request.model': { stringValue: 'default-model' },
      'gen_ai.request.max_tokens': { intValue: '99' },
      'gen_ai.request.seed': { intValue: '7' },
      'gen_ai.request.temperature': { doubleValue: 0 },
      'gen_ai.response.id': { stringValue: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      'gen_ai.response.model': { stringValue: 'default-model' },
      'gen_ai.response.finish_reasons': { arrayValue: { values: [{ stringValue: 'stop' }] } },
      'gen_ai.usage.input_tokens': { intValue: '3' },
      'gen_ai.usage.output_tokens': { intValue: '5' },
      'chill_space.outcome': { stringValue: 'completed' },
    });
  });

  it('name the error of a call that failed, and the tokens until then', async () => {
    spans = [];
    const play = server.provider.onCall;
    server.provider.onCall = (call) => void call.say('He').fail(new AppError('upstream_failed', 'It failed.'));
    await fetch(`${server.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'failing' }] }),
    }).then((response) => response.text());
    server.provider.onCall = play;
    await until('POST /api/chat-optimized');
    const call = spans.find(({ name }) => name === 'chat default-model');
    expect(call?.status.code).toBe(2);
    expect(call?.attributes).toContainEqual({ key: 'error.type', value: { stringValue: 'upstream_failed' } });
    expect(call?.attributes).toContainEqual({ key: 'gen_ai.usage.output_tokens', value: { intValue: '1' } });
    expect(call?.attributes.map(({ key }) => key)).not.toContain('gen_ai.response.id');
  });

  it('name a completion and embeddings as such', async () => {
    spans = [];
    const post = (path: string, body: object) =>
      fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then((response) => response.text());
    Object.assign(server.provider, {
      embed: async ({ inputs }: EmbedRequest) => ({ vectors: inputs.map(() => Float32Array.of(1)), promptTokens: 4 }),
    });
    await post('/v1/completions', { model: 'default-model', prompt: 'once' });
    await post('/v1/embeddings', { model: 'e', input: 'text' });
    await until('POST /v1/completions', 'POST /v1/embeddings');
    const operationOf = (name: string) =>
      spans.find((one) => one.name === name)?.attributes.find(({ key }) => key === 'gen_ai.operation.name')?.value;
    expect(operationOf('text_completion default-model')).toEqual({ stringValue: 'text_completion' });
    expect(operationOf('embeddings e')).toEqual({ stringValue: 'embeddings' });
    const embedding = spans.find(({ name }) => name === 'embeddings e');
    expect(embedding?.kind).toBe(3);
    expect(embedding?.attributes).toContainEqual({ key: 'gen_ai.usage.input_tokens', value: { intValue: '4' } });
  });

  it('become part of the caller’s trace', async () => {
    const found = await ask({ traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` }, 'two');
    expect(found.length).toBe(4);
    for (const { traceId } of found) expect(traceId).toBe('ab'.repeat(16));
    expect(found.find(({ name }) => name.startsWith('POST'))?.parentSpanId).toBe('cd'.repeat(8));
  });

  it('tell of failures, and of programs', async () => {
    spans = [];
    const refused = await fetch(`${server.url}/api/show`, { method: 'POST', body: '{}' });
    expect(refused.status).toBe(400);
    await fetch(`${server.url}/api/v1/code/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': ID },
      body: JSON.stringify({ language: 'python', code: 'print(1)' }),
    });
    await until('POST /api/show', 'POST /api/v1/code/run');
    const run = spans.find(({ name }) => name === 'run code');
    expect(run?.traceId).toBe(ID.replaceAll('-', ''));
    expect(run?.attributes).toContainEqual({ key: 'language', value: { stringValue: 'python' } });
    // A caller's mistake is no failure of the server's.
    expect(spans.find(({ name }) => name === 'POST /api/show')?.status.code).toBe(1);
  });

  it('are sent with the headers that the collector asks for', () => {
    const sent = asked.filter(({ path }) => path === '/v1/traces');
    expect(sent.length).toBeGreaterThan(0);
    for (const { headers } of sent)
      expect(headers).toMatchObject({
        authorization: 'Bearer a=b',
        'x-team': 'chill',
        'content-type': 'application/json',
      });
  });
});

describe('a call of a model server', () => {
  it('carries the id of the request and its trace', async () => {
    const upstream = new ModelServerClient({ name: 'It', url: address, advice: '' });
    const request = { method: 'GET', path: '/models', signal: AbortSignal.timeout(10_000) } as const;
    await runWithRequestId(ID, () => upstream.json(request));
    await upstream.json(request);
    await upstream.close();
    const [told, silent] = asked.filter(({ path }) => path === '/models');
    expect(told?.headers['x-request-id']).toBe(ID);
    expect(told?.headers.traceparent).toMatch(new RegExp(`^00-${ID.replaceAll('-', '')}-[0-9a-f]{16}-01$`));
    expect(silent?.headers['x-request-id']).toBeUndefined();
  });
});
