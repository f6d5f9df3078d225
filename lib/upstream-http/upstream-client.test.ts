import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UpstreamClient } from '#lib/upstream-http/upstream-client';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

type Handler = (incoming: IncomingMessage, outgoing: ServerResponse) => unknown;

async function start(handler: Handler) {
  const connections: Server[] = [];
  const server = createServer(handler);
  server.on('connection', () => connections.push(server));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`;
  const client = new UpstreamClient({ url, headers: { 'x-one': 'a' }, connectTimeoutMs: 1_000 });
  cleanups.push(() => {
    void client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, connections };
}

const never = new AbortController().signal;

/** Streams a response; returns its status and its text. */
async function stream(client: UpstreamClient, signal = never, onText: (text: string) => boolean = () => false) {
  let status = 0;
  let text = '';
  await client.stream(
    { method: 'POST', path: '/x', body: { text: 'größer' }, signal },
    {
      onHead: (found) => {
        status = found;
      },
      onBytes: (chunk) => {
        text += chunk.toString();
        return onText(text);
      },
    },
  );
  return { status, text };
}

describe('an upstream client', () => {
  it('sends the headers of the client and of the request, and JSON in UTF-8 with its length', async () => {
    const { client } = await start(async (incoming, outgoing) => {
      const body = (await incoming.toArray()).join('');
      const { method, url, headers } = incoming;
      outgoing.end(JSON.stringify({ method, url, one: headers['x-one'], two: headers['x-two'], body, headers }));
    });
    const request = { method: 'POST', path: '/y', headers: { 'x-two': 'b' }, body: { a: 'größer' } } as const;
    const { statusCode, body } = await client.request({ ...request, signal: never });
    expect(statusCode).toBe(200);
    expect(JSON.parse((await body.toArray()).join(''))).toMatchObject({
      ...{ method: 'POST', url: '/base/y', one: 'a', two: 'b', body: '{"a":"größer"}' },
      headers: { 'content-length': String(Buffer.byteLength('{"a":"größer"}')) },
    });
  });

  it('streams one response after another over one connection, decoded, in chunks of any size', async () => {
    const long = 'x'.repeat(300_000);
    const bodies = ['short', long, gzipSync(long), ''];
    const { client, connections } = await start((_incoming, outgoing) => {
      const body = bodies.shift() ?? '';
      if (typeof body !== 'string') outgoing.setHeader('content-encoding', 'gzip');
      outgoing.writeHead(201, { trailer: 'x-end' });
      outgoing.write(body);
      outgoing.addTrailers({ 'x-end': '1' });
      outgoing.end();
    });
    for (const expected of ['short', long, long, ''])
      expect(await stream(client)).toEqual({ status: 201, text: expected });
    expect([connections.length, client.connections]).toEqual([1, 1]);
  });

  it('reads the rest of a complete response, and reuses its connection', async () => {
    const { client, connections } = await start((_incoming, outgoing) => {
      outgoing.write('done');
      setImmediate(() => outgoing.end(' and more'));
    });
    for (let count = 0; count < 5; count++) {
      const { text } = await stream(client, never, () => true);
      expect(text).toBe('done');
    }
    expect(connections).toHaveLength(1);
  });

  it('ends a request upstream on an abort, and throws its reason', async () => {
    const left = vi.fn();
    const { client } = await start((_incoming, outgoing) => {
      outgoing.once('close', left);
      outgoing.write('a');
    });
    const abort = new AbortController();
    const reason = new Error('enough');
    const streamed = stream(client, abort.signal, () => {
      abort.abort(reason);
      return false;
    });
    await expect(streamed).rejects.toBe(reason);
    await vi.waitFor(() => expect(left).toHaveBeenCalled());
    await expect(stream(client, abort.signal)).rejects.toBe(reason);
    await vi.waitFor(() => expect(client.connections).toBe(0));
  });

  it('ends a request that still waits for its connection', async () => {
    const served = vi.fn();
    const { client } = await start(served);
    const abort = new AbortController();
    const streamed = stream(client, abort.signal);
    const requested = client.request({ method: 'GET', path: '/', signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(streamed).rejects.toThrow('enough');
    await expect(requested).rejects.toThrow('enough');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(served).not.toHaveBeenCalled();
  });

  it('ends a stream whose consumer throws', async () => {
    const { client } = await start((_incoming, outgoing) => outgoing.write('a'));
    const fail = () => {
      throw new Error('not understood');
    };
    await expect(stream(client, never, fail)).rejects.toThrow('not understood');
    await vi.waitFor(() => expect(client.connections).toBe(0));
  });

  it('fails a response that breaks off', async () => {
    const { client } = await start((incoming, outgoing) => {
      outgoing.write('a');
      setImmediate(() => incoming.socket.destroy());
    });
    await expect(stream(client)).rejects.toMatchObject({ code: 'RESPONSE_CUT_SHORT' });
    const { body } = await client.request({ method: 'GET', path: '/', signal: never });
    await expect(body.toArray()).rejects.toMatchObject({ code: 'RESPONSE_CUT_SHORT' });
  });

  it('reads a body no faster than its reader, and closes the connection of one that is left', async () => {
    let sent = 0;
    const { client } = await start((_incoming, outgoing) => {
      const send = () => {
        while (!outgoing.destroyed && outgoing.write(Buffer.alloc(65_536))) sent += 65_536;
        outgoing.once('drain', send);
      };
      send();
    });
    const { body } = await client.request({ method: 'GET', path: '/', signal: never });
    await new Promise((resolve) => body.once('readable', resolve));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    body.destroy();
    await vi.waitFor(() => expect(client.connections).toBe(0));
  });

  it('destroys the body of a request that is aborted after its head', async () => {
    const { client } = await start((_incoming, outgoing) => outgoing.write('a'));
    const abort = new AbortController();
    const { body } = await client.request({ method: 'GET', path: '/', signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(body.toArray()).rejects.toThrow('enough');
    await vi.waitFor(() => expect(client.connections).toBe(0));
  });
});
