import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { clientIp, clientSubnet, isTrustedProxy, subnetOf } from '#lib/http/client-ip';

const trust = (TRUST_PROXY: string) => readConfig({ TRUST_PROXY }).TRUST_PROXY;
const MADE_UP = '6.6.6.6, 1.2.3.4';

describe('clientIp', () => {
  it.each([
    ['false', '10.0.0.1', MADE_UP, '10.0.0.1'],
    ['1', '10.0.0.1', MADE_UP, '1.2.3.4'],
    ['true', '10.0.0.1', MADE_UP, '1.2.3.4'],
    ['2', '10.0.0.1', MADE_UP, '6.6.6.6'],
    ['5', '10.0.0.1', MADE_UP, '6.6.6.6'],
    ['1', '10.0.0.1', null, '10.0.0.1'],
    ['1', '::ffff:10.0.0.1', ' 1.2.3.4:5678 ', '1.2.3.4'],
    ['1', '10.0.0.1', '[2001:db8::7]:443', '2001:db8::7'],
    ['2', '10.0.0.1', '6.6.6.6, unknown, 1.2.3.4', '1.2.3.4'],
    ['1', '10.0.0.1', '6.6.6.6, <script>', '10.0.0.1'],
    ['private', '10.0.0.1', '6.6.6.6, 1.2.3.4, 192.168.1.1', '1.2.3.4'],
    ['private', '1.2.3.4', '6.6.6.6', '1.2.3.4'],
    ['loopback', '127.0.0.1', '6.6.6.6', '6.6.6.6'],
    ['loopback', '::1', '6.6.6.6', '6.6.6.6'],
    ['192.0.2.7,2001:db8::/32', '192.0.2.7', '6.6.6.6, 2001:db8::1', '6.6.6.6'],
    ['loopback', '127.0.0.1', '127.0.0.2, 127.0.0.3', '127.0.0.2'],
  ])('TRUST_PROXY=%s from %s with "%s" is %s', (setting, peer, forwarded, expected) => {
    expect(clientIp(peer, forwarded, trust(setting))).toBe(expected);
  });

  it('returns undefined without a peer address and a trusted proxy', () => {
    expect(clientIp(undefined, MADE_UP, trust('false'))).toBeUndefined();
    expect(clientIp(undefined, MADE_UP, trust('1'))).toBe('1.2.3.4');
  });
});

describe('subnetOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '::1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:8::', '2001:db8:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['fe80::1:2%eth0', 'fe80::1:2'],
  ])('of %s is %s', (address, expected) => {
    expect(subnetOf(address)).toBe(expected);
  });

  it('is equal for all addresses of a /64, and for no others', () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    const network = fc.tuple(fc.constantFrom('2001', '2a02'), group, group, group);
    const host = fc.tuple(group, group, group, group);
    fc.assert(
      fc.property(network, host, network, host, (a, x, b, y) => {
        const [first, second] = [[...a, ...x].join(':'), [...b, ...y].join(':')];
        const shortest = new URL(`http://[${first}]`).hostname.slice(1, -1);
        expect(subnetOf(shortest)).toBe(subnetOf(first));
        const list = new BlockList();
        list.addSubnet(first, 64, 'ipv6');
        expect(subnetOf(first) === subnetOf(second)).toBe(list.check(second, 'ipv6'));
      }),
    );
  });

  it('is of the client behind a trusted proxy', () => {
    expect(clientSubnet('127.0.0.1', '2001:db8::7', trust('loopback'))).toBe('2001:db8:0:0::/64');
    expect(clientSubnet('127.0.0.1', '2001:db8::7', trust('false'))).toBe('127.0.0.1');
    expect(clientSubnet(undefined, null, trust('false'))).toBeUndefined();
  });
});

describe('isTrustedProxy', () => {
  it('decides by the peer address alone', () => {
    expect(isTrustedProxy('10.0.0.1', trust('false'))).toBe(false);
    expect(isTrustedProxy('10.0.0.1', trust('1'))).toBe(true);
    expect(isTrustedProxy('10.0.0.1', trust('loopback'))).toBe(false);
    expect(isTrustedProxy('::ffff:127.0.0.1', trust('loopback'))).toBe(true);
  });
});

describe('TRUST_PROXY', () => {
  it.each(['everyone', '10.0.0.0/33', '10.0.0.1/8/8', '1.2.3', 'true,false'])('refuses %s', (setting) => {
    expect(() => trust(setting)).toThrow(/TRUST_PROXY must be/);
  });
});
