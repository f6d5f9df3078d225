import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { TrustedProxies } from '#lib/config/settings/network-schemas';
import { isTrustedProxy, subnetOf } from '#lib/http/client-ip';
import { ConnectionShares } from '#lib/http-client/connection-shares';
import { closeIdleConnections, watchConnections } from './idle-connections.ts';

/** Idle connections are closed when fewer than one connection in so many is free. */
const SCARCE_PART = 16;
const SWEEP_EVERY_MS = 250;

/**
 * Limits the connections of a server, so that file descriptors stay free for its own work. An
 * address may hold four of `most` connections for each free one, unless `isShared` says that it
 * stands for many clients. Further connections are destroyed. Idle ones are closed when few are
 * free.
 */
export function limitConnections(server: Server, most: number, isShared: (peer: string) => boolean): void {
  const shares = new ConnectionShares<never>(most);
  const scarce = most - Math.ceil(most / SCARCE_PART);
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  const sweep = () => {
    const nowMs = performance.now();
    if (nowMs - sweptAtMs < SWEEP_EVERY_MS) return;
    sweptAtMs = nowMs;
    closeIdleConnections(server);
  };
  watchConnections(server);
  server.maxConnections = most;
  server.on('drop', sweep);
  server.on('connection', (socket: Socket) => {
    // A closed connection has no address.
    const peer = socket.remoteAddress ?? '';
    if (shares.running >= scarce) sweep();
    const address = subnetOf(peer);
    const share = isShared(peer) ? shares.start(address) : shares.tryStart(address);
    if (share === undefined) {
      socket.destroy();
      return;
    }
    socket.once('close', () => shares.ended(share));
  });
}

/** Whether an address stands for many clients, as loopback and trusted proxies do. */
export function isSharedAddress(peer: string, trust: TrustedProxies | undefined): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(peer) || isTrustedProxy(peer, trust);
}
