import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Agent, request as httpRequest } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AppServerOptions, createAppServer } from '#lib/server/app-server';
import { drain } from '#lib/server/drain';
import { watchConnections } from '#lib/server/idle-connections';
import { singleton } from '#lib/singletons';
import { MIB } from '#lib/units';

const FIXTURES = join(process.cwd(), 'test', 'support');
const servers: Server[] = [];

const noPages: AppServerOptions['loadPages'] = async () => async (_incoming, outgoing) => {
  outgoing.statusCode = 404;
  outgoing.end('no page');
};

async function start({
  loadPages = noPages,
  isLoaded = true,
} = {}): Promise<{ server: Server; url: string; port: number }> {
  const server = await createAppServer({ root: FIXTURES, loadPages });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  // Loads the route: node:http drops a request whose client half-closes before the response.
  if (isLoaded) await (await httpRequest(`${url}/echo/a`)).body.dump();
  return { server, url, port };
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => drain(server, 0)));
});

describe('app server', () => {
  it('mounts route files with their params and the peer address', async () => {
    const { url } = await start();
    const response = await httpRequest(`${url}/echo/a%20b?x=1`, {
      method: 'POST',
      body: '{"n":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.statusCode).toBe(200);
    expect(await response.body.json()).toEqual({ name: 'a b', body: { n: 1 }, caller: '127.0.0.1' });
  });

  it('serves the API while the pages still load, and loads them once', async () => {
    let loaded: () => void = () => {};
    const load = vi.fn(async () => {
      await new Promise<void>((resolve) => {
        loaded = resolve;
      });
      return await noPages();
    });
    const { url } = await start({ loadPages: load });
    const pages = [httpRequest(`${url}/dashboard`), httpRequest(`${url}/playground`)];
    await vi.waitFor(() => expect(load).toHaveBeenCalled());
    expect((await httpRequest(`${url}/echo/a`)).statusCode).toBe(405);
    loaded();
    for (const page of await Promise.all(pages)) expect(page.statusCode).toBe(404);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('reports a failed page without details, and loads the pages again', async () => {
    const load = vi.fn(async () => await Promise.reject(new Error('/secret/path is missing')));
    const { url } = await start({ loadPages: load });
    for (const _ of [1, 2]) {
      const response = await httpRequest(`${url}/dashboard`);
      expect(response.statusCode).toBe(500);
      expect(await response.body.text()).not.toContain('secret');
    }
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('responds with 500, without details, for a route file that cannot be loaded, and serves the others', async () => {
    const { url } = await start();
    for (const _ of [1, 2]) {
      const response = await httpRequest(`${url}/broken`);
      expect(response.statusCode).toBe(500);
      const body = await response.body.text();
      expect(body).toContain('"code":"internal_error"');
      expect(body).not.toContain('secret');
    }
    const refused = await httpRequest(`${url}/broken`, { headers: { host: 'a b/' } });
    expect(refused.statusCode).toBe(400);
    await refused.body.dump();
    expect((await httpRequest(`${url}/echo/a`)).statusCode).toBe(405);
  });

  it('serves the first requests for a route, which arrive at once and load it', async () => {
    const { url } = await start({ isLoaded: false });
    const headers = { 'content-type': 'application/json' };
    const post = async (number: number) =>
      await (await httpRequest(`${url}/echo/${number}`, { method: 'POST', body: `${number}`, headers })).body.json();
    const bodies = await Promise.all([1, 2, 3, 4].map(post));
    expect(bodies).toMatchObject([1, 2, 3, 4].map((number) => ({ name: `${number}`, body: number })));
  });

  it('responds at / as Ollama does to a client that is no browser, without a page', async () => {
    const load = vi.fn(noPages);
    const { url } = await start({ loadPages: load });
    const response = await httpRequest(url);
    expect([response.statusCode, await response.body.text()]).toEqual([200, 'Ollama is running']);
    expect(response.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect((await httpRequest(url, { method: 'HEAD' })).statusCode).toBe(200);
    expect(load).not.toHaveBeenCalled();
    for (const headers of [{ accept: 'text/html' }, { 'sec-fetch-mode': 'navigate' }, { 'user-agent': 'Mozilla/5.0' }])
      expect((await httpRequest(url, { headers })).statusCode).toBe(404);
    expect((await httpRequest(`${url}/?_rsc=1`)).statusCode).toBe(404);
    expect((await httpRequest(url, { method: 'POST' })).statusCode).toBe(405);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('rejects other listeners for requests and upgrades', async () => {
    const { server } = await start();
    for (const event of ['request', 'upgrade', 'connect', 'clientError'])
      expect(() => server.on(event, () => {})).toThrow(/must stay the only one/);
    expect(server.listenerCount('upgrade')).toBe(1);
  });

  it('responds to a method that route files cannot export with 405, Allow and the error body', async () => {
    const { port } = await start();
    const response = await rawRequest(
      port,
      'PROPFIND /echo/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    expect(response).toMatch(/^HTTP\/1\.1 405 /);
    expect(response).toMatch(/allow: POST, OPTIONS/i);
    expect(response).toContain('"code":"method_not_allowed"');
  });

  it('reads a request without body headers as an empty body', async () => {
    const { port } = await start();
    const response = await rawRequest(
      port,
      'POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n',
    );
    expect(response).toMatch(/^HTTP\/1\.1 400 /);
    expect(response).toContain('The body is empty.');
  });

  it.each([
    ['headers that are too large', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ['a broken request line', 'NONSENSE\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'two different lengths',
      'POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
      /^HTTP\/1\.1 400 /,
    ],
    ['a host that is none', 'POST /echo/a HTTP/1.1\r\nHost: a b/\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 400 /],
  ])('refuses %s and continues to serve', async (_name, bytes, expected) => {
    const { port, url } = await start();
    const response = await rawRequest(port, bytes);
    expect(response).toMatch(expected);
    expect(response).toContain('"code":"invalid_request"');
    expect((await httpRequest(`${url}/echo/a`)).statusCode).toBe(405);
  });

  it('aborts request.signal and cancels the stream when the client disconnects', async () => {
    const { url } = await start();
    const seen = singleton('test.slow', () => ({ aborted: 0, cancelled: 0 }));
    const before = { ...seen };
    const response = await httpRequest(`${url}/slow`);
    await new Promise((resolve) => response.body.once('data', resolve));
    response.body.on('error', () => {});
    response.body.destroy();
    await vi.waitFor(() => expect(seen).toEqual({ aborted: before.aborted + 1, cancelled: before.cancelled + 1 }));
  });

  it('drains as soon as the last response has ended, before the keep-alive timeout', async () => {
    const { server, url } = await start();
    servers.splice(0);
    const client = new Agent({ keepAliveTimeout: 60_000 });
    const response = await httpRequest(`${url}/echo/a`, { dispatcher: client });
    const drained = drain(server, 60_000);
    await response.body.dump();
    await drained;
    await client.close();
  });

  it('drains: waits for a client that reads a response slowly', async () => {
    const server = createServer((_, outgoing) => void outgoing.end(Buffer.alloc(8 * MIB)));
    watchConnections(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const response = await httpRequest(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const drained = drain(server, 60_000);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await response.body.arrayBuffer()).byteLength).toBe(8 * MIB);
    await drained;
  });

  it('drains: refuses new connections, and ends open streams at the deadline', async () => {
    const { server, url, port } = await start();
    servers.splice(0);
    const response = await httpRequest(`${url}/slow`);
    const ended = new Promise((resolve) => response.body.on('error', resolve).on('end', resolve).resume());
    await drain(server, 50);
    await ended;
    await expect(rawRequest(port, 'GET / HTTP/1.1\r\n\r\n')).rejects.toThrow(/ECONNREFUSED/);
  });
});

/** Sends raw bytes. Resolves with all that the server sends until it closes. */
function rawRequest(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}
