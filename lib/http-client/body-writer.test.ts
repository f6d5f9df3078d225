import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endAll, rawResponse, send, startBackend, startPool } from '../../test/support/http-client.ts';

afterEach(endAll);

/** A backend that responds to each request that ends with `end`. */
function startReader(end: string) {
  return startBackend(({ socket, text }) => {
    if (text.endsWith(end)) socket.write(rawResponse('x'));
  });
}

/** Emits empty chunks too, which byte streams skip. */
function body(...chunks: string[]): Readable {
  return Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
}

describe('a body', () => {
  it('with a length is sent unchanged, and its connection is kept', async () => {
    const { origin, connections } = await startReader('hello');
    const pool = startPool(origin);
    for (let count = 0; count < 2; count++) {
      const sent = send(pool, { method: 'POST', headers: ['Content-Length', '5'], body: body('he', '', 'llo') });
      expect((await sent.over).body).toBe('x');
    }
    expect(connections).toMatchObject([{ count: 2 }]);
    expect(connections[0]?.text).toMatch(/Content-Length: 5\r\n\r\nhello$/);
  });

  it('without a length is sent chunked', async () => {
    const { origin, connections } = await startReader('0\r\n\r\n');
    const sent = send(startPool(origin), { method: 'POST', body: body('0123456789', '', 'abc') });
    expect((await sent.over).body).toBe('x');
    expect(connections[0]?.text).toMatch(/\r\n\r\na\r\n0123456789\r\n3\r\nabc\r\n0\r\n\r\n$/);
  });

  it('reads its trailers at its end, sends them after the last chunk, and keeps its connection', async () => {
    const { origin, connections } = await startReader('\r\n\r\n');
    const pool = startPool(origin);
    for (const sum of ['1', '2']) {
      const chunks = body('abc');
      const trailers = () => ['X-Ended', String(chunks.readableEnded), 'X-Sum', sum];
      expect((await send(pool, { method: 'POST', body: chunks, trailers }).over).body).toBe('x');
      await vi.waitFor(() => expect(pool.stats).toEqual({ running: 0, connected: 1 }));
      expect(connections[0]?.text.endsWith(`3\r\nabc\r\n0\r\nX-Ended: true\r\nX-Sum: ${sum}\r\n\r\n`)).toBe(true);
    }
    expect(connections).toMatchObject([{ count: 2 }]);
  });

  it('with a length has no trailers', async () => {
    const { origin, connections } = await startReader('abc');
    const headers = ['Content-Length', '3'];
    const trailers = () => ['X-Sum', '1'];
    const sent = send(startPool(origin), { method: 'POST', headers, body: body('abc'), trailers });
    expect((await sent.over).body).toBe('x');
    expect(connections[0]?.text).toMatch(/\r\n\r\nabc$/);
  });

  it('with invalid trailers fails its request without sending the last chunk', async () => {
    const { origin, connections } = await startBackend(() => {});
    const pool = startPool(origin);
    const trailers = () => ['X-Sum', '1\r\n\r\nGET /smuggled HTTP/1.1'];
    const chunks = new Readable({ read() {} });
    chunks.push('abc');
    const sent = send(pool, { method: 'POST', body: chunks, trailers });
    await vi.waitFor(() => expect(connections[0]?.text).toContain('abc'));
    chunks.push(null);
    expect((await sent.over).error?.code).toBe('REQUEST_REFUSED');
    await vi.waitFor(() => expect(connections[0]?.socket.destroyed).toBe(true));
    expect(connections[0]?.text).not.toMatch(/\r\n0\r\n|smuggled/);
    expect(pool.stats.connected).toBe(0);
  });

  it.each([
    ['shorter', '10', 'abc'],
    ['longer', '5', 'def'],
  ])('that is %s than its length fails its request without completing it', async (_name, length, rest) => {
    const { origin, connections } = await startBackend(() => {});
    const pool = startPool(origin);
    const chunks = new Readable({ read() {} });
    chunks.push('abc');
    const sent = send(pool, { method: 'POST', headers: ['Content-Length', length], body: chunks });
    await vi.waitFor(() => expect(connections[0]?.text).toContain('abc'));
    chunks.push(rest);
    chunks.push(null);
    expect((await sent.over).error?.code).toBe('REQUEST_BODY_LENGTH');
    await vi.waitFor(() => expect(connections[0]?.socket.destroyed).toBe(true));
    expect(connections[0]?.text.split('\r\n\r\n')[1]?.length).toBeLessThan(Number(length));
    expect(pool.stats.connected).toBe(0);
  });

  it.each([
    ['shorter', '10'],
    ['longer', '2'],
  ])('that is seen to be %s than its length in the turn of its head sends nothing', async (_name, length) => {
    const { origin, connections } = await startBackend(() => {});
    const sent = send(startPool(origin), { method: 'POST', headers: ['Content-Length', length], body: body('abc') });
    expect((await sent.over).error?.code).toBe('REQUEST_BODY_LENGTH');
    await vi.waitFor(() => expect(connections[0]?.socket.destroyed).toBe(true));
    expect(connections[0]?.text).toBe('');
  });

  it.each([
    ['fails', new Error('unreadable')],
    ['is destroyed', undefined],
  ])('that %s fails its request', async (_name, reason) => {
    const { origin, connections } = await startBackend(() => {});
    const pool = startPool(origin);
    const broken = new Readable({ read() {} });
    broken.push('abc');
    const sent = send(pool, { method: 'POST', body: broken });
    await vi.waitFor(() => expect(connections[0]?.text).toContain('abc'));
    broken.destroy(reason);
    expect((await sent.over).error?.message).toBe(reason?.message ?? 'the body ended before its end');
    await vi.waitFor(() => expect(connections[0]?.socket.destroyed).toBe(true));
    expect(connections[0]?.text).not.toContain('0\r\n\r\n');
    const over = send(pool, { method: 'POST', body: broken });
    expect((await over.over).error).toBeDefined();
  });

  it('is stopped, with its connection, when the response comes first', async () => {
    const { origin, connections } = await startBackend(({ socket }) => socket.write(rawResponse('too much')));
    const pool = startPool(origin);
    // An error while it is destroyed is ignored.
    const endless = new Readable({ read() {}, destroy: (_error, done) => done(new Error('not to be closed')) });
    endless.push('abc');
    const sent = send(pool, { method: 'POST', body: endless });
    expect(await sent.over).toMatchObject({ body: 'too much', error: undefined });
    expect(endless.destroyed).toBe(true);
    expect((await send(pool).over).body).toBe('too much');
    expect(connections).toHaveLength(2);
  });

  it('is not destroyed if no connection could be opened', async () => {
    const { origin } = await startBackend(() => {});
    endAll();
    const kept = body('abc');
    expect((await send(startPool(origin), { method: 'POST', body: kept }).over).error?.code).toBe('ECONNREFUSED');
    expect(kept.destroyed).toBe(false);
  });

  it('is read no faster than the server accepts it, and times out when that stops', async () => {
    const { origin, connections } = await startBackend(({ socket }) => socket.pause());
    let made = 0;
    const flood = new Readable({
      read() {
        made += 65_536;
        this.push(Buffer.alloc(65_536));
      },
    });
    const sent = send(startPool(origin, { responseMs: 300 }), { method: 'POST', body: flood });
    expect((await sent.over).error?.code).toBe('RESPONSE_TIMEOUT');
    expect(connections).toHaveLength(1);
    expect(made).toBeLessThan(30_000_000);
    expect(flood.destroyed).toBe(true);
  });

  it('continues when the server reads again', async () => {
    const size = 20_000_000;
    let received = 0;
    const { origin } = await startBackend(({ socket }) => {
      socket.removeAllListeners('data');
      socket.pause();
      setTimeout(() => {
        socket.on('data', (chunk: Buffer) => {
          received += chunk.length;
          if (received >= size) socket.write(rawResponse('x'));
        });
        socket.resume();
      }, 50);
    });
    const chunks = Array.from({ length: 20 }, () => Buffer.alloc(size / 20));
    // What came with the head is not counted.
    const sent = send(startPool(origin), {
      method: 'POST',
      headers: ['Content-Length', String(size + 1_000_000)],
      body: Readable.from([...chunks, Buffer.alloc(1_000_000)], { objectMode: false }),
    });
    expect(await sent.over).toMatchObject({ body: 'x', error: undefined });
  });

  it('may take any time while the server reads', async () => {
    const size = 40_000_000;
    let received = 0;
    const { origin, connections } = await startBackend(({ socket }) => {
      socket.removeAllListeners('data');
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        // A piece every few milliseconds, and the rest at once.
        if (received < size / 2) setTimeout(() => socket.resume(), 4);
        else if (received > size * 0.99) socket.write(rawResponse('x'));
        if (received < size / 2) socket.pause();
      });
    });
    const body = Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(size / 40)));
    const began = performance.now();
    const sent = send(startPool(origin, { responseMs: 500 }), { method: 'PUT', body });
    await sent.over;
    expect(sent).toMatchObject({ body: 'x', error: undefined });
    expect(performance.now() - began).toBeGreaterThan(1_000);
    expect(connections).toHaveLength(1);
  });

  it('that is slow leaves the response its whole timeout', async () => {
    const { origin } = await startBackend(({ socket, text }) => {
      if (text.endsWith('0\r\n\r\n')) setTimeout(() => socket.write(rawResponse('x')), 1_000);
    });
    const slow = new Readable({ read() {} });
    slow.push('abc');
    const sent = send(startPool(origin, { responseMs: 1_500 }), { method: 'POST', body: slow });
    await sleep(1_000);
    slow.push(null);
    expect(await sent.over).toMatchObject({ body: 'x', error: undefined });
  });

  it('that arrives slowly does not time out the server', async () => {
    const { origin } = await startReader('0\r\n\r\n');
    const slow = new Readable({ read() {} });
    const sent = send(startPool(origin, { responseMs: 500 }), { method: 'POST', body: slow });
    await sleep(1_200);
    slow.push('abc');
    slow.push(null);
    expect((await sent.over).body).toBe('x');
  });
});
