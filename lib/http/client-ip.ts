import { BlockList, isIP } from 'node:net';
import type { TrustedProxies } from '#lib/config/settings/network-schemas';

/**
 * Returns the client's address behind trusted proxies; `TRUST_PROXY` says which proxies those are.
 * `X-Forwarded-For` is read from its right end, where the nearest proxy has written. Nothing that
 * a client forges is reached before the address that a trusted proxy saw.
 *
 * `peer` is the connection's remote address, undefined if the platform does not report it.
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
  // The connection's peer is the first hop, even if its address is unknown.
  let hops = 1;
  for (let index = written.length - 1; index >= 0; index--) {
    const address = plainAddress(written[index] ?? '');
    // A proxy that writes anything but an address is not trusted about the hops behind it.
    if (address === undefined) break;
    client = address;
    if (!isTrusted(address, hops, trust)) break;
    hops += 1;
  }
  return client;
}

/**
 * Returns the client's subnet, which limits count by; undefined if the address is unknown.
 * Parameters as of `clientIp`.
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
 * Returns an IPv4 address unchanged and an IPv6 address as its /64, because a single client has
 * all addresses of a /64. Link-local addresses stay whole: all hosts of a link share one /64.
 */
export function subnetOf(address: string): string {
  if (!address.includes(':')) return address;
  const plain = plainAddress(address.replace(/%.*$/, ''));
  if (plain === undefined || isIP(plain) !== 6) return plain ?? address;
  if (/^(?:fe[89ab][0-9a-f]:|::1$)/i.test(plain)) return plain;
  return `${firstGroups(plain)}::/64`;
}

/** The first 64 bits of an IPv6 address, in groups without leading zeros. */
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
 * An IPv4 address at the end counts as two groups. Their value does not matter, because they are
 * never in the first 64 bits.
 */
function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}

/** Whether the connection's peer is a proxy whose forwarding headers are trusted. */
export function isTrustedProxy(peer: string | undefined, trust: TrustedProxies | undefined): boolean {
  if (trust === undefined) return false;
  const address = peer === undefined ? undefined : plainAddress(peer);
  return address === undefined ? 'hops' in trust : isTrusted(address, 0, trust);
}

/** `hops` counts the addresses between this one and the server. */
function isTrusted(address: string, hops: number, trust: TrustedProxies): boolean {
  return 'hops' in trust ? hops < trust.hops : blockList(trust.networks).check(address, family(address));
}

/** Strips brackets, port and the IPv6 form of IPv4. Undefined if `text` is no address. */
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
