import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that a scripted model server got. */
export interface Received {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Empty while the body arrives, if the handler reads it itself. */
  body: string;
  /** Resolves when the exchange is over; true if the response was sent completely. */
  readonly over: Promise<boolean>;
}

export interface ScriptedModelServer {
  readonly url: string;
  readonly received: Received[];
  /** The requests of one path, in order. */
  of(path: string): Received[];
  close(): Promise<void>;
}

/** Responds to one request. A handler with `readsBody` reads the body itself. */
export type ModelServerHandler = (
  request: Received,
  response: ServerResponse,
  incoming: IncomingMessage,
) => void | Promise<void>;

/**
 * A model server over a real socket that responds as `handlers` say, by path without its query:
 * for endpoints, shapes and moments that a real one does not produce on demand. Any other path is
 * 404. `streamed` are the paths whose handlers read the body themselves.
 */
export async function startScriptedModelServer(
  handlers: Readonly<Record<string, ModelServerHandler>>,
  streamed: readonly string[] = [],
): Promise<ScriptedModelServer> {
  const received: Received[] = [];
  const server = createServer(async (incoming, response) => {
    const path = incoming.url ?? '/';
    const over = new Promise<boolean>((resolve) => response.once('close', () => resolve(response.writableFinished)));
    const request: Received = { method: incoming.method ?? '', path, headers: incoming.headers, body: '', over };
    received.push(request);
    const name = path.split('?')[0] ?? '';
    const handler = handlers[name];
    if (!streamed.includes(name)) request.body = (await incoming.setEncoding('utf8').toArray()).join('');
    if (handler === undefined) response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
    else await handler(request, response, incoming);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    of: (path) => received.filter((one) => one.path.split('?')[0] === path),
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
