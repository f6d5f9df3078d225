import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  endAll,
  ResponseRecorder,
  rawResponse,
  send,
  startBackend,
  startPool,
} from '../../test/support/http-client.ts';

afterEach(endAll);

describe('connections', () => {
  it('are opened up to the pool size, and serve one request at a time, first come first served', async () => {
    const { origin, connections } = await startBackend(() => {});
    const pool = startPool(origin, { size: 2 });
    const sent = ['/a', '/b', '/c', '/d'].map((path) => send(pool, { path }));
    await vi.waitFor(() => expect(connections.map(({ count }) => count)).toEqual([1, 1]));
    expect(pool.stats).toEqual({ running: 2, connected: 2 });
    connections[1]?.socket.write(rawResponse('1'));
    await vi.waitFor(() => expect(connections[1]?.text).toContain('GET /c '));
    connections[0]?.socket.write(rawResponse('2'));
    await vi.waitFor(() => expect(connections[0]?.text).toContain('GET /d '));
    for (const { socket } of connections) socket.write(rawResponse('3'));
    expect((await Promise.all(sent.map(({ over }) => over))).map(({ body }) => body).sort()).toEqual([
      '1',
      '2',
      '3',
      '3',
    ]);
    expect(connections.map(({ count }) => count)).toEqual([2, 2]);
    expect(pool.stats).toEqual({ running: 0, connected: 2 });
  });

  it('are reused last in, first out', async () => {
    const { origin, connections } = await startBackend(({ socket }) => socket.write(rawResponse('x')));
    const pool = startPool(origin, { size: 5 });
    const first = [send(pool), send(pool)];
    await Promise.all(first.map(({ over }) => over));
    for (let count = 0; count < 3; count++) await send(pool).over;
    expect(connections.map(({ count }) => count).sort()).toEqual([1, 4]);
  });

  it('close when they are idle for too long, and before the server closes them', async () => {
    const { origin, connections } = await startBackend(({ socket, count }) =>
      socket.write(rawResponse('x', count === 1 ? 'Keep-Alive: timeout=60' : 'Keep-Alive: timeout=1')),
    );
    const pool = startPool(origin, { keepAliveMs: 100 });
    await send(pool).over;
    expect(pool.stats.connected).toBe(1);
    await vi.waitFor(() => expect(pool.stats.connected).toBe(0));
    await send(pool).over;
    await send(pool).over;
    expect(pool.stats.connected).toBe(0);
    expect(connections).toHaveLength(2);
  });

  it('that cannot be opened fail every waiting request', async () => {
    const { origin, connections } = await startBackend(() => {});
    endAll();
    const pool = startPool(origin, { size: 1 });
    const sent = await Promise.all([send(pool).over, send(pool).over, send(pool).over]);
    for (const { error, calls } of sent) expect([error?.code, calls]).toEqual(['ECONNREFUSED', ['error']]);
    expect(connections).toHaveLength(0);
  });

  it('time out while connecting, handshake included', async () => {
    const { origin } = await startBackend(() => {});
    const pool = startPool(new URL(`https://${origin.host}`), { connectMs: 100 });
    const { error, calls } = await send(pool).over;
    expect([error?.code, calls]).toEqual(['CONNECT_TIMEOUT', ['error']]);
    expect(pool.stats).toEqual({ running: 0, connected: 0 });
  });

  it.each([
    ['asks to close', rawResponse('x', 'Connection: close')],
    ['speaks HTTP/1.0', rawResponse('x').replace('1.1', '1.0')],
    ['sends more than one response', `${rawResponse('x')}${rawResponse('evil')}`],
  ])('are not reused if the server %s', async (_name, bytes) => {
    const { origin, connections } = await startBackend(({ socket }) => socket.write(bytes));
    const pool = startPool(origin);
    for (let count = 0; count < 3; count++) expect((await send(pool).over).body).toBe('x');
    expect(connections.map(({ count }) => count)).toEqual([1, 1, 1]);
  });

  it('close when bytes or an end arrive without a request', async () => {
    const { origin, connections } = await startBackend(({ socket }) => socket.write(rawResponse('x')));
    const pool = startPool(origin);
    for (const end of [() => connections[0]?.socket.write(rawResponse('evil')), () => connections[1]?.socket.end()]) {
      expect((await send(pool).over).body).toBe('x');
      end();
      await vi.waitFor(() => expect(pool.stats.connected).toBe(0));
    }
    expect((await send(pool).over).body).toBe('x');
    expect(connections).toHaveLength(3);
  });

  it('close with the pool, which fails running and waiting requests', async () => {
    const { origin, connections } = await startBackend(() => {});
    const pool = startPool(origin);
    const sent = [send(pool), send(pool)];
    await vi.waitFor(() => expect(connections[0]?.count).toBe(1));
    pool.close();
    for (const { over } of sent) expect((await over).error?.code).toBe('POOL_CLOSED');
    expect((await send(pool).over).error?.code).toBe('POOL_CLOSED');
    await vi.waitFor(() => expect(connections[0]?.socket.destroyed).toBe(true));
    expect(connections).toHaveLength(1);
  });

  it('support IPv6', async () => {
    const { origin } = await startBackend(({ socket }) => socket.write(rawResponse('six')), { host: '::1' });
    expect(origin.hostname).toBe('[::1]');
    expect((await send(startPool(origin)).over).body).toBe('six');
  });
});

