import { BlockList, isIP } from 'node:net';

/**
 * Whether a host, without brackets, is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or
 * ::1.
 */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version !== 0) return LOOPBACK.check(host, version === 6 ? 'ipv6' : 'ipv4');
  return /^(?:.+\.)?localhost$/i.test(host);
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
