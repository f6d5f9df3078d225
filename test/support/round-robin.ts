import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream';

export interface RoundRobinFront {
  readonly url: string;
  /** Requests that went to each target, in their order. */
  readonly counts: readonly number[];
  close(): Promise<void>;
}

/** They are of one connection, and not passed on. RFC 9110, section 7.6.1. */
const HOP_BY_HOP = /^(?:connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/i;

/**
 * A front that gives each request, also of one connection, to the next of its `targets`
 * (`http://host:port`): none of them sees what a client does next. It passes heads and bodies on as
 * they come, and adds nothing; what ends on one side ends on the other. It tries no other target.
 */
export async function startRoundRobin(targets: readonly string[], port = 0): Promise<RoundRobinFront> {
  const addresses = targets.map((target) => new URL(target));
  const counts = targets.map(() => 0);
  const sockets = new Set<Socket>();
  let turn = 0;
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const index = turn++ % addresses.length;
    const address = addresses[index];
    if (address === undefined) throw new Error('there is no target');
    counts[index] = (counts[index] ?? 0) + 1;
    passOn(incoming, outgoing, address);
  };
  // A target has its own limits of time.
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 60_000 }, forward);
  server.on('checkContinue', forward);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((listening, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', listening);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${actual}`,
    counts,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Each request has a connection for itself: none is closed by a target at the wrong moment. */
const agent = new Agent({ keepAlive: false });

function passOn(incoming: IncomingMessage, outgoing: ServerResponse, { hostname, port }: URL): void {
  const { method, url: path, rawHeaders } = incoming;
  const isChunked = incoming.headers['transfer-encoding'] !== undefined;
  const headers = [...passedOn(rawHeaders), 'Connection', 'keep-alive'];
  if (isChunked) headers.push('Transfer-Encoding', 'chunked');
  const upstream = request({ agent, host: hostname, port, method, path, headers, setHost: false });
  // A body without a length and without chunks is empty.
  upstream.useChunkedEncodingByDefault = isChunked;
  upstream.on('continue', () => outgoing.writeContinue());
  upstream.on('response', (response) => {
    const head = passedOn(response.rawHeaders);
    if (/close/i.test(response.headers.connection ?? '')) head.push('Connection', 'close');
    outgoing.sendDate = false;
    outgoing.writeHead(response.statusCode ?? 502, response.statusMessage, head);
    outgoing.flushHeaders();
    pipeline(response, outgoing, (error) => {
      // A cut response is cut here too, and one that is complete ends a body that still comes.
      if (error !== undefined) outgoing.destroy();
      if (!incoming.complete) upstream.destroy();
    });
  });
  upstream.on('error', (error) => {
    // After a response the target may close while the rest of a body comes.
    if (outgoing.headersSent) return;
    outgoing.writeHead(502, { 'content-type': 'text/plain' }).end(`the front: ${error.message}`);
  });
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) upstream.destroy();
  });
  // The head is there before the body, which may not come at all.
  upstream.flushHeaders();
  incoming.pipe(upstream);
}

/** Names and values in turn, without those of the connection. */
function passedOn(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [name = '', value = ''] = raw.slice(index, index + 2);
    if (!HOP_BY_HOP.test(name)) kept.push(name, value);
  }
  return kept;
}
