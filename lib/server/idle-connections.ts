import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const connections = new WeakMap<Server, Set<Socket>>();

/** Remembers the connections of `server`, for `closeIdleConnections`. */
export function watchConnections(server: Server): void {
  const open = new Set<Socket>();
  connections.set(server, open);
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
}

/**
 * Closes the connections of `server` that wait for their next request. That of node:http also takes
 * a connection as idle whose response was written and has not been sent: a client that reads
 * slowly would lose the rest of it (`closeIdleConnections` in node's lib/_http_server.js looks at
 * `finished`, which `end()` sets). Those of a watched server stay open.
 */
export function closeIdleConnections(server: Server): void {
  keepSending(server, () => server.closeIdleConnections());
}

/** Accepts no more connections and closes the idle ones. Resolves when all are closed. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => keepSending(server, () => server.close(() => resolve())));
}

function keepSending(server: Server, close: () => void): void {
  const sending = [...(connections.get(server) ?? [])].filter((socket) => socket.writableLength > 0);
  for (const socket of sending) socket.destroy = keepOpen;
  close();
  for (const socket of sending) Reflect.deleteProperty(socket, 'destroy');
}

function keepOpen(this: Socket): Socket {
  return this;
}
