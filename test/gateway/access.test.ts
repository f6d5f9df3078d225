import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { request, WebSocket } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { gateway } from '#lib/gateway/index';
import { MAX_FAILED_KEYS } from '#lib/http/failed-keys';
import { createSession, SESSION_COOKIE } from '#lib/http/session-cookie';
import { shutDown } from '#lib/shutdown';
import {
  closeAll,
  closedPort,
  type Seen,
  sendRaw,
  startBackend,
  startEcho,
  startGateway,
  TOKEN,
} from '../support/gateway-backend.ts';

afterEach(closeAll);

const KEY = 'a-key-of-this-app';
const session = () => `${SESSION_COOKIE}=${createSession(KEY, Date.now())}`;

describe('who gets through where keys are set', () => {
  it('no request without one, and the backend does not see it', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, { API_KEYS: KEY });
    for (const headers of [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: 'Basic YTpi' },
      { cookie: `${SESSION_COOKIE}=x.9999999999.y` },
    ]) {
      for (const path of ['/x', '/gateway/x']) {
        const response = await request(url + path, { headers });
        expect(response.statusCode).toBe(401);
        expect(await response.body.json()).toMatchObject({ code: 'unauthorized' });
      }
    }
    expect(seen).toEqual([]);
  });

  it('a caller with the key, which ends here; its own credentials are forwarded', async () => {
    const { url: backend } = await startEcho();
    const { url } = await startGateway(backend, { API_KEYS: KEY, HF_TOKEN: TOKEN });
    const headers = { authorization: `Bearer ${KEY}`, 'x-forwarded-authorization': 'Bearer mine', cookie: 'a=1' };
    const text = await (await request(`${url}/x`, { headers })).body.text();
    expect(text).not.toContain(KEY);
    const { headers: sent } = JSON.parse(text) as Seen;
    expect(sent).toMatchObject({ 'x-forwarded-authorization': 'Bearer mine', cookie: 'a=1' });
  });

  it('no request from an address that has shown too many wrong keys, for HTTP and WebSockets', async () => {
    const { url: backend, seen } = await startEcho();
    const { url, port } = await startGateway(backend, { API_KEYS: KEY });
    const ask = async (key: string) => {
      const reply = await request(`${url}/x`, { headers: { authorization: `Bearer ${key}` } });
      await reply.body.dump();
      return reply;
    };
    for (let count = 0; count < MAX_FAILED_KEYS; count++) expect((await ask(`wrong-${count}`)).statusCode).toBe(401);
    for (const key of ['wrong', KEY]) {
      const { statusCode, headers } = await ask(key);
      expect(statusCode).toBe(429);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
    const upgrade = await sendRaw(
      port,
      `GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer ${KEY}\r\n\r\n`,
    );
    expect(upgrade).toMatch(/^HTTP\/1\.1 429 [\s\S]*retry-after: \d+/);
    expect(seen).toEqual([]);
  });

  it("who is signed in; the session ends here, and Authorization is the caller's own", async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, { API_KEYS: KEY, HF_TOKEN: TOKEN });
    const headers = { authorization: 'Basic bWluZQ==', cookie: `a=1; ${session()}; __Host-${session()}; b=2` };
    await (await request(`${url}/x`, { headers })).body.dump();
    await (await request(`${url}/x`, { headers: { cookie: session() } })).body.dump();
    expect(seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'x-forwarded-authorization': 'Basic bWluZQ==',
      cookie: 'a=1; b=2',
    });
    expect(seen[1]?.headers).not.toHaveProperty('cookie');
    expect(seen[1]?.headers).not.toHaveProperty('x-forwarded-authorization');
  });

  it('a preflight ends here, and allowed pages may read the response', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, { API_KEYS: KEY, FRONTEND_URL: 'https://page.example' });
    const ask = (origin: string) =>
      request(`${url}/x`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
    const allowed = await ask('https://page.example');
    expect([allowed.statusCode, allowed.headers['access-control-allow-origin']]).toEqual([204, 'https://page.example']);
    expect((await ask('https://evil.example')).headers['access-control-allow-origin']).toBeUndefined();
    expect(seen).toEqual([]);
    const headers = { origin: 'https://page.example', authorization: `Bearer ${KEY}` };
    const result = await request(`${url}/x`, { headers });
    expect(result.headers['access-control-allow-origin']).toBe('https://page.example');
    await result.body.dump();
  });
});

describe('who gets through without keys', () => {
  it('pages elsewhere change nothing', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, { HF_TOKEN: TOKEN });
    for (const method of ['POST', 'DELETE', 'PATCH'] as const) {
      const response = await request(`${url}/x`, { method, headers: { origin: 'https://evil.example' } });
      expect(response.statusCode).toBe(403);
      expect(await response.body.json()).toMatchObject({ code: 'origin_not_allowed' });
    }
    expect(seen).toEqual([]);
    const own = await request(`${url}/x`, { method: 'POST', headers: { origin: url } });
    expect(own.statusCode).toBe(200);
    await own.body.dump();
  });

  it("a caller's own Authorization stays where the gateway has no token", async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend);
    const headers = { authorization: 'Bearer mine', 'x-forwarded-authorization': 'Bearer made-up' };
    await (await request(`${url}/x`, { headers })).body.dump();
    expect(seen[0]?.headers).toMatchObject({
      authorization: 'Bearer mine',
      'x-forwarded-authorization': 'Bearer mine',
    });
  });

  it("an unknown path is the pages' where no backend is set", async () => {
    const { url } = await startGateway('');
    const accept = { accept: 'text/html' };
    for (const path of ['/x', '/gateway/x', '/gateway']) {
      const response = await request(url + path, { headers: accept });
      expect([response.statusCode, await response.body.text()]).toEqual([404, 'page']);
    }
  });
});