describe('a request', () => {
  it('is sent in one write, with the host of the server and unchanged headers', async () => {
    const pieces: string[] = [];
    const { origin } = await startBackend(({ socket, text }) => {
      pieces.push(text);
      socket.write(rawResponse('x'));
    });
    await send(startPool(origin), { method: 'DELETE', path: '/a?b', headers: ['X-A', 'b', 'x-a', '\xfc'] }).over;
    expect(pieces).toEqual([
      `DELETE /a?b HTTP/1.1\r\nhost: ${origin.host}\r\nconnection: keep-alive\r\nX-A: b\r\nx-a: \xfc\r\n\r\n`,
    ]);
  });

  it('that is invalid HTTP is never sent', async () => {
    const { origin, connections } = await startBackend(() => {});
    const { error, calls } = await send(startPool(origin), { headers: ['X-A', 'a\r\nX-B: b'] }).over;
    expect([error?.code, calls]).toEqual(['REQUEST_REFUSED', ['error']]);
    expect(connections).toHaveLength(0);
  });

  it('that is aborted before its turn is not sent and uses no connection', async () => {
    const { origin, connections } = await startBackend(({ socket }) => socket.write(rawResponse('x')));
    const pool = startPool(origin);
    const unwanted = () => {
      const recorder = new ResponseRecorder();
      recorder.onStart = (controller) => controller.abort(new Error('aborted'));
      return recorder;
    };
    const sent = [send(pool), send(pool, { path: '/unwanted' }, unwanted()), send(pool)];
    expect((await Promise.all(sent.map(({ over }) => over))).map(({ body }) => body)).toEqual(['x', '', 'x']);
    expect((await send(pool, { path: '/unwanted' }, unwanted()).over).error?.message).toBe('aborted');
    await send(pool).over;
    expect(connections).toMatchObject([{ count: 3 }]);
    expect(connections[0]?.text).not.toContain('unwanted');
  });

  it('that is aborted closes its connection, and the next one gets another', async () => {
    const { origin, connections } = await startBackend(({ socket, place }) => {
      if (place === 1) socket.write(rawResponse('x'));
    });
    const pool = startPool(origin);
    const [first, second] = [send(pool), send(pool)];
    await vi.waitFor(() => expect(connections[0]?.count).toBe(1));
    first.controller?.abort(new Error('aborted'));
    expect((await first.over).error?.message).toBe('aborted');
    expect((await second.over).body).toBe('x');
    await vi.waitFor(() => expect(connections[0]?.socket.destroyed).toBe(true));
  });

  it('that is over no longer controls its connection', async () => {
    const { origin } = await startBackend(({ socket, count }) => {
      if (count === 1) socket.write(rawResponse('x'));
      else setTimeout(() => socket.write(rawResponse('y')), 50);
    });
    const pool = startPool(origin);
    const first = await send(pool).over;
    const second = send(pool);
    first.controller?.pause();
    first.controller?.abort(new Error('late'));
    first.controller?.resume();
    expect(await second.over).toMatchObject({ body: 'y', error: undefined });
    expect(first.calls).toEqual(['request', '200', 'data', 'end']);
  });

  it('whose handler throws fails with that error', async () => {
    const { origin } = await startBackend(({ socket }) => socket.write(rawResponse('x')));
    const pool = startPool(origin);
    const recorder = new ResponseRecorder();
    recorder.onResponse = () => {
      throw new Error('cannot be sent');
    };
    expect((await send(pool, {}, recorder).over).error?.message).toBe('cannot be sent');
    expect(recorder.calls).toEqual(['request', '200', 'error']);
    expect(pool.stats.connected).toBe(0);
  });

  it('receives the events of its response in order', async () => {
    const { origin } = await startBackend(({ socket }) =>
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nX-Sum: 2\r\n\r\n',
      ),
    );
    const recorder = await send(startPool(origin)).over;
    expect(recorder.calls).toEqual(['request', '103', '200', 'data', 'end']);
    expect(recorder).toMatchObject({ body: 'ab', trailers: ['X-Sum', '2'] });
  });
});

