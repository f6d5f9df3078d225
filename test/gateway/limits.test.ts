import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { gateway } from '#lib/gateway/index';
import { closeAll, startBackend, startEcho, startGateway } from '../support/gateway-backend.ts';

const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await closeAll();
});

/**
 * A connection that sends `bytes`, keeps open and writes down what comes back, and when that began
 * to (never: infinitely late); `client` is its address.
 */
async function open(
  port: number,
  bytes: string,
  client = '127.0.0.1',
): Promise<{ socket: Socket; text: () => string; respondedAt: () => number }> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: client });
  sockets.push(socket);
  let text = '';
  let respondedAt = Number.POSITIVE_INFINITY;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    respondedAt = Math.min(respondedAt, performance.now());
    text += chunk.toString('latin1');
  });
  await once(socket, 'connect');
  socket.write(bytes);
  return { socket, text: () => text, respondedAt: () => respondedAt };
}

const UPLOAD = 'POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nab';
const GET = 'GET /quick HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

describe('a client', () => {
  it('that stalls 60 uploads leaves connections for the next, and loses its own after seconds', async () => {
    const { url: backend } = await startEcho();
    const { port } = await startGateway(backend);
    const stalled = await Promise.all(Array.from({ length: 60 }, () => open(port, UPLOAD)));
    await expect.poll(() => gateway().stats().backends[0]?.active).toBe(40);
    const other = await open(port, GET, '127.0.0.2');
    await expect.poll(other.text, { timeout: 12_000 }).toMatch(/^HTTP\/1\.1 200 /);
    await expect.poll(() => stalled[0]?.text(), { timeout: 12_000 }).toMatch(/^HTTP\/1\.1 400 [\s\S]*too slowly/);
    // It did not wait for the end of any of them.
    expect(other.respondedAt()).toBeLessThan(Math.min(...stalled.map(({ respondedAt }) => respondedAt())));
  }, 30_000);

  it('that fills the whole line gets its own newest refused, and the next its turn', async () => {
    const release: (() => void)[] = [];
    const { url: backend } = await startBackend((incoming, outgoing) => {
      release.push(() => outgoing.end(incoming.url));
    });
    const env = { GATEWAY_POOL_SIZE: '1', GATEWAY_MAX_QUEUE: '4' };
    const { port } = await startGateway(backend, env);
    const greedy: Awaited<ReturnType<typeof open>>[] = [];
    for (let count = 0; count < 5; count++) greedy.push(await open(port, GET));
    await expect.poll(() => gateway().stats().backends[0]).toMatchObject({ active: 1, waiting: 4 });
    const refused = await open(port, GET);
    await expect.poll(refused.text).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 2[\s\S]*"code":"queue_full"/i);
    const other = await open(port, GET, '127.0.0.2');
    await expect.poll(() => greedy.filter(({ text }) => text().startsWith('HTTP/1.1 503 ')).length).toBe(1);
    await expect.poll(() => release.length).toBe(1);
    release[0]?.();
    await expect.poll(() => release.length).toBe(2);
    release[1]?.();
    await expect.poll(() => release.length).toBe(3);
    release[2]?.();
    // At the latest the second of those that waited was the newcomer's.
    await expect.poll(other.text).toMatch(/^HTTP\/1\.1 200 /);
    expect(gateway().stats().backends[0]).toMatchObject({ state: 'up', failures: 0 });
  });

  it('that goes while it waits gives its place in the line back', async () => {
    const { url: backend } = await startBackend(() => {});
    const { port } = await startGateway(backend, { GATEWAY_POOL_SIZE: '1', GATEWAY_MAX_QUEUE: '2' });
    const [, ...waiting] = [await open(port, GET), await open(port, GET), await open(port, GET)];
    await expect.poll(() => gateway().stats().backends[0]?.waiting).toBe(2);
    for (const { socket } of waiting) socket.destroy();
    await expect.poll(() => gateway().stats().backends[0]?.waiting).toBe(0);
    const next = await open(port, GET);
    await sleep(200);
    expect(next.text()).toBe('');
    expect(gateway().stats().backends[0]?.waiting).toBe(1);
  });
});

describe('the pace of a client', () => {
  it('is not asked of one that uploads slowly, but fast enough', async () => {
    const { url: backend, seen } = await startEcho();
    const { port } = await startGateway(backend, { GATEWAY_MIN_BYTES_PER_SECOND: '100' });
    const { socket, text } = await open(port, 'POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n');
    for (let count = 0; count < 20; count++) {
      socket.write('x'.repeat(100));
      await sleep(400);
    }
    await expect.poll(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen[0]?.body).toHaveLength(2_000);
  }, 20_000);

  it('ends one that trickles its body, and one that trickles what it reads', async () => {
    const large = Buffer.alloc(16 * 1024 * 1024, 'x');
    const { url: backend } = await startBackend((incoming, outgoing) => {
      if (incoming.url === '/large') outgoing.end(large);
    });
    const { port } = await startGateway(backend, { GATEWAY_TIMEOUT_MS: '2000' });
    const upload = await open(port, UPLOAD);
    const reader = await open(port, 'GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
    reader.socket.pause();
    const trickle = setInterval(() => {
      upload.socket.write('x');
      reader.socket.read(1);
    }, 200);
    try {
      await expect.poll(() => upload.text(), { timeout: 15_000 }).toMatch(/^HTTP\/1\.1 400 /);
      await expect.poll(() => gateway().stats().requests.active, { timeout: 15_000 }).toBe(0);
    } finally {
      clearInterval(trickle);
    }
  }, 40_000);

  it('is nothing to a stream that goes both ways', async () => {
    const { url: backend } = await startBackend((incoming, outgoing) => {
      outgoing.flushHeaders();
      incoming.pipe(outgoing);
    });
    const { port } = await startGateway(backend);
    const { socket, text } = await open(
      port,
      'POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    await sleep(7_500);
    socket.write('2\r\nok\r\n0\r\n\r\n');
    await expect.poll(text).toContain('ok');
  }, 20_000);
});

it('one backend with a full line has the other one asked', async () => {
  const { url: full } = await startBackend(() => {});
  const { url: free } = await startEcho();
  const { url, port } = await startGateway(`${full},${free}`, { GATEWAY_POOL_SIZE: '1', GATEWAY_MAX_QUEUE: '0' });
  for (let count = 0; count < 4; count++) await open(port, GET);
  await expect
    .poll(() =>
      gateway()
        .stats()
        .backends.map(({ active, waiting }) => active + waiting),
    )
    .toEqual([1, 0]);
  const statuses = [];
  for (let count = 0; count < 6; count++) {
    const response = await request(`${url}/x`);
    statuses.push(response.statusCode);
    await response.body.dump();
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
});