describe('WebSockets', () => {
  /** Echoes frames of up to 125 bytes, which is all that a test sends. */
  async function startSocketBackend(): Promise<{
    url: string;
    server: Server;
    opened: IncomingMessage[];
    sockets: Set<Socket>;
  }> {
    const opened: IncomingMessage[] = [];
    const sockets = new Set<Socket>();
    const { url, server } = await startBackend((_incoming, outgoing) =>
      outgoing.writeHead(426, { 'x-why': 'plain' }).end('no'),
    );
    server.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
      opened.push(incoming);
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('end', () => socket.end());
      socket.on('close', () => sockets.delete(socket));
      if (incoming.url === '/refuse') {
        socket.end('HTTP/1.1 403 Forbidden\r\nX-Why: not you\r\nContent-Length: 2\r\n\r\nno');
        return;
      }
      const accept = createHash('sha1')
        .update(`${incoming.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\nX-Echo: ${incoming.headers.authorization}\r\n\r\n`,
      );
      socket.write(textFrame(`hello ${incoming.url} ${incoming.headers.authorization}`));
      socket.on('data', (frame: Buffer) => {
        const length = (frame[1] ?? 0) & 0x7f;
        const mask = frame.subarray(2, 6);
        const data = frame.subarray(6, 6 + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
        if (((frame[0] ?? 0) & 0x0f) === 8) socket.end(Buffer.concat([Buffer.from([0x88, data.length]), data]));
        else socket.write(textFrame(Buffer.from(data).toString()));
      });
    });
    return { url, server, opened, sockets };
  }

  function textFrame(text: string): Buffer {
    const data = Buffer.from(text);
    return Buffer.concat([Buffer.from([0x81, data.length]), data]);
  }

  const next = async (socket: WebSocket) => String((await once(socket, 'message'))[0].data);

  it('go both ways, with the token on the way there and masked on the way back', async () => {
    const backend = await startSocketBackend();
    const { port } = await startGateway(backend.url, { HF_TOKEN: TOKEN });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/live?x=1`);
    expect(await next(socket)).toBe(`hello /live?x=1 Bearer ${'*'.repeat(TOKEN.length)}`);
    for (const word of ['one', 'two']) {
      socket.send(word);
      expect(await next(socket)).toBe(word);
    }
    expect(backend.opened[0]?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      host: new URL(backend.url).host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': `127.0.0.1:${port}`,
    });
    expect(gateway().stats().web_sockets).toEqual({ total: 1, open: 1 });
    socket.close(1000, 'done');
    const [{ code }] = await once(socket, 'close');
    expect(code).toBe(1000);
    await expect.poll(() => gateway().stats()).toMatchObject({ web_sockets: { open: 0 }, backends: [{ waiting: 0 }] });
    await expect.poll(() => backend.sockets.size).toBe(0);
  });

  it('end at the backend when the client goes, and at the client when the backend goes or the server stops', async () => {
    const backend = await startSocketBackend();
    const { port } = await startGateway(backend.url);
    const open = async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/gateway/echo/a`);
      await next(socket);
      return socket;
    };
    const raw = httpRequest({ port, path: '/live', headers: upgradeHeaders() });
    raw.end();
    const [, client] = (await once(raw, 'upgrade')) as [IncomingMessage, Socket];
    client.destroy();
    await expect.poll(() => backend.sockets.size).toBe(0);
    const second = await open();
    expect(backend.opened.at(-1)?.url).toBe('/echo/a');
    for (const socket of backend.sockets) socket.destroy();
    await once(second, 'close');
    const third = await open();
    const closed = once(third, 'close');
    await shutDown();
    await closed;
  });

  it('that the backend refuses get the backend’s response', async () => {
    const backend = await startSocketBackend();
    const { port } = await startGateway(backend.url);
    const response = await sendRaw(port, upgradeBytes('/refuse'));
    expect(response).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*X-Why: not you\r\n[\s\S]*\r\n\r\nno$/);
  });

  it('that no backend takes are 502', async () => {
    const { port } = await startGateway(`http://127.0.0.1:${await closedPort()}`);
    const response = await sendRaw(port, upgradeBytes('/live'));
    expect(response).toMatch(/^HTTP\/1\.1 502 [\s\S]*"error":"Backend connection failed"/);
  });

  it('need a key where keys are set, and no page elsewhere opens one', async () => {
    const backend = await startSocketBackend();
    const { port } = await startGateway(backend.url, { API_KEYS: KEY });
    expect(await sendRaw(port, upgradeBytes('/live'))).toMatch(/^HTTP\/1\.1 401 /);
    const foreign = upgradeBytes('/live', `Origin: https://evil.example\r\nCookie: ${session()}\r\n`);
    expect(await sendRaw(port, foreign)).toMatch(/^HTTP\/1\.1 403 /);
    expect(backend.opened).toEqual([]);
  });

  it('are the one upgrade: another is served as if it had not asked', async () => {
    const backend = await startSocketBackend();
    const { port } = await startGateway(backend.url);
    const response = await sendRaw(
      port,
      'GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
    );
    expect(response).toMatch(/^HTTP\/1\.1 426 [\s\S]*x-why: plain/);
    expect(backend.opened).toEqual([]);
  });

  const upgradeHeaders = () => ({
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  });

  function upgradeBytes(path: string, more = ''): string {
    const lines = Object.entries(upgradeHeaders()).map(([name, value]) => `${name}: ${value}\r\n`);
    return `GET ${path} HTTP/1.1\r\nHost: x\r\n${lines.join('')}${more}\r\n`;
  }
});
