import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gateway } from '#lib/gateway/index';
import { RequestBody } from '#lib/gateway/request-body';
import { ServerRequest } from '#lib/gateway/server-request';
import { SlowClients } from '#lib/gateway/slow-clients';
import { KIB, MIB } from '#lib/units';
import {
  closeAll,
  openExchanges,
  sendRaw,
  startBackend,
  startEcho,
  startGateway,
  TOKEN,
} from '../support/gateway-backend.ts';

afterEach(closeAll);

const SIZES = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB, 10 * MIB];

function hashOf(...chunks: Buffer[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Responds with the request's body, framed by the path. `x-framing`: the request's framing. */
async function startMirror(): Promise<string> {
  const { url } = await startBackend(async (incoming, outgoing) => {
    const body = await readAll(incoming);
    const { 'content-length': length, 'transfer-encoding': coding } = incoming.headers;
    outgoing.setHeader('x-framing', length ?? coding ?? 'none');
    if (incoming.url === '/length') outgoing.setHeader('content-length', body.length);
    else outgoing.flushHeaders();
    outgoing.end(body);
  });
  return url;
}

describe('a body in both directions', () => {
  it.each(SIZES)(
    'of %i bytes arrives unchanged, with a length and in chunks, on one connection',
    async (size) => {
      const { port } = await startGateway(await startMirror(), { HF_TOKEN: TOKEN });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const body = randomBytes(size);
      try {
        for (const framing of ['length', 'chunked', 'length']) {
          const headers = framing === 'length' ? { 'content-length': size } : { 'transfer-encoding': 'chunked' };
          const sent = request({ port, host: '127.0.0.1', path: `/${framing}`, method: 'POST', headers, agent });
          sent.end(body);
          const [response] = (await once(sent, 'response')) as [IncomingMessage];
          expect(response.headers['x-framing']).toBe(framing === 'length' ? String(size) : 'chunked');
          expect(response.headers['content-length']).toBe(framing === 'length' ? String(size) : undefined);
          expect(hashOf(await readAll(response))).toBe(hashOf(body));
        }
      } finally {
        agent.destroy();
      }
      expect(gateway().stats().backends).toMatchObject([{ connections: 1, requests: 3, failures: 0 }]);
    },
    30_000,
  );
});

describe('request bodies', () => {
  it('of pipelined requests stay apart, whatever their framing', async () => {
    const { url, seen } = await startEcho();
    const { port } = await startGateway(url);
    const framed = [
      'Content-Length: 3\r\n\r\nabc',
      'Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n',
      'Content-Length: 0\r\n\r\n',
      'Content-Length: 2\r\nConnection: close\r\n\r\ngh',
    ];
    await sendRaw(port, framed.map((rest, place) => `POST /${place} HTTP/1.1\r\nHost: x\r\n${rest}`).join(''));
    expect(seen.map(({ url: path, body }) => [path, body]).toSorted()).toEqual([
      ['/0', 'abc'],
      ['/1', 'def'],
      ['/2', ''],
      ['/3', 'gh'],
    ]);
  });

  it('that arrive while their request waits for a connection are complete and in order', async () => {
    const { port } = await startGateway(await startMirror(), { GATEWAY_POOL_SIZE: '1' });
    const bodies = [MIB, 3, 100 * KIB, 0, 70_000].map((size) => randomBytes(size));
    const hashes = await Promise.all(
      bodies.map(async (body, place) => {
        const headers = place % 2 === 0 ? { 'content-length': body.length } : { 'transfer-encoding': 'chunked' };
        const sent = request({ port, host: '127.0.0.1', path: '/x', method: 'PUT', headers, agent: false });
        sent.end(body);
        const [response] = (await once(sent, 'response')) as [IncomingMessage];
        return hashOf(await readAll(response));
      }),
    );
    expect(hashes).toEqual(bodies.map((body) => hashOf(body)));
  });

  it('that a client breaks off are no failure of the backend', async () => {
    const { url } = await startBackend((incoming) => void incoming.on('error', () => {}).resume());
    const { port } = await startGateway(url);
    const sent = request({ port, host: '127.0.0.1', method: 'POST', headers: { 'content-length': MIB }, agent: false });
    sent.on('error', () => {});
    sent.write(randomBytes(KIB));
    await vi.waitFor(() => expect(openExchanges()).toBe(1));
    sent.destroy();
    await vi.waitFor(() => expect(openExchanges()).toBe(0));
    await vi.waitFor(() => expect(gateway().stats().backends).toMatchObject([{ connections: 0 }]));
    expect(gateway().stats().backends).toMatchObject([{ failures: 0 }]);
  });

  it('free their large chunks once sent, and no memory that is shared', () => {
    const events = { onFirstRead: () => {}, onStalled: () => {} };
    const body = new RequestBody(new ServerRequest(new Socket()), 1_000, new SlowClients(0), events);
    const own = Buffer.from(new ArrayBuffer(64 * KIB));
    body.release(own);
    expect(own.byteLength).toBe(0);
    const part = Buffer.from(new ArrayBuffer(128 * KIB), 0, 64 * KIB);
    const small = Buffer.from(new ArrayBuffer(KIB));
    body.release(part);
    body.release(small);
    expect([part.byteLength, small.byteLength]).toEqual([64 * KIB, KIB]);
  });
});
