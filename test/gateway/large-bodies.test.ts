import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { closeAll, openExchanges, startBackend, startGateway, startRaw, TOKEN } from '../support/gateway-backend.ts';

afterEach(closeAll);

const SIZE = 6_000_000;

/**
 * Each path has its own bytes. `/l…` with their length, `/c…` in chunks of sizes that fit into no
 * buffer.
 */
async function startLibrary(count: number): Promise<{ url: string; sums: Map<string, string> }> {
  const bodies = new Map<string, Buffer>();
  for (let place = 0; place < count; place++)
    for (const kind of ['l', 'c']) bodies.set(`/${kind}${place}`, randomBytes(SIZE));
  const { url } = await startBackend(async ({ url: path = '' }, outgoing) => {
    const body = bodies.get(path) ?? Buffer.alloc(0);
    if (path.startsWith('/l')) return void outgoing.writeHead(200, { 'content-length': body.length }).end(body);
    // A client that goes ends it, and that is all.
    await pipeline(Readable.from(pieces(body)), outgoing).catch(() => {});
  });
  return { url, sums: new Map([...bodies].map(([path, body]) => [path, sum(body)])) };
}

function* pieces(body: Buffer): Generator<Buffer> {
  for (let at = 0, length = 1; at < body.length; at += length, length = (length * 7) % 99_991)
    yield body.subarray(at, at + length);
}

function sum(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

async function ask(port: number, path: string): Promise<IncomingMessage> {
  const asked = get({ port, host: '127.0.0.1', path, agent: false });
  asked.on('error', () => {});
  const [reply] = (await once(asked, 'response')) as [IncomingMessage];
  return reply;
}

/** Reads a response to its end, with a break of `breakMs` after each piece. */
async function read(result: IncomingMessage, breakMs: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of result) {
    hash.update(piece as Buffer);
    if (breakMs > 0) await sleep(breakMs);
  }
  return hash.digest('hex');
}

describe('large responses', () => {
  it('arrive as they were sent, to fast and slow clients, while others disconnect', async () => {
    const { url, sums } = await startLibrary(4);
    const { port } = await startGateway(url, { GATEWAY_POOL_SIZE: '6', HF_TOKEN: TOKEN });
    for (let round = 0; round < 2; round++) {
      const readings = [...sums.keys()].map(async (path, place) => {
        const gone = await ask(port, path);
        gone.on('error', () => {});
        gone.once('data', () => gone.destroy());
        return [path, await read(await ask(port, path), place % 4)] as const;
      });
      expect(new Map(await Promise.all(readings))).toEqual(sums);
    }
    await vi.waitFor(() => expect(openExchanges()).toBe(0));
  }, 60_000);

  it('are not read over while they wait for a client that takes them late', async () => {
    const sent = createHash('sha256');
    let isBackedUp = false;
    const { url } = await startRaw(async (_text, socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      // Each too little to stop the reading by itself, until no more is taken on the way.
      for (let more = 40; more > 0; more -= isBackedUp ? 1 : 0) {
        const piece = randomBytes(40_000);
        sent.update(piece);
        socket.write(piece);
        isBackedUp ||= socket.writableLength > 500_000;
        await sleep(1);
      }
      socket.end();
    });
    const { port } = await startGateway(url);
    const response = await ask(port, '/x');
    response.pause();
    await vi.waitFor(() => expect(isBackedUp).toBe(true), 20_000);
    expect(await read(response, 0)).toBe(sent.digest('hex'));
  });

  it('are read into a few buffers over and over', async () => {
    const { url, sums } = await startLibrary(1);
    const { port } = await startGateway(url);
    const made = vi.spyOn(Buffer, 'allocUnsafeSlow');
    for (let count = 0; count < 10; count++) expect(await read(await ask(port, '/l0'), 0)).toBe(sums.get('/l0'));
    const sizes = made.mock.calls.map(([size]) => size).filter((size) => size >= 64 * 1024);
    made.mockRestore();
    expect(sizes.length).toBeLessThan(30);
  });

  it('are masked where they repeat the token, wherever one piece of them ends', async () => {
    const filler = 'x'.repeat(997);
    const text = `${filler}${TOKEN}`.repeat(2_000);
    const { url } = await startRaw((_text, socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`),
    );
    const { port } = await startGateway(url, { HF_TOKEN: TOKEN });
    const expected = Buffer.from(text.replaceAll(TOKEN, '*'.repeat(TOKEN.length)));
    expect(await read(await ask(port, '/x'), 0)).toBe(sum(expected));
  });
});
