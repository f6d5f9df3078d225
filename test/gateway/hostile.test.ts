import { once } from 'node:events';
import { createConnection } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { gateway } from '#lib/gateway/index';
import {
  closeAll,
  sendRaw,
  startBackend,
  startEcho,
  startGateway,
  startRaw,
  TOKEN,
} from '../support/gateway-backend.ts';

afterEach(closeAll);

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';

describe('a hostile client', () => {
  it.each<[name: string, bytes: string]>([
    [
      'a length and chunks',
      `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    ['two lengths', `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n${SMUGGLED}`],
    ['a list of lengths', `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 36\r\n\r\n${SMUGGLED}`],
    ['a signed length', `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n${SMUGGLED}`],
    ['a length in hexadecimal', `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\n${SMUGGLED}`],
    ['a negative length', `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n${SMUGGLED}`],
    [
      'chunks that are not last',
      `POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    ],
    ['an unknown coding', `POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    [
      'chunks twice',
      `POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    ['a vertical tab in the coding', `POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
    ['a space before the colon', `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length : 36\r\n\r\n${SMUGGLED}`],
    ['a folded header', `GET /a HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n Content-Length: 36\r\n\r\n${SMUGGLED}`],
    ['a folded first header', `GET /a HTTP/1.1\r\n Host: x\r\n\r\n${SMUGGLED}`],
    ['a bare line feed', `GET /a HTTP/1.1\nHost: x\n\n${SMUGGLED}`],
    ['a bare carriage return in a value', `GET /a HTTP/1.1\r\nHost: x\r\nX-A: 1\rX-B: 2\r\n\r\n${SMUGGLED}`],
    ['a zero byte in a value', `GET /a HTTP/1.1\r\nHost: x\r\nX-A: 1\x002\r\n\r\n${SMUGGLED}`],
    ['a zero byte in a name', `GET /a HTTP/1.1\r\nHost: x\r\nX\x00A: 1\r\n\r\n${SMUGGLED}`],
    ['a bad chunk size', `POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n${SMUGGLED}`],
    ['no host', `GET /a HTTP/1.1\r\n\r\n${SMUGGLED}`],
    ['two hosts', `GET /a HTTP/1.1\r\nHost: x\r\nHost: evil\r\nConnection: close\r\n\r\n${SMUGGLED}`],
    ['a space in the path', `GET /a b HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`],
    ['HTTP of another kind', `GET /a HTTP/3.7\r\nHost: x\r\n\r\n${SMUGGLED}`],
  ])('that sends %s is refused, and nothing reaches the backend behind its back', async (_name, bytes) => {
    const { url: backend, received } = await startRaw((text, socket) => {
      if (text.includes('\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
    });
    const { port } = await startGateway(backend);
    expect(await sendRaw(port, bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect(received()).not.toContain('smuggled');
  });

  it('may pipeline: each request is one at the backend too, in its turn', async () => {
    const { url: backend, seen } = await startEcho();
    const { port } = await startGateway(backend);
    const response = await sendRaw(
      port,
      'POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(seen.map(({ url, body }) => [url, body])).toEqual([
      ['/one', 'abc'],
      ['/two', ''],
    ]);
    expect(response.indexOf('"/one"')).toBeLessThan(response.indexOf('"/two"'));
  });

  it('that sends less than it announced, or chunks without an end, completes no request', async () => {
    const { url: backend, received } = await startRaw(() => {});
    const { port } = await startGateway(backend, { GATEWAY_TIMEOUT_MS: '300' });
    const short = await sendRaw(port, 'POST /short HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
    const open = await sendRaw(
      port,
      'POST /open HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    );
    for (const result of [short, open]) expect(result).toMatch(/^HTTP\/1\.1 400 [\s\S]*stopped arriving/);
    expect(received()).not.toMatch(/\r\n0\r\n/);
  });

  it.each([
    ['a whole URL', 'GET http://evil.example/x HTTP/1.1\r\nHost: evil.example'],
    ['a whole URL of ours', 'GET http://127.0.0.1/x HTTP/1.1\r\nHost: 127.0.0.1'],
    ['another scheme', 'GET ftp://evil.example/x HTTP/1.1\r\nHost: x'],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: x'],
    ['a way out of the root', 'GET /../x HTTP/1.1\r\nHost: x'],
    ['an encoded way out', 'GET /gateway/%2e%2E/x HTTP/1.1\r\nHost: x'],
    ['a way out by encoded slashes', 'GET /a%2f..%2f..%5c..%2fx HTTP/1.1\r\nHost: x'],
    ['a way out past an empty segment', 'GET //../x HTTP/1.1\r\nHost: x'],
    ['a fragment', 'GET /x#y HTTP/1.1\r\nHost: x'],
  ])('that asks for %s is refused', async (_name, head) => {
    const { url: backend, received } = await startRaw(() => {});
    const { port } = await startGateway(`${backend}/base`);
    expect(await sendRaw(port, `${head}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(received()).toBe('');
  });

  it.each([
    ['//evil.example/x', '//evil.example/x'],
    ['/gateway//evil.example:80/', '//evil.example:80/'],
    ['/gateway/http://evil.example/', '/http://evil.example/'],
    ['/@evil.example/', '/@evil.example/'],
    ['/%2F%2Fevil.example', '/%2F%2Fevil.example'],
    ['/a/../b?x=/../..', '/a/../b?x=/../..'],
    ['/..a/...', '/..a/...'],
  ])('that asks for %s only ever reaches the backend', async (path, expected) => {
    const { url: backend, seen } = await startEcho();
    const { port } = await startGateway(backend);
    await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
    expect(seen).toMatchObject([{ url: expected, headers: { host: new URL(backend).host } }]);
  });

  it('gets no tunnel, and no TRACE', async () => {
    const { url: backend, received } = await startRaw(() => {});
    const { port } = await startGateway(backend);
    const tunnel = await sendRaw(port, 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n');
    expect(tunnel).toMatch(/^HTTP\/1\.1 405 [\s\S]*method_not_allowed/);
    expect(await sendRaw(port, 'TRACE /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 405 /,
    );
    expect(received()).toBe('');
  });

  it('that never reads its response is closed in time, and costs no memory meanwhile', async () => {
    let sent = 0;
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      const chunk = Buffer.alloc(64 * 1024);
      const more = () => {
        while (sent < 500_000_000) {
          sent += chunk.length;
          if (!outgoing.write(chunk)) return void outgoing.once('drain', more);
        }
      };
      more();
    });
    const { port } = await startGateway(backend, { GATEWAY_TIMEOUT_MS: '500' });
    const socket = createConnection(port, '127.0.0.1').pause();
    socket.on('error', () => {});
    socket.write('GET /flood HTTP/1.1\r\nHost: x\r\n\r\n');
    const { statistics } = gateway();
    await expect.poll(() => statistics.report().requests.total).toBe(1);
    await expect.poll(() => statistics.report().requests.active, { timeout: 10_000 }).toBe(0);
    expect(sent).toBeLessThan(50_000_000);
    socket.destroy();
  });
});

describe('a hostile backend', () => {
  it.each([
    ['no HTTP', 'NONSENSE\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a zero byte in a value', 'HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n'],
    ['a bare carriage return', 'HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: b=1\r\nContent-Length: 0\r\n\r\n'],
    ['a space in a name', 'HTTP/1.1 200 OK\r\nX A: a\r\nContent-Length: 0\r\n\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\n${`X-A: ${'a'.repeat(1000)}\r\n`.repeat(200)}\r\n`],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    ],
    ['a status that is none', 'HTTP/1.1 0 Nothing\r\nContent-Length: 0\r\n\r\n'],
  ])('that sends %s is 502', async (_name, bytes) => {
    const { url: backend } = await startRaw((_text, socket) => socket.end(bytes, 'latin1'));
    const { url } = await startGateway(backend);
    const response = await request(`${url}/x`, { method: 'POST', body: 'x' });
    expect(response.statusCode).toBe(502);
    expect(await response.body.json()).toEqual({ error: 'Backend connection failed', code: 'upstream_failed' });
  });

  it.each([
    ['chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['end of a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n'],
  ])('that sends its head and a broken %s in one packet is a 502, and never an empty reply', async (_name, bytes) => {
    const { url: backend } = await startRaw((_text, socket) => socket.write(bytes));
    const { port } = await startGateway(backend);
    const response = await sendRaw(port, 'GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1\.1 502 [\s\S]*"error":"Backend connection failed"/);
    expect(gateway().stats().requests).toMatchObject({ total: 1, active: 0, failed: 1 });
    expect(gateway().stats().backends).toMatchObject([{ requests: 1, failures: 1, waiting: 0 }]);
  });

  it('that sends a whole chunk and a broken one in one packet has the first passed on, and then the end', async () => {
    const { url: backend } = await startRaw((_text, socket) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\nzz\r\n'),
    );
    const { port } = await startGateway(backend);
    const response = await sendRaw(port, 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n5\r\nwhole\r\n$/);
  });

  it('that sends more than one response gives no client the rest', async () => {
    const { url: backend } = await startRaw((_text, socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Evil: 1\r\n\r\npoison',
      ),
    );
    const { url } = await startGateway(backend, { GATEWAY_POOL_SIZE: '1' });
    for (let count = 0; count < 3; count++) {
      const response = await request(`${url}/x`);
      expect([await response.body.text(), response.headers['x-evil']]).toEqual(['ok', undefined]);
    }
  });

  it('has its hop-by-hop headers dropped, and sets no session of ours', async () => {
    const { url: backend } = await startRaw((_text, socket) =>
      socket.end(
        'HTTP/1.1 200 OK\r\nConnection: close, X-Named, Content-Length\r\nX-Named: 1\r\nKeep-Alive: 1\r\nProxy-Authenticate: x\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nX-Request-Id: theirs\r\nSet-Cookie: chill_space_session=evil\r\nSet-Cookie: __Host-chill_space_session=evil; Secure; Path=/\r\nSet-Cookie: a=1\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok',
      ),
    );
    const { url } = await startGateway(backend, { API_KEYS: 'a-key' });
    const headers = { authorization: 'Bearer a-key', 'x-request-id': 'ours' };
    const response = await request(`${url}/x`, { headers });
    expect(await response.body.text()).toBe('ok');
    expect(response.headers).toMatchObject({
      'x-kept': '1',
      'x-request-id': 'ours',
      'set-cookie': 'a=1',
      'content-length': '2',
    });
    for (const name of ['x-named', 'proxy-authenticate', 'proxy-connection', 'upgrade'])
      expect(response.headers).not.toHaveProperty(name);
  });

  it('that repeats its request reveals no token: not in headers, message, trailers or body, however it is cut', async () => {
    const { url: backend } = await startRaw((text, socket) => {
      if (!text.endsWith('\r\n\r\n')) return;
      const half = TOKEN.length >> 1;
      socket.write(
        `HTTP/1.1 200 ${TOKEN}\r\nX-Echo: Bearer ${TOKEN}\r\nTrailer: x-t\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      socket.write(`${half.toString(16)}\r\n${TOKEN.slice(0, half)}\r\n`);
      setImmediate(() => {
        const rest = `${TOKEN.slice(half)} ${text}`;
        socket.end(`${rest.length.toString(16)}\r\n${rest}\r\n0\r\nx-t: ${TOKEN}\r\n\r\n`);
      });
    });
    const { port } = await startGateway(backend, { HF_TOKEN: TOKEN });
    const response = await sendRaw(port, 'GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(response).not.toContain(TOKEN);
    const stars = '*'.repeat(TOKEN.length);
    expect(response).toContain(`HTTP/1.1 200 ${stars}\r\n`);
    expect(response).toContain(`X-Echo: Bearer ${stars}\r\n`);
    expect(response).toContain(`authorization: Bearer ${stars}\r\n`);
    expect(response).toMatch(/x-t: \*+\r\n\r\n$/);
    expect(response.split(stars)).toHaveLength(6);
  });

  it('cannot name the token by its own header', async () => {
    const { url: backend } = await startRaw((_text, socket) =>
      socket.end(
        `HTTP/1.1 200 OK\r\n${TOKEN}: x\r\nLocation: http://u:${TOKEN}@elsewhere/\r\nContent-Length: 0\r\n\r\n`,
      ),
    );
    const { port } = await startGateway(backend, { HF_TOKEN: TOKEN });
    const response = await sendRaw(port, 'GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1\.1 200 /);
    expect(response).not.toContain(TOKEN);
  });

  it('that compresses its response has it forwarded as it is', async () => {
    const packed = gzipSync('hello');
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
    });
    const { url } = await startGateway(backend, { HF_TOKEN: TOKEN });
    const response = await request(`${url}/x`, { headers: { 'accept-encoding': 'gzip' } });
    expect(Buffer.from(await response.body.arrayBuffer())).toEqual(packed);
  });

  it('that trickles its response is waited for as long as it sends', async () => {
    const { url: backend } = await startBackend((_incoming, outgoing) => {
      outgoing.writeHead(200);
      let count = 0;
      const timer = setInterval(() => {
        outgoing.write('x');
        count += 1;
        if (count < 6) return;
        clearInterval(timer);
        outgoing.end();
      }, 250);
    });
    const { url } = await startGateway(backend, { GATEWAY_TIMEOUT_MS: '1000' });
    expect(await (await request(`${url}/x`)).body.text()).toBe('xxxxxx');
  });
});

it('a gigabyte each way goes through in flat memory', async () => {
  const SIZE = 2 ** 30;
  const chunk = Buffer.alloc(256 * 1024, 'x');
  const { url: backend } = await startBackend(async (incoming, outgoing) => {
    let received = 0;
    incoming.on('data', (piece: Buffer) => {
      received += piece.length;
    });
    await once(incoming, 'end');
    outgoing.writeHead(200, { 'content-length': String(SIZE), 'x-received': String(received) });
    for (let sent = 0; sent < SIZE; sent += chunk.length) if (!outgoing.write(chunk)) await once(outgoing, 'drain');
    outgoing.end();
  });
  const { url } = await startGateway(backend);
  let highest = 0;
  const before = process.memoryUsage.rss();
  async function* upload() {
    for (let sent = 0; sent < SIZE; sent += chunk.length) {
      highest = Math.max(highest, process.memoryUsage.rss());
      yield chunk;
    }
  }
  const response = await request(`${url}/big`, {
    method: 'PUT',
    body: Readable.from(upload(), { objectMode: false }),
    headers: { 'content-length': String(SIZE) },
  });
  expect(response.headers['x-received']).toBe(String(SIZE));
  let received = 0;
  for await (const piece of response.body) {
    received += (piece as Buffer).length;
    highest = Math.max(highest, process.memoryUsage.rss());
  }
  expect(received).toBe(SIZE);
  // Client, gateway and backend live in this one process.
  expect((highest - before) / 2 ** 20).toBeLessThan(300);
}, 120_000);
