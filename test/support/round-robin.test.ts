import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { type RoundRobinFront, startRoundRobin } from './round-robin.ts';

/** The front behind which the tests of one server run against several. */
const servers: Server[] = [];
let front: RoundRobinFront;

afterEach(async () => {
  await front.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Handler = (incoming: IncomingMessage, outgoing: ServerResponse) => unknown;

async function start(...handlers: Handler[]): Promise<void> {
  const targets = await Promise.all(
    handlers.map(async (handler) => {
      const server = createServer(handler).listen(0, '127.0.0.1');
      servers.push(server);
      await once(server, 'listening');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }),
  );
  front = await startRoundRobin(targets);
}

it('gives each request of one connection to the next server', async () => {
  await start(
    ...[0, 1, 2].map(
      (name): Handler =>
        (_, outgoing) =>
          outgoing.end(String(name)),
    ),
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async () => {
    const sent = request(front.url, { agent });
    sent.end();
    const [response] = await once(sent, 'response');
    const [chunk] = await response.toArray();
    return { text: String(chunk), socket: sent.socket };
  };
  const replies = [await ask(), await ask(), await ask(), await ask()];
  agent.destroy();
  expect(replies.map(({ text }) => text)).toEqual(['0', '1', '2', '0']);
  expect(new Set(replies.map(({ socket }) => socket)).size).toBe(1);
  expect(front.counts).toEqual([2, 1, 1]);
});

it('passes method, path, headers and both bodies on as they are', async () => {
  await start(async (incoming, outgoing) => {
    const body = (await incoming.setEncoding('utf8').toArray()).join('');
    const { method, url, headers } = incoming;
    outgoing.writeHead(418, 'I am a pot', ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Own', 'mine']);
    outgoing.end(JSON.stringify({ method, url, body, own: headers['x-own'], host: headers.host }));
  });
  const response = await fetch(`${front.url}/a/b?c=d`, {
    method: 'PUT',
    body: 'größer',
    headers: { 'x-own': 'yours' },
  });
  expect([response.status, response.statusText]).toEqual([418, 'I am a pot']);
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(response.headers.get('x-own')).toBe('mine');
  expect(await response.json()).toEqual({
    ...{ method: 'PUT', url: '/a/b?c=d', body: 'größer', own: 'yours', host: new URL(front.url).host },
  });
});

it('sends a stream on while it is written', async () => {
  const more = Promise.withResolvers<void>();
  await start(async (_, outgoing) => {
    outgoing.write('one');
    await more.promise;
    outgoing.end('two');
  });
  const reader = (await fetch(front.url)).body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe('one');
  more.resolve();
  expect((await reader?.read())?.value).toBe('two');
  expect((await reader?.read())?.done).toBe(true);
});

it('ends a request whose client leaves, before and after the head of its response', async () => {
  const ended: boolean[] = [];
  const handler: Handler = (incoming, outgoing) => {
    outgoing.once('close', () => ended.push(outgoing.writableFinished));
    if (incoming.url === '/begun') outgoing.write('x');
  };
  await start(handler);
  const leaving = new AbortController();
  const { signal } = leaving;
  const silent = fetch(`${front.url}/silent`, { signal });
  const begun = await fetch(`${front.url}/begun`, { signal });
  await vi.waitFor(() => expect(front.counts).toEqual([2]));
  leaving.abort();
  await expect(silent).rejects.toThrow();
  await expect(begun.text()).rejects.toThrow();
  await vi.waitFor(() => expect(ended).toEqual([false, false]));
});

it('cuts a response that the server cuts', async () => {
  await start((_, outgoing) => outgoing.write('half', () => outgoing.destroy()));
  const response = await fetch(front.url);
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

it('has the refusal of a body that has not come', async () => {
  await start((_, outgoing) => outgoing.writeHead(413, { connection: 'close' }).end('too large'));
  const sent = request(front.url, { method: 'POST', headers: { 'content-length': 9_000_000 } });
  sent.on('error', () => {}).flushHeaders();
  const [response] = await once(sent, 'response');
  expect([response.statusCode, response.headers.connection]).toEqual([413, 'close']);
  sent.destroy();
});

it('says that a server is not there', async () => {
  await start((_, outgoing) => outgoing.end());
  servers[0]?.close();
  servers[0]?.closeAllConnections();
  expect((await fetch(front.url)).status).toBe(502);
});
