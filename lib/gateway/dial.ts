import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** The address of a backend's origin, as `node:net` wants it. */
export function addressOf({ hostname, port, protocol }: URL): { host: string; port: number; isTls: boolean } {
  const isTls = protocol === 'https:';
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (isTls ? 443 : 80)), isTls };
}

/**
 * Opens a connection to an origin. `onReady` is called where it can be written to: behind the handshake and the check of the certificate,
 * where there is one. `onread` as `node:net` has it.
 */
export function dial(origin: URL, onReady: () => void, onread?: OnReadOpts): Socket {
  const { host, port, isTls } = addressOf(origin);
  const options = { host, port, ...(onread === undefined ? {} : { onread }) };
  if (!isTls) return connectTcp(options, onReady);
  // An address is no name to ask for; the certificate is still held against it.
  return connectTls({ ...options, servername: isIP(host) === 0 ? host : '', ALPNProtocols: ['http/1.1'] }, onReady);
}
