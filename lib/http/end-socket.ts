import type { Duplex } from 'node:stream';

/** Time for the client to read the response and to close its side. */
const LAST_RESPONSE_MS = 1_000;

/**
 * Sends `text` and closes the connection. Sockets that left the HTTP server (upgrades, CONNECT,
 * parse errors) have none of its timeouts and may stay half-open, so a timer destroys them.
 */
export function endSocket(socket: Duplex, text: string): void {
  const timer = setTimeout(() => socket.destroy(), LAST_RESPONSE_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  socket.end(text);
}
