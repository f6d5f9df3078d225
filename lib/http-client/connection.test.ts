import { type OnReadOpts, Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { HttpConnection } from '#lib/http-client/connection';
import { ConnectionShares } from '#lib/http-client/connection-shares';
import { Connector } from '#lib/http-client/connector';
import { PooledRequest } from '#lib/http-client/pooled-request';
import type { BufferLease } from '#lib/http-client/read-buffer';
import { ResponseRecorder } from '../../test/support/http-client.ts';

/** A connection without a server. `read` feeds it bytes; `into` is the buffer of its next read. */
function startConnection(sharesReadBuffer = false) {
  const connector = new Connector(new URL('http://127.0.0.1:1'));
  const socket = new Socket();
  let onread: OnReadOpts | undefined;
  let ready = () => {};
  vi.spyOn(connector, 'connect').mockImplementation((onReady, options) => {
    ready = onReady;
    onread = options;
    return socket;
  });
  const timeouts = { connectMs: 5_000, responseMs: 5_000, keepAliveMs: 5_000, sharesReadBuffer };
  const connection = new HttpConnection(connector, timeouts, { onIdle: () => {}, onClosed: () => {} });
  const next = () => (typeof onread?.buffer === 'function' ? onread.buffer() : (onread?.buffer ?? new Uint8Array()));
  let into = next();
  ready();
  return {
    connection,
    into: () => into,
    read: (bytes: Buffer) => {
      into.set(bytes);
      onread?.callback(bytes.length, into);
      into = next();
    },
  };
}

class RetainingRecorder extends ResponseRecorder {
  readonly chunks: Buffer[] = [];
  readonly releases: (() => void)[] = [];

  override onResponseData(chunk: Buffer, lease?: BufferLease): void {
    super.onResponseData(chunk);
    const release = lease?.retain();
    if (release === undefined) return;
    this.chunks.push(chunk);
    this.releases.push(release);
  }
}

function get(): [PooledRequest, RetainingRecorder] {
  const holder = new RetainingRecorder();
  const head = { text: 'GET / HTTP/1.1\r\n\r\n', bodyLength: 0 };
  const shares = new ConnectionShares<PooledRequest>(10);
  return [new PooledRequest({ method: 'GET', path: '/', headers: [], body: null }, head, holder, shares), holder];
}

const KB = 1024;

it('reads a large response into large buffers that are kept while retained, and idles with a standard one', () => {
  const { connection, into, read } = startConnection();
  const [request, holder] = get();
  request.start(connection);
  const sizes = [into().length / KB];
  read(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * KB + 3 * 256 * KB}\r\n\r\n`));
  for (const letter of ['a', 'b', 'c', 'd']) {
    read(Buffer.alloc(letter === 'a' ? 64 * KB : 256 * KB, letter));
    sizes.push(into().length / KB);
  }
  expect(holder.trailers).toEqual([]);
  expect(sizes).toEqual([64, 256, 256, 256, 64]);
  const [next, nextRecorder] = get();
  next.start(connection);
  read(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmall`));
  expect([nextRecorder.body, nextRecorder.chunks]).toEqual(['small', []]);
  expect(holder.chunks.map((chunk) => [chunk.length / KB, new Set(chunk.toString('latin1'))])).toEqual([
    [64, new Set('a')],
    [256, new Set('b')],
    [256, new Set('c')],
    [256, new Set('d')],
  ]);
  for (const release of holder.releases) release();
  connection.destroy(new Error('over'));
});

it('shares one read buffer with other connections if asked to, which cannot be retained', () => {
  const [first, second] = [startConnection(true), startConnection(true)];
  const [one, holder] = get();
  const [two, other] = get();
  one.start(first.connection);
  two.start(second.connection);
  const length = 64 * KB;
  for (const { read } of [first, second]) read(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`));
  expect(first.into()).toBe(second.into());
  first.read(Buffer.alloc(length, 'a'));
  second.read(Buffer.alloc(length, 'b'));
  expect([holder.chunks, other.chunks]).toEqual([[], []]);
  expect([new Set(holder.body), new Set(other.body)]).toEqual([new Set('a'), new Set('b')]);
});