describe('a response', () => {
  it.each([
    ['before it, ends as a closed connection', '', 'CLOSED_BY_PEER'],
    ['in its head, is cut short', 'HTTP/1.1 200 OK\r\nContent-Le', 'RESPONSE_CUT_SHORT'],
    ['in its body, is cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc', 'RESPONSE_CUT_SHORT'],
  ])('whose kept connection ends %s', async (_name, bytes, code) => {
    const { origin } = await startBackend(({ socket, count }) => {
      if (count === 1) socket.write(rawResponse('x'));
      else socket.end(bytes);
    });
    const pool = startPool(origin);
    await send(pool).over;
    const { error, trailers } = await send(pool).over;
    expect([error?.code, trailers]).toEqual([code, undefined]);
  });

  it.each([
    ['before it, is a reset', '', 'ECONNRESET'],
    ['within it, is cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc', 'RESPONSE_CUT_SHORT'],
  ])('whose connection is reset %s', async (_name, bytes, code) => {
    const { origin } = await startBackend(({ socket }) => {
      if (bytes === '') socket.resetAndDestroy();
      else socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 30));
    });
    expect((await send(startPool(origin)).over).error?.code).toBe(code);
  });

  it('without a length ends with its connection', async () => {
    const { origin, connections } = await startBackend(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nabc');
      setTimeout(() => socket.end('def'), 20);
    });
    const pool = startPool(origin);
    for (let count = 0; count < 2; count++)
      expect(await send(pool).over).toMatchObject({ body: 'abcdef', trailers: [], error: undefined });
    expect(connections).toHaveLength(2);
  });

  it('that is late times out, even if its head trickles', async () => {
    const { origin, connections } = await startBackend(({ socket, count }) => {
      socket.write(rawResponse('x').slice(0, count === 1 ? undefined : 1));
      let place = 1;
      const timer = setInterval(() => count > 1 && socket.write(rawResponse('x').charAt(place++)), 20);
      socket.on('close', () => clearInterval(timer));
    });
    const pool = startPool(origin, { responseMs: 600 });
    expect((await send(pool).over).body).toBe('x');
    const { error, calls } = await send(pool).over;
    expect([error?.code, calls]).toEqual(['RESPONSE_TIMEOUT', ['request', 'error']]);
    expect(connections).toHaveLength(1);
  });

  it('may take any time, but times out when it stalls', async () => {
    const { origin } = await startBackend(async ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
      for (let count = 0; count < 5; count++) {
        await sleep(250);
        socket.write('x');
      }
    });
    const { error, body } = await send(startPool(origin, { responseMs: 1_000 })).over;
    expect([error?.code, body]).toEqual(['BODY_TIMEOUT', 'xxxxx']);
  });

  it('is not read and does not time out while it is paused', async () => {
    const size = 50_000_000;
    const { origin, connections } = await startBackend(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size));
    });
    const recorder = new ResponseRecorder();
    recorder.onData = () => {
      if (recorder.bodyBytes < 500_000) recorder.controller?.pause();
    };
    send(startPool(origin, { responseMs: 500 }), {}, recorder);
    await vi.waitFor(() => expect(recorder.bodyBytes).toBeGreaterThan(0));
    await sleep(1_200);
    expect(recorder.bodyBytes).toBeLessThan(500_000);
    expect(connections[0]?.socket.writableLength).toBeGreaterThan(size / 2);
    const timer = setInterval(() => recorder.controller?.resume(), 5);
    expect(await recorder.over).toMatchObject({ bodyBytes: size, error: undefined });
    clearInterval(timer);
  });

  it('that ends while it is paused leaves a reusable connection', async () => {
    const { origin, connections } = await startBackend(({ socket }) => socket.write(rawResponse('x')));
    const pool = startPool(origin);
    for (let count = 0; count < 3; count++) {
      const recorder = new ResponseRecorder();
      recorder.onResponse = () => recorder.controller?.pause();
      expect((await send(pool, {}, recorder).over).body).toBe('x');
    }
    expect(connections).toHaveLength(1);
  });
});
