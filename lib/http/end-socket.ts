import type { Duplex } from 'node:stream';

/** How long a client has to take the last response and to close its side. */
const LAST_RESPONSE_MS = 1_000;

/**
 * Sends `text` and closes the connection. Sockets that left the HTTP server (upgrade, CONNECT,
 * parse errors) have none of its timeouts and may stay half-open, so the other side is not waited
 * for.
 */
export function endSocket(socket: Duplex, text: string): void {
  const timer = setTimeout(() => socket.destroy(), LAST_RESPONSE_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  socket.end(text);
}
