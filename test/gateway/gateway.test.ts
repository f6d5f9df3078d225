import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import {
  closeAll,
  closedPort,
  sendRaw,
  startBackend,
  startEcho,
  startGateway,
  startRaw,
  TOKEN,
} from '../support/gateway-backend.ts';

afterEach(closeAll);

describe('what is passed on', () => {
  it('is method, path and query byte for byte, and the body', async () => {
    const { url: backend, seen } = await startEcho();
    const { port } = await startGateway(backend);
    const paths = ['/a%2Fb/%zz?x=%20+&&y', '/a//b/./c/', '/x?http://evil.example/', "/~!$&'()*+,;=:@|"];
    for (const path of paths)
      await sendRaw(port, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 'latin1'));
    expect(seen.map(({ url }) => url)).toEqual(paths);
    await sendRaw(port, 'PROPFIND /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc');
    await sendRaw(port, 'GET /g HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc');
    await sendRaw(
      port,
      'DELETE /d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    );
    expect(seen.slice(-3)).toMatchObject([
      { method: 'PROPFIND', url: '/p', body: 'abc' },
      { method: 'GET', url: '/g', body: 'abc' },
      { method: 'DELETE', url: '/d', body: 'abc' },
    ]);
  });

  it('is what the app does not serve, and by name whatever is asked for', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend);
    expect((await request(`${url}/echo/a`)).statusCode).toBe(405);
    expect((await request(`${url}/_next/static/x.js`)).statusCode).toBe(404);
    expect(seen).toEqual([]);
    for (const path of [
      '/gateway/echo/a?q=1',
      '/gateway/',
      '/gateway/_next/x',
      '/gateway//evil.example/x',
      '/echo',
      '/api/nope',
    ])
      await (await request(url + path)).body.dump();
    expect(seen.map(({ url }) => url)).toEqual([
      '/echo/a?q=1',
      '/',
      '/_next/x',
      '//evil.example/x',
      '/echo',
      '/api/nope',
    ]);
  });

  it('has a base path in front where the backend has one', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(`${backend}/base/`);
    await (await request(`${url}/x?y`)).body.dump();
    expect(seen[0]?.url).toBe('/base/x?y');
  });

  it('has the token, the host of the backend, and says where it came from', async () => {
    const { url: backend, seen } = await startEcho();
    const { port } = await startGateway(backend, { HF_TOKEN: TOKEN });
    await sendRaw(
      port,
      'GET /x HTTP/1.1\r\nHost: app.example:3000\r\nAuthorization: Bearer mine\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: gopher\r\nX_Forwarded_For: 7.7.7.7\r\nForwarded: for=8.8.8.8\r\nX-Real-IP: 9.9.9.9\r\nX-Custom: a\r\nx-custom: b\r\nX-Request-Id: abc\r\nConnection: close\r\n\r\n',
    );
    const headers = seen[0]?.headers;
    expect(headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'x-forwarded-authorization': 'Bearer mine',
      host: new URL(backend).host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'app.example:3000',
      'x-forwarded-proto': 'http',
      'x-custom': 'a, b',
      'x-request-id': 'abc',
    });
    for (const name of ['x_forwarded_for', 'forwarded', 'x-real-ip']) expect(headers).not.toHaveProperty(name);
  });

  it('goes on from a believed proxy', async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, { TRUST_PROXY: 'loopback' });
    const headers = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.example' };
    await (await request(`${url}/x`, { headers })).body.dump();
    expect(seen[0]?.headers).toMatchObject({ ...headers, 'x-forwarded-for': '1.2.3.4, 127.0.0.1' });
  });

  it('has no hop-by-hop headers, those that Connection names included', async () => {
    const { url: backend, seen } = await startEcho();
    const { port } = await startGateway(backend, { HF_TOKEN: TOKEN });
    await sendRaw(
      port,
      'POST /x HTTP/1.1\r\nHost: x\r\nConnection: close, X-Secret, Content-Length, Authorization, X-Forwarded-For\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\nProxy-Connection: keep-alive\r\nTE: trailers, deflate\r\nTrailer: x\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nContent-Length: 2\r\nX-Kept: 1\r\n\r\nhi',
    );
    const { headers, body } = seen[0] ?? {};
    expect(body).toBe('hi');
    expect(headers).toMatchObject({
      te: 'trailers',
      'x-kept': '1',
      'content-length': '2',
      authorization: `Bearer ${TOKEN}`,
      'x-forwarded-for': '127.0.0.1',
      connection: 'keep-alive',
    });
    for (const name of [
      'x-secret',
      'keep-alive',
      'proxy-authorization',
      'proxy-connection',
      'trailer',
      'upgrade',
      'http2-settings',
    ])
      expect(headers).not.toHaveProperty(name);
  });
});

