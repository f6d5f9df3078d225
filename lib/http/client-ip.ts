import { BlockList, isIP } from 'node:net';
import type { TrustedProxies } from '#lib/config/settings/network-schemas';

/**
 * Who is at the other end, where proxies may stand in front: `TRUST_PROXY` says which of them are believed. `X-Forwarded-For`
 * is read from its right end, where the nearest proxy has written, so that nothing a client makes up is reached before
 * the address that a believed proxy saw.
 *
 * `peer` is the connection's own other end; undefined where the platform does not tell.
 */
export function clientIp(
  peer: string | undefined,
  forwardedFor: string | null | undefined,
  trust: TrustedProxies | undefined,
): string | undefined {
  const nearest = peer === undefined ? undefined : plainAddress(peer);
  if (trust === undefined || (nearest !== undefined && !isTrusted(nearest, 0, trust))) return nearest;
  const written = forwardedFor?.split(',') ?? [];
  let client = nearest;
  // The connection's own other end is the first, also where it is not told.
  let behind = 1;
  for (let index = written.length - 1; index >= 0; index--) {
    const address = plainAddress(written[index] ?? '');
    // A proxy that writes something else cannot be believed about what is behind it.
    if (address === undefined) break;
    client = address;
    if (!isTrusted(address, behind, trust)) break;
    behind += 1;
  }
  return client;
}

/**
 * The client's address as it is counted; undefined where the platform does not say. Arguments as of
 * `clientIp`.
 */
export function clientSubnet(
  peer: string | undefined,
  forwardedFor: string | null,
  trust: TrustedProxies | undefined,
): string | undefined {
  const address = trust === undefined ? peer : clientIp(peer, forwardedFor, trust);
  return address === undefined ? undefined : subnetOf(address);
}

/**
 * The name under which an address is counted: IPv4 as it is, IPv6 by its /64, of which a single
 * client has all addresses. Link-local ones stay as they are, since every neighbour has the same
 * /64.
 */
export function subnetOf(address: string): string {
  if (!address.includes(':')) return address;
  const plain = plainAddress(address.replace(/%.*$/, ''));
  if (plain === undefined || isIP(plain) !== 6) return plain ?? address;
  if (/^(?:fe[89ab][0-9a-f]:|::1$)/i.test(plain)) return plain;
  return `${firstGroups(plain)}::/64`;
}

/** The first 64 bits of an IPv6 address, without zeros that can be left out. */
function firstGroups(address: string): string {
  const [head = '', tail] = address.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

/**
 * An IPv4 address at the end is two groups. Its digits do not matter here: it never is in the first
 * 64 bits.
 */
function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}

/** Whether the connection's other end is a proxy whose forwarding headers are believed. */
export function isTrustedProxy(peer: string | undefined, trust: TrustedProxies | undefined): boolean {
  if (trust === undefined) return false;
  const address = peer === undefined ? undefined : plainAddress(peer);
  return address === undefined ? 'hops' in trust : isTrusted(address, 0, trust);
}

/** `behind` counts the addresses between this one and us. */
function isTrusted(address: string, behind: number, trust: TrustedProxies): boolean {
  return 'hops' in trust ? behind < trust.hops : blockList(trust.networks).check(address, family(address));
}

/** Without brackets, port and the IPv6 form of an IPv4 address; undefined where it is no address. */
function plainAddress(text: string): string | undefined {
  const trimmed = text.trim().replace(/^\[([^\]]*)\](?::\d+)?$/, '$1');
  const bare = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/i.exec(trimmed)?.[1] ?? trimmed;
  return isIP(bare) === 0 ? undefined : bare;
}

const lists = new WeakMap<readonly string[], BlockList>();

function blockList(networks: readonly string[]): BlockList {
  const known = lists.get(networks);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    if (bits === undefined) list.addAddress(address, family(address));
    else list.addSubnet(address, Number(bits), family(address));
  }
  lists.set(networks, list);
  return list;
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
