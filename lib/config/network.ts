import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

/** Settings that speak of other machines. */

/**
 * Which proxies in front are believed about the client's address: how many there are, or where they are. `loopback` and
 * `private` are names for the usual networks.
 */
export type TrustedProxies = { hops: number } | { networks: readonly string[] };

const NETWORK_NAMES: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

export const trustedProxies = () =>
  z.string().transform((words, context): TrustedProxies | undefined => {
    const word = words.trim().toLowerCase();
    if (['', 'false', 'no', 'off', '0'].includes(word)) return undefined;
    if (['true', 'yes', 'on'].includes(word)) return { hops: 1 };
    if (/^\d{1,2}$/.test(word)) return { hops: Number(word) };
    const networks = word.split(',').flatMap((part) => NETWORK_NAMES[part.trim()] ?? [part.trim()]);
    if (networks.every((network) => isNetwork(network))) return { networks };
    context.addIssue({
      code: 'custom',
      message: 'must be false, true, a number of proxies, or a list of addresses, networks, loopback and private',
    });
    return z.NEVER;
  });

/**
 * Names of hosts in the spelling that `lib/http/host-check.ts` compares: lower case, without the dot at
 * the end.
 */
export const hostNames = () =>
  z.string().transform((words, context): readonly string[] => {
    const names = words
      .split(',')
      .map((word) => word.trim().toLowerCase().replace(/\.$/, ''))
      .filter((word) => word !== '');
    const wrong = names.find(
      (name) => name !== '*' && isIP(name) === 0 && !/^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name),
    );
    if (wrong === undefined) return names;
    context.addIssue({
      code: 'custom',
      message:
        'must be host names without scheme, port and path, comma-separated: chat.example.org, *.example.org, or * for any',
    });
    return z.NEVER;
  });

export const bearerToken = () =>
  z
    .string()
    .regex(/^[\x21-\x7e]{8,}$/, 'must be at least 8 visible ASCII characters without spaces')
    .optional();

export const urlPath = () =>
  z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, 'must be a path that begins with /')
    .optional();

/**
 * Whether a host, without brackets, is this machine's loopback: `localhost`, `*.localhost`,
 * 127.0.0.0/8 or ::1.
 */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version !== 0) return LOOPBACK.check(host, version === 6 ? 'ipv6' : 'ipv4');
  return /^(?:.+\.)?localhost$/i.test(host);
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Without credentials, query and fragment. */
export function isBareUrl(url: string): boolean {
  return !/^[^/]*\/\/[^/]*@|[?#]/.test(url);
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
