import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { ServerRequest } from '#lib/gateway/server-request';
import { NodeRequest } from '#lib/server/node-request';
import { refuseInvalidHttp } from '#lib/server/raw-responses';

/** A body above its time limit, with Node's own check of it. */

const LIMIT_MS = 200;
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function start(read: (request: NodeRequest) => Promise<Uint8Array>): Promise<number> {
  server = createServer(
    {
      IncomingMessage: ServerRequest,
      requestTimeout: LIMIT_MS,
      headersTimeout: LIMIT_MS,
      connectionsCheckingInterval: 20,
    },
    async (incoming, outgoing) => {
      const bytes = await read(new NodeRequest(incoming, outgoing)).catch(() => new Uint8Array());
      outgoing.end(String(bytes.byteLength));
    },
  );
  server.on('clientError', refuseInvalidHttp);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Sends half of a body, waits for several limits, and sends the rest. */
async function sendSlowly(port: number): Promise<[status: number | undefined, text: string]> {
  const sent = request({ port, host: '127.0.0.1', method: 'POST', headers: { 'content-length': 10 } });
  sent.on('error', () => {});
  const responded: Promise<[IncomingMessage]> = once(sent, 'response') as Promise<[IncomingMessage]>;
  sent.write('12345');
  await new Promise((resolve) => setTimeout(resolve, 4 * LIMIT_MS));
  sent.end('67890');
  const [response] = await responded;
  return [response.statusCode, (await buffer(response)).toString()];
}

describe('a body that is slower than the time limit', () => {
  it('is refused with 408 where it is read as a whole', async () => {
    const port = await start((incoming) => incoming.bytes(100));
    expect((await sendSlowly(port))[0]).toBe(408);
  });

  it('arrives completely where it is read while it arrives', async () => {
    const port = await start(async (incoming) => await buffer(incoming.stream(100).content));
    expect(await sendSlowly(port)).toEqual([200, '10']);
  });
});

describe('a streamed body', () => {
  it('is refused by its length before it is read, and has none where it is chunked', async () => {
    const declared: unknown[] = [];
    const port = await start(async (incoming) => {
      const { content, declaredBytes } = incoming.stream(7);
      declared.push(declaredBytes);
      return await buffer(content);
    });
    const send = async (headers: Record<string, string | number>) => {
      const sent = request({ port, host: '127.0.0.1', method: 'POST', headers });
      sent.on('error', () => {});
      const responded = once(sent, 'response');
      sent.end('12345');
      const [response] = await responded;
      return (await buffer(response)).toString();
    };
    expect(await send({ 'content-length': 5 })).toBe('5');
    expect(await send({ 'transfer-encoding': 'chunked' })).toBe('5');
    expect(declared).toEqual([5, undefined]);
    expect(await send({ 'content-length': 8 })).toBe('0');
    expect(declared).toHaveLength(2);
  });
});