describe('what comes back', () => {
  it('is status, message, headers in their spelling and number, and the bytes', async () => {
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      outgoing.writeHead(418, 'Short and stout', [
        ['X-One', 'a'],
        ['x-one', 'b'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['Content-Length', '3'],
      ]);
      outgoing.end(Buffer.from([0, 255, 10]));
    });
    const { port } = await startGateway(backend);
    const reply = await sendRaw(port, 'GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(reply).toMatch(/^HTTP\/1\.1 418 Short and stout\r\n/);
    expect(reply).toContain('X-One: a\r\nx-one: b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 3\r\n');
    expect(reply.endsWith('\r\n\r\n\0\xff\n')).toBe(true);
  });

  it.each([301, 302, 307, 308])('a redirect %i is passed on, not followed', async (status) => {
    let asked = 0;
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      asked += 1;
      outgoing.writeHead(status, { location: 'http://elsewhere.example/' }).end();
    });
    const { url } = await startGateway(backend);
    const result = await request(`${url}/x`);
    expect([result.statusCode, result.headers.location, asked]).toEqual([status, 'http://elsewhere.example/', 1]);
    await result.body.dump();
  });

  it('HEAD, 204 and 304 have no body, and keep the length that they speak of', async () => {
    const { url: backend } = await startBackend(({ url }, outgoing) => {
      if (url === '/head') outgoing.writeHead(200, { 'content-length': '1234' }).end();
      else if (url === '/304') outgoing.writeHead(304, { etag: '"x"', 'content-length': '77' }).end();
      else outgoing.writeHead(204).end();
    });
    const { port } = await startGateway(backend);
    const ask = (line: string) => sendRaw(port, `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(await ask('HEAD /head')).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-length: 1234\r\n[\s\S]*\r\n\r\n$/);
    expect(await ask('GET /304')).toMatch(/^HTTP\/1\.1 304 [\s\S]*content-length: 77[\s\S]*\r\n\r\n$/);
    const empty = await ask('GET /204');
    expect(empty).toMatch(/^HTTP\/1\.1 204 [\s\S]*\r\n\r\n$/);
    expect(empty).not.toMatch(/content-length|transfer-encoding/i);
  });

  it('has trailers after chunks, and early hints before', async () => {
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      outgoing.writeEarlyHints({ link: '</a.css>; rel=preload' });
      outgoing.writeHead(200, { trailer: 'x-sum' });
      outgoing.write('body');
      outgoing.addTrailers({ 'x-sum': '42', location: '/elsewhere' });
      outgoing.end();
    });
    const { port } = await startGateway(backend);
    const modern = await sendRaw(port, 'GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(modern).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/i,
    );
    expect(modern).toMatch(/trailer: x-sum/i);
    expect(modern).toMatch(/\r\n4\r\nbody\r\n0\r\nx-sum: 42\r\n\r\n$/);
    const old = await sendRaw(port, 'GET /x HTTP/1.0\r\nHost: x\r\n\r\n');
    expect(old).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nbody$/);
    expect(old).not.toMatch(/trailer|chunked|103/i);
  });

  it('is streamed: each event arrives before the next is made', async () => {
    let next: () => void = () => {};
    const { url: backend } = await startBackend(async (_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
      outgoing.flushHeaders();
      for (let count = 0; count < 3; count++) {
        await new Promise<void>((resolve) => {
          next = resolve;
        });
        outgoing.write(`data: ${count}\n\n`);
      }
      outgoing.end();
    });
    const { url } = await startGateway(backend);
    const response = await request(`${url}/events`);
    expect(response.headers['content-type']).toBe('text/event-stream');
    const events: string[] = [];
    const reader = response.body[Symbol.asyncIterator]();
    for (let count = 0; count < 3; count++) {
      next();
      events.push(String((await reader.next()).value));
    }
    expect(events).toEqual(['data: 0\n\n', 'data: 1\n\n', 'data: 2\n\n']);
    expect((await reader.next()).done).toBe(true);
  });

  it('does not wait for the rest of a response whose length is known', async () => {
    let end: (() => void) | undefined;
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-length': '9' });
      outgoing.write('first');
      end = () => outgoing.end('last');
    });
    const { url } = await startGateway(backend);
    const response = await request(`${url}/parts`);
    const reader = response.body[Symbol.asyncIterator]();
    expect(String((await reader.next()).value)).toBe('first');
    end?.();
    expect(String((await reader.next()).value)).toBe('last');
    expect((await reader.next()).done).toBe(true);
  });

  it('forwards what arrived of a broken response, and breaks off too', async () => {
    const { url: backend } = await startRaw((_text, socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst');
    });
    const { port } = await startGateway(backend);
    const response = await sendRaw(port, 'GET /cut HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Length: 9\r\n[\s\S]*\r\n\r\nfirst$/);
  });

  it('streams the request too: the backend echoes each piece as it arrives', async () => {
    const { url: backend } = await startBackend((incoming, outgoing) => {
      outgoing.flushHeaders();
      incoming.on('data', (chunk: Buffer) => outgoing.write(chunk.toString().toUpperCase()));
      incoming.on('end', () => outgoing.end());
    });
    const { port } = await startGateway(backend);
    const sent = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: '/duplex' });
    sent.write('a');
    const [reply] = (await once(sent, 'response')) as [IncomingMessage];
    for (const letter of ['a', 'b', 'c']) {
      if (letter !== 'a') sent.write(letter);
      const [chunk] = (await once(reply, 'data')) as [Buffer];
      expect(chunk.toString()).toBe(letter.toUpperCase());
    }
    sent.end();
    await once(reply, 'end');
  });

  it('asks for the body of a careful client when the backend is there to take it', async () => {
    const { url: backend, seen } = await startEcho();
    const here = await startGateway(backend);
    const careful = async (port: number) => {
      const sent = httpRequest({
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/x',
        headers: { expect: '100-continue', 'content-length': 2 },
      });
      let continued = 0;
      sent.on('continue', () => {
        continued += 1;
        sent.end('hi');
      });
      sent.flushHeaders();
      const [reply] = (await once(sent, 'response')) as [IncomingMessage];
      reply.resume();
      sent.destroy();
      return [reply.statusCode, continued];
    };
    expect(await careful(here.port)).toEqual([200, 1]);
    expect(seen[0]?.body).toBe('hi');
    expect(seen[0]?.headers).not.toHaveProperty('expect');
    const { port } = await startGateway(`http://127.0.0.1:${await closedPort()}`);
    expect(await careful(port)).toEqual([502, 0]);
  });
});
