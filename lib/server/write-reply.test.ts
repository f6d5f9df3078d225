import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { request } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ServerRequest } from '#lib/gateway/server-request';
import { json, plainText } from '#lib/http/reply';
import { type PieceWriter, StreamBody } from '#lib/http/stream-body';
import { NodeRequest } from '#lib/server/node-request';
import { writeReply } from '#lib/server/write-reply';

type Handler = (request: NodeRequest, incoming: ServerRequest, outgoing: ServerResponse) => unknown;

const servers: Server[] = [];

async function start(handler: Handler): Promise<{ url: string; port: number }> {
  const server = createServer({ IncomingMessage: ServerRequest }, (incoming, outgoing) => {
    handler(new NodeRequest(incoming, outgoing), incoming, outgoing);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

/** Writes its pieces as fast as its client reads. */
class PieceBody extends StreamBody {
  static behind = 0;
  readonly #pieces: readonly string[];
  readonly #ends: boolean;
  #writer: PieceWriter | undefined;
  #next = 0;

  constructor(pieces: readonly string[], ends = true) {
    super();
    this.#pieces = pieces;
    this.#ends = ends;
  }

  start(writer: PieceWriter): void {
    this.#writer = writer;
    this.resume();
  }

  resume(): void {
    while (this.#next < this.#pieces.length) {
      const isLast = this.#ends && this.#next === this.#pieces.length - 1;
      const hasRoom = this.#writer?.write(this.#pieces[this.#next++] ?? '', isLast);
      if (isLast) this.#writer?.end();
      if (hasRoom === false) {
        PieceBody.behind += 1;
        return;
      }
    }
  }

  cancel(): void {
    this.#next = this.#pieces.length;
  }
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/**
 * Reads a body of at most 1,000 bytes. Responds with the number of bytes and requests, or with the
 * error's code.
 */
const count: Handler = async (asked, incoming, outgoing) => {
  const reply = await asked.bytes(1000).then(
    (bytes) => json({ bytes: bytes.byteLength }),
    (fault) => json({ code: fault.code }, 400),
  );
  await writeReply(reply, incoming, outgoing);
};

describe('a request body', () => {
  it.each([
    ['nothing', ''],
    ['one packet', 'x'.repeat(1000)],
  ])('is read whole: %s', async (_name, body) => {
    const { url } = await start(count);
    const response = await request(url, { method: 'POST', body });
    expect(await response.body.json()).toEqual({ bytes: body.length });
  });

  it('is read whole in chunks of any size', async () => {
    const { port } = await start(count);
    const response = await talk(port, [
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
      '3\r\nabc\r\n',
      '4\r\ndef',
      'g\r\n0\r\n\r\n',
    ]);
    expect(response).toContain('{"bytes":7}');
  });

  it.each([
    ['by its declared length, before it arrives', 'Content-Length: 1001', 'x'],
    ['while it arrives', 'Transfer-Encoding: chunked', `${(1001).toString(16)}\r\n${'x'.repeat(1001)}\r\n`],
  ])('that is too large is refused %s, and the response closes the connection', async (_name, header, rest) => {
    const { port } = await start(count);
    const response = await talk(port, [`POST / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n`, rest], false);
    expect(response).toMatch(/^HTTP\/1\.1 400 /);
    expect(response).toMatch(/connection: close/i);
    expect(response).toContain('body_too_large');
  });

  it('that is refused can still be sent, so that its sender gets the response', async () => {
    const { port } = await start(count);
    const errors: Error[] = [];
    let response = '';
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', (error) => errors.push(error)).on('data', (data) => (response += data));
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n');
    await once(socket, 'end');
    for (let sent = 0; sent < 4; sent++) {
      socket.write('x'.repeat(1000));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(response).toMatch(/^HTTP\/1\.1 400 /);
    expect(errors).toEqual([]);
    socket.destroy();
  });

  it('that is refused and never ends is read for a moment only', async () => {
    const { port } = await start(count);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).resume();
    const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n');
    const startedMs = performance.now();
    const sending = setInterval(() => socket.write('x'), 20);
    await closed;
    clearInterval(sending);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('whose client disconnects is an error of that request only', async () => {
    const seen = vi.fn();
    const { port, url } = await start((asked, incoming, outgoing) =>
      asked.bytes(1000).then(
        () => writeReply(json('whole'), incoming, outgoing),
        (fault) => seen(fault.code),
      ),
    );
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc', () => socket.destroy());
    });
    await vi.waitFor(() => expect(seen).toHaveBeenCalledWith('invalid_request'));
    expect(await (await request(url, { method: 'POST', body: 'abc' })).body.json()).toBe('whole');
  });
});

describe('a reply', () => {
  it('has a Content-Length in bytes', async () => {
    const { url } = await start((_asked, incoming, outgoing) => writeReply(plainText('grüß 🌍'), incoming, outgoing));
    const response = await request(url);
    expect(response.headers['content-length']).toBe('11');
    expect(await response.body.text()).toBe('grüß 🌍');
  });

  it('with a stream is read as fast as its client reads, and cancelled when the client disconnects', async () => {
    let pulled = 0;
    const cancelled = vi.fn();
    const { port } = await start((_asked, incoming, outgoing) => {
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulled += 1;
            controller.enqueue(new Uint8Array(64 * 1024));
          },
          cancel: cancelled,
        },
        { highWaterMark: 0 },
      );
      return writeReply({ status: 200, headers: {}, body }, incoming, outgoing);
    });
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.pause();
    // The kernel's buffers are full when no more is read between two checks.
    let before = -1;
    await vi.waitFor(
      () => {
        const now = pulled;
        const still = now === before && now > 0;
        before = now;
        expect(still).toBe(true);
      },
      { timeout: 10_000, interval: 100 },
    );
    expect(pulled).toBeLessThan(400);
    socket.destroy();
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledTimes(1));
  });

  it.each([
    ['a whole body', () => plainText('x'.repeat(32 * 1024 * 1024))],
    [
      'a stream',
      () => ({
        status: 200,
        headers: {},
        body: new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)) }),
      }),
    ],
  ])('that is not read closes its connection: %s', async (_name, reply) => {
    const closed = vi.fn();
    const { port, url } = await start((_asked, incoming, outgoing) => {
      if (incoming.url === '/short') return writeReply(json('here'), incoming, outgoing, 200);
      outgoing.once('close', closed);
      return writeReply(reply(), incoming, outgoing, 200);
    });
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.on('error', () => {});
    socket.pause();
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1), { timeout: 10_000 });
    expect(await (await request(`${url}/short`)).body.json()).toBe('here');
    socket.destroy();
  });

  it('with a body in pieces is in order, whole and chunked, also for a client that reads late', async () => {
    const piece = `größer ${'x'.repeat(50_000)}`;
    const pieces = Array.from({ length: 200 }, (_, place) => `${place} ${piece}`);
    const { port } = await start(async (asked, incoming, outgoing) => {
      await asked.bytes(0);
      return writeReply({ status: 200, headers: {}, body: new PieceBody(pieces) }, incoming, outgoing);
    });
    const socket = connect(port, '127.0.0.1', () =>
      // Two requests in one packet: the second response waits for the end of the first.
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    );
    socket.pause();
    await vi.waitFor(() => expect(PieceBody.behind).toBeGreaterThan(0));
    socket.resume();
    const received = Buffer.concat(await socket.toArray()).toString();
    const order = [...received.matchAll(/\r\n([0-9a-f]+)\r\n(?:(\d+) größer (x+))?/g)].map(
      ([, size = '', place = '', rest = '']) => [Number.parseInt(size, 16), place, rest.length],
    );
    const expected = pieces.map((one, place) => [Buffer.byteLength(one), String(place), 50_000]);
    expect(order).toEqual([...expected, [0, '', 0], ...expected, [0, '', 0]]);
    expect(received.endsWith('\r\n0\r\n\r\n')).toBe(true);
  });

  it('with a body in pieces reaches a client that has closed its side, as far as it is written', async () => {
    const text = 'x'.repeat(12_000_000);
    const body = new PieceBody([text, 'late'], false);
    let served: ServerRequest | undefined;
    const { port } = await start(async (asked, incoming, outgoing) => {
      served = incoming;
      await asked.bytes(100);
      return writeReply({ status: 200, headers: {}, body }, incoming, outgoing);
    });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () =>
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'),
    );
    socket.pause();
    await vi.waitFor(() => expect(served?.socket.writableLength).toBeGreaterThan(0));
    socket.end();
    await vi.waitFor(() => expect(served?.socket.writableEnded).toBe(true));
    body.resume();
    const received = Buffer.concat(await socket.toArray()).toString();
    expect(received.slice(received.indexOf('x'))).toBe(`${text}\r\n`);
  });

  it('with a body in pieces is cancelled when the client disconnects', async () => {
    const cancel = vi.spyOn(PieceBody.prototype, 'cancel');
    const { port } = await start((_asked, incoming, outgoing) =>
      writeReply({ status: 200, headers: {}, body: new PieceBody(['a'], false) }, incoming, outgoing),
    );
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.once('data', () => socket.destroy());
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledTimes(1));
  });

  it('whose stream fails closes the connection, so a part is not taken for the whole', async () => {
    const { url } = await start((_asked, incoming, outgoing) => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
        pull: (controller) => controller.error(new Error('gone wrong')),
      });
      return writeReply({ status: 200, headers: {}, body }, incoming, outgoing);
    });
    await expect(request(url).then((response) => response.body.text())).rejects.toThrow();
  });

  it('to a disconnected client cancels its stream at once', async () => {
    const cancelled = vi.fn();
    const { port } = await start((_asked, incoming, outgoing) => {
      outgoing.once('close', () => {
        const body = new ReadableStream<Uint8Array>({ cancel: cancelled });
        void writeReply({ status: 200, headers: {}, body }, incoming, outgoing);
      });
    });
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n', () => socket.destroy()),
    );
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledTimes(1));
  });
});

