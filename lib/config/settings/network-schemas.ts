import { isIP } from 'node:net';
import { z } from 'zod';

/** The reverse proxies whose `X-Forwarded-For` is trusted: their number, or their addresses. */
export type TrustedProxies = { hops: number } | { networks: readonly string[] };

/** Names of networks in TRUST_PROXY. */
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

/** Host names as `lib/http/host-check.ts` compares them: lower case, without a dot at the end. */
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

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
