import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { gatewayRoute } from '#lib/gateway/fetch-handler';
import { unsupportedApi } from '#lib/server/unsupported-api';
import * as readyRoute from '../../app/api/ready/route.ts';
import * as healthRoute from '../../app/gateway-health/route.ts';
import {
  closeAll,
  closedPort,
  startBackend,
  startEcho,
  startGateway,
  startRaw,
  TOKEN,
} from '../support/gateway-backend.ts';

afterEach(closeAll);

/** The same gateway for servers of web types: its settings are those of the process. */
const routes = gatewayRoute('/[...path]', unsupportedApi);
const HERE = 'http://app.example:3000';
const CONTEXT = { params: Promise.resolve({}) };

function ask(path: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> {
  const request = new Request(HERE + path, init);
  return routes[(init.method ?? 'GET') as keyof typeof routes](request);
}

describe('gatewayRoute', () => {
  it('passes path, query, headers and body on, with the token and without hops', async () => {
    const { url: backend, seen } = await startEcho();
    await startGateway(backend, { HF_TOKEN: TOKEN });
    const headers = {
      host: 'app.example:3000',
      authorization: 'Bearer mine',
      'x-forwarded-for': '6.6.6.6',
      te: 'trailers',
    };
    const response = await ask('/gateway/a%2Fb?x=%20', { method: 'POST', body: 'hello', headers });
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain(TOKEN);
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/a%2Fb?x=%20',
      body: 'hello',
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'x-forwarded-authorization': 'Bearer mine',
        'x-forwarded-for': 'unknown',
        'x-forwarded-host': 'app.example:3000',
        host: new URL(backend).host,
      },
    });
  });

  it('gives back status, every cookie and the body as it comes, and follows no redirect', async () => {
    let next: () => void = () => {};
    const { url: backend } = await startBackend(async (incoming, outgoing) => {
      if (incoming.url === '/moved') return void outgoing.writeHead(302, { location: '/elsewhere' }).end();
      outgoing.writeHead(203, { 'content-type': 'text/event-stream', 'set-cookie': ['a=1', 'b=2'] });
      outgoing.write('one');
      await new Promise<void>((resolve) => {
        next = resolve;
      });
      outgoing.end('two');
    });
    await startGateway(backend);
    const reply = await ask('/x');
    expect(reply.status).toBe(203);
    expect(reply.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(reply.headers.get('cache-control')).toBe('no-transform');
    const reader = reply.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('one');
    next();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('two');
    expect((await reader?.read())?.done).toBe(true);
    expect((await ask('/moved')).headers.get('location')).toBe('/elsewhere');
  });

  it.each([
    ['HEAD', '/head'],
    ['GET', '/204'],
  ])('%s %s has no body', async (method, path) => {
    const { url: backend } = await startBackend(({ url }, outgoing) => {
      outgoing.writeHead(url === '/204' ? 204 : 200, url === '/204' ? {} : { 'content-length': '5' }).end();
    });
    await startGateway(backend);
    expect((await ask(path, { method })).body).toBeNull();
  });

  it('refuses as the other one does', async () => {
    await startGateway(`http://127.0.0.1:${await closedPort()}`, { API_KEYS: 'a-key' });
    const headers = { authorization: 'Bearer a-key' };
    const refused = await ask('/x', { headers });
    expect(refused.status).toBe(502);
    expect(await refused.json()).toEqual({ error: 'Backend connection failed', code: 'upstream_failed' });
    expect((await ask('/x')).status).toBe(401);
    expect((await ask('/..%2f..%2fx', { headers })).status).toBe(400);
    expect((await ask('/x', { method: 'POST', headers: { ...headers, origin: 'https://evil.example' } })).status).toBe(
      403,
    );
    const preflight = { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' };
    expect((await ask('/x', { method: 'OPTIONS', headers: preflight })).status).toBe(204);
  });

  it("is an ordinary 404 where no backend is set, and for files of Next's that are not there", async () => {
    await startGateway('');
    const result = await ask('/x');
    expect(result.status).toBe(404);
    expect(await result.json()).toMatchObject({ code: 'not_found' });
    const { url: backend, seen } = await startEcho();
    await startGateway(backend);
    expect((await ask('/_next/static/gone.js')).status).toBe(404);
    expect(seen).toEqual([]);
  });

  it('breaks off a broken response, and ends the backend call of a disconnected client', async () => {
    const broken = await startRaw((_text, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
      setImmediate(() => socket.destroy());
    });
    await startGateway(broken.url);
    await expect((await ask('/x')).text()).rejects.toThrow('broke off');
    const closed = new Promise<void>((resolve) => {
      void startBackend((_incoming, outgoing) => {
        outgoing.write('first');
        void once(outgoing, 'close').then(() => resolve());
      }).then(async ({ url }) => {
        await startGateway(url);
        const leaving = new AbortController();
        const response = await ask('/x', { signal: leaving.signal });
        expect(response.status).toBe(200);
        leaving.abort();
      });
    });
    await closed;
  });
});

describe('the routes next to it', () => {
  it('/gateway-health is what the contract says, and asks no backend', async () => {
    const { url: backend, received } = await startRaw(() => {});
    await startGateway(backend, { API_KEYS: 'a-key' });
    const response = await healthRoute.GET(new Request(`${HERE}/gateway-health`), CONTEXT);
    expect([response.status, await response.text()]).toEqual([200, '{"status":"ok","service":"wighaven-gateway"}']);
    expect(received()).toBe('');
  });

  it('/api/ready, which is open to all, names no address of a model server', async () => {
    await startGateway('', { MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: `http://127.0.0.1:${await closedPort()}` });
    const response = await readyRoute.GET(new Request(`${HERE}/api/ready`), CONTEXT);
    const { model } = (await response.json()).parts;
    expect(model).toMatchObject({ state: 'down', detail: expect.stringContaining('OLLAMA_API_URL') });
    expect(model.detail).not.toMatch(/https?:|127\.0/);
  });

  it('/api/ready reports the backend', async () => {
    const gatewayPart = async () => {
      const response = await readyRoute.GET(new Request(`${HERE}/api/ready`), CONTEXT);
      return (await response.json()).parts.gateway;
    };
    await startGateway('', { MODEL_PROVIDER: 'ollama' });
    expect(await gatewayPart()).toEqual({ state: 'not_configured' });
    const { url: backend } = await startEcho();
    await startGateway(backend, { MODEL_PROVIDER: 'ollama' });
    expect(await gatewayPart()).toEqual({ state: 'up' });
    const gone = `http://127.0.0.1:${await closedPort()}`;
    await startGateway(`${backend},${gone}`, { MODEL_PROVIDER: 'ollama' });
    expect(await gatewayPart()).toMatchObject({ state: 'up', detail: '1 of 2 backends are down.' });
    await startGateway(gone, { MODEL_PROVIDER: 'ollama' });
    expect(await gatewayPart()).toMatchObject({ state: 'down' });
  });
});