describe('unread response bodies', () => {
  it('close the connections of the client with the most bytes, not the oldest of all', async () => {
    const body = 'x'.repeat(16 * 1024 * 1024);
    const { port } = await start((_, incoming, outgoing) => {
      const client = { caller: incoming.url?.slice(1) ?? '', session: undefined };
      void writeReply(plainText(body), incoming, outgoing, undefined, client);
    });
    const open = () => new Promise<number>((resolve) => servers[0]?.getConnections((_, count) => resolve(count)));
    const sockets = [];
    for (const [n, client] of ['ben', 'cid', 'ann', 'ann', 'ann', 'ann'].entries()) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {}).pause();
      socket.write(`GET /${client} HTTP/1.1\r\nHost: a\r\n\r\n`);
      sockets.push(socket);
      await vi.waitFor(async () => expect(await open()).toBe(Math.min(n + 1, 3)));
    }
    const whole = sockets.slice(0, 2).map(
      (socket) =>
        new Promise<number>((resolve) => {
          let read = 0;
          socket.on('data', (chunk) => {
            read += chunk.byteLength;
            if (read > body.length) resolve(read);
          });
          socket.on('close', () => resolve(read));
          socket.resume();
        }),
    );
    for (const read of await Promise.all(whole)) expect(read).toBeGreaterThan(body.length);
    for (const socket of sockets) socket.destroy();
  });

  it('close the oldest connections beyond 64 MiB, and none whose client reads', async () => {
    const body = 'x'.repeat(16 * 1024 * 1024);
    const { port, url } = await start((_, incoming, outgoing) => void writeReply(plainText(body), incoming, outgoing));
    const open = () => new Promise<number>((resolve) => servers[0]?.getConnections((_, count) => resolve(count)));
    const sockets = [];
    for (let n = 0; n < 8; n += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {}).pause();
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      sockets.push(socket);
      await vi.waitFor(async () => expect(await open()).toBe(Math.min(n + 1, 3)));
    }
    const response = await request(url);
    expect((await response.body.text()).length).toBe(body.length);
    for (const socket of sockets) socket.destroy();
  });
});

describe('a request signal', () => {
  it('aborts when the client disconnects, and not when the response is complete', async () => {
    const signals: AbortSignal[] = [];
    const { port, url } = await start((asked, incoming, outgoing) => {
      signals.push(asked.signal);
      if (incoming.url === '/answered') return writeReply(json('done'), incoming, outgoing);
      outgoing.once('close', () => signals.push(new NodeRequest(incoming, outgoing).signal));
    });
    await (await request(`${url}/answered`)).body.text();
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n', () => socket.destroy()),
    );
    await vi.waitFor(() => expect(signals.map(({ aborted }) => aborted)).toEqual([false, true, true]));
  });
});

/** Sends `parts` in separate packets. Resolves with all that the server sends until it closes. */
function talk(port: number, parts: string[], end = true): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('connect', async () => {
      for (const part of parts) {
        await new Promise<void>((sent) => socket.write(part, () => sent()));
        await new Promise((turn) => setImmediate(turn));
      }
      if (end) socket.end();
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}
