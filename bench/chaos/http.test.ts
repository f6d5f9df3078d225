import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { asRefused, codeOf, eventsOf, exchange, openStream, Refused } from './http.ts';

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((closed) => server?.close(closed) ?? closed(undefined));
});

async function serve(respond: (response: ServerResponse) => void): Promise<string> {
  server = createServer((_request, response) => respond(response));
  await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('exchange', () => {
  it('reads a reply', async () => {
    const url = await serve((response) => response.writeHead(202).end('{"request_id":"a"}'));
    expect(await exchange(url)).toMatchObject({ status: 202, body: { request_id: 'a' } });
  });

  it('rejects with the code of an error, and the time after which to come again', async () => {
    const body = JSON.stringify({ error: 'Later.', code: 'queue_full', data: { reason: 'elsewhere' } });
    const url = await serve((response) => response.writeHead(503, { 'retry-after': '2' }).end(body));
    await expect(exchange(url)).rejects.toMatchObject({ code: 'queue_full', status: 503, retryAfterMs: 2_000 });
  });

  it('rejects with the status of an error that has no body', async () => {
    const url = await serve((response) => response.writeHead(503).end());
    await expect(exchange(url)).rejects.toMatchObject({ code: 'no code', status: 503, retryAfterMs: undefined });
  });

  it('rejects with a lost connection where the body is not whole', async () => {
    const url = await serve((response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"request_id":');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(exchange(url)).rejects.toMatchObject({ code: 'connection_lost', status: undefined });
  });

  it('rejects with a lost connection where no server listens', async () => {
    await expect(exchange('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'connection_lost' });
  });

  it('takes a reply without JSON for a fault', async () => {
    const url = await serve((response) => response.end('<html>'));
    await expect(exchange(url)).rejects.toMatchObject({ code: 'unexpected', status: 200 });
  });
});

describe('eventsOf', () => {
  it('reads events with and without ids, wherever their bytes are cut', async () => {
    const url = await serve((response) => {
      const text =
        ': hello\n\nevent: status\ndata: {"status":"queued"}\n\nid: 1\nevent: content\ndata: {"content":"a "}\n\n';
      response.write(text.slice(0, 50));
      setTimeout(() => response.end(text.slice(50)), 20);
    });
    const events = [];
    for await (const event of eventsOf(await openStream(url))) events.push(event);
    expect(events).toEqual([
      { id: undefined, type: 'status', data: {} },
      { id: '1', type: 'content', data: { content: 'a ' } },
    ]);
  });

  it('gives what came before it rejects with a lost connection', async () => {
    const url = await serve((response) => {
      response.write('id: 1\nevent: content\ndata: {"content":"a "}\n\n');
      setTimeout(() => response.destroy(), 20);
    });
    const events: string[] = [];
    const reading = (async () => {
      for await (const { id } of eventsOf(await openStream(url))) events.push(id ?? '');
    })();
    await expect(reading).rejects.toMatchObject({ code: 'connection_lost' });
    expect(events).toEqual(['1']);
  });

  it('takes an event without JSON for a fault', async () => {
    const url = await serve((response) => response.end('data: hello\n\n'));
    const reading = (async () => {
      for await (const _ of eventsOf(await openStream(url)));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'unexpected' });
  });
});

it('names the reason of a queue that is really full', () => {
  expect(codeOf({ error: 'Full.', code: 'queue_full', data: { reason: 'requests' } })).toBe('queue_full (requests)');
  expect(codeOf({ error: 'Elsewhere.', code: 'queue_full', data: { reason: 'elsewhere' } })).toBe('queue_full');
  expect(codeOf('hello')).toBe('no code');
});

it('takes errors of sockets for lost connections, and no other error', () => {
  expect(asRefused(Object.assign(new Error('reset'), { code: 'ECONNRESET' })).code).toBe('connection_lost');
  expect(asRefused(new TypeError('x is undefined')).code).toBe('unexpected');
  const refused = new Refused('worker_lost', '');
  expect(asRefused(refused)).toBe(refused);
});
