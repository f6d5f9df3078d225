import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { TrustedProxies } from '#lib/config/settings/network-schemas';
import { isTrustedProxy, subnetOf } from '#lib/http/client-ip';
import { ConnectionShares } from '#lib/http-client/connection-shares';

/** Idle connections are closed once fewer places than one in so many are free. */
const SCARCE_PART = 16;
const SWEEP_EVERY_MS = 250;

/**
 * Bounds the connections of a server, so that descriptors stay free for its own work. Of `most`, an
 * address may hold four for each that is free, unless `isShared` says that it stands for many
 * clients; one above is closed. Where places are scarce, idle connections are closed.
 */
export function limitConnections(server: Server, most: number, isShared: (peer: string) => boolean): void {
  const shares = new ConnectionShares<never>(most);
  const scarce = most - Math.ceil(most / SCARCE_PART);
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  const sweep = () => {
    const nowMs = performance.now();
    if (nowMs - sweptAtMs < SWEEP_EVERY_MS) return;
    sweptAtMs = nowMs;
    server.closeIdleConnections();
  };
  server.maxConnections = most;
  server.on('drop', sweep);
  server.on('connection', (socket: Socket) => {
    // A connection that is closed already has none.
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

/** Loopback and trusted proxies stand for many clients. */
export function isSharedAddress(peer: string, trust: TrustedProxies | undefined): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(peer) || isTrustedProxy(peer, trust);
}
