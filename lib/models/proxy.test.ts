import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '#lib/errors';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import { type FaultyModelServer, ollama, openai, startFaultyModelServer } from '../../test/support/faulty-model-server';
import { chatEvents } from '../../test/support/model-events.ts';

const REQUEST: ModelRequest = { model: 'test', messages: [{ role: 'user', content: 'hello' }], options: {} };

let model: FaultyModelServer;
let proxy: Server;
let proxyUrl: string;
/** What the proxy was asked: absolute addresses, and hosts to tunnel to. */
let asked: string[];
let provider: ModelProvider | undefined;

/** A proxy to which every host is the one model server; it refuses tunnels. */
beforeEach(async () => {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'])
    for (const spelling of [name, name.toLowerCase()]) vi.stubEnv(spelling, undefined);
  asked = [];
  model = await startFaultyModelServer();
  model.play([{ send: openai.text('hi') }, { send: openai.finish() }, { send: openai.done() }]);
  proxy = createServer((incoming, outgoing) => {
    asked.push(`${incoming.url} ${incoming.headers['proxy-authorization'] ?? ''}`.trim());
    const { pathname } = new URL(incoming.url ?? '');
    const { method, headers } = incoming;
    const onward = forward(model.url + pathname, { method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  proxy.on('connect', (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  proxyUrl = `http://user:geheim@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await provider?.close();
  vi.unstubAllEnvs();
  proxy.closeAllConnections();
  await new Promise((closed) => proxy.close(closed));
  await model.close();
});

async function chat(made: ModelProvider): Promise<string> {
  provider = made;
  const events = await Array.fromAsync(chatEvents(made, REQUEST)).catch((error: unknown) => {
    if (AppError.is(error)) return error.message;
    throw error;
  });
  return typeof events === 'string' ? events : events.map((event) => ('text' in event ? event.text : '')).join('');
}

describe('a model server behind a proxy', () => {
  it('is reached through HTTP_PROXY, also by concurrent requests', async () => {
    vi.stubEnv('HTTP_PROXY', proxyUrl);
    expect(await chat(new OpenAiProvider({ url: 'http://models.example/v1' }))).toBe('hi');
    const again = await Promise.all([1, 2, 3].map(() => chat(provider ?? new OpenAiProvider({ url: 'http://x' }))));
    expect(again).toEqual(['hi', 'hi', 'hi']);
    const login = `Basic ${Buffer.from('user:geheim').toString('base64')}`;
    expect(asked).toEqual(Array(4).fill(`http://models.example/v1/chat/completions ${login}`));
  });

  it('gets what is passed on through HTTP_PROXY, bytes and streams', async () => {
    vi.stubEnv('HTTP_PROXY', proxyUrl);
    model.setResponse('/tokenize', { tokens: [1] });
    const made = new OpenAiProvider({ url: 'http://models.example/v1' });
    provider = made;
    for (const content of [Buffer.from('{"content":"x"}'), Readable.from([Buffer.from('{"content":"x"}')])]) {
      const headers = { 'content-type': 'application/json', 'content-length': '15' };
      const response = await made.forward(
        { method: 'POST', path: '/tokenize', headers, content },
        new AbortController().signal,
      );
      expect(response.isSuccess && JSON.parse(await text(response.body))).toEqual({ tokens: [1] });
    }
    expect(asked.map((one) => one.split(' ')[0])).toEqual(Array(2).fill('http://models.example/tokenize'));
  });

  it('is reached through a proxy in http_proxy without a scheme', async () => {
    vi.stubEnv('http_proxy', proxyUrl.replace('http://', ''));
    model.play([{ send: ollama.text('hi') }, { send: ollama.done() }]);
    expect(await chat(new OllamaProvider({ url: 'http://ollama.example:11434', keepAlive: '5m' }))).toBe('hi');
    expect(asked).toHaveLength(1);
  });

  it('is tunnelled with TLS, and an error mentions the proxy without its address', async () => {
    vi.stubEnv('HTTPS_PROXY', proxyUrl);
    const message = await chat(new OpenAiProvider({ url: 'https://api.models.example/v1' }));
    expect(asked).toEqual(['CONNECT api.models.example:443']);
    expect(message).toMatch(/is not answering.*HTTPS_PROXY is set.*NO_PROXY/);
    expect(message).not.toMatch(/geheim|127\.0/);
  });

  it.each([
    ['NO_PROXY names it', 'http://models.invalid/v1', 'models.invalid'],
    ['NO_PROXY names its domain', 'http://gpu.models.invalid/v1', 'other,.models.invalid'],
  ])('is not asked through the proxy where %s', async (_when, url, exempt) => {
    vi.stubEnv('HTTP_PROXY', proxyUrl);
    vi.stubEnv('NO_PROXY', exempt);
    expect(await chat(new OpenAiProvider({ url }))).toMatch(/is not answering/);
    expect(asked).toEqual([]);
  });

  it('is reached without the proxy on this machine', async () => {
    vi.stubEnv('HTTP_PROXY', proxyUrl);
    expect(await chat(new OpenAiProvider({ url: `${model.url}/v1` }))).toBe('hi');
    expect(asked).toEqual([]);
  });

  it('is not reached with an invalid proxy, and the error says so', async () => {
    vi.stubEnv('HTTP_PROXY', 'http://[proxy');
    const message = await chat(new OpenAiProvider({ url: 'http://models.example/v1' }));
    expect(message).toMatch(/^HTTP_PROXY is not an address/);
  });
});
