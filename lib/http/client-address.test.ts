import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/index';
import { clientAddress, isTrustedProxy } from '#lib/http/client-address';

const trust = (TRUST_PROXY: string) => readConfig({ TRUST_PROXY }).TRUST_PROXY;
const MADE_UP = '6.6.6.6, 1.2.3.4';

describe('clientAddress', () => {
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
    expect(clientAddress(peer, forwarded, trust(setting))).toBe(expected);
  });

  it('knows nobody where the platform tells no peer and no proxy is believed', () => {
    expect(clientAddress(undefined, MADE_UP, trust('false'))).toBeUndefined();
    expect(clientAddress(undefined, MADE_UP, trust('1'))).toBe('1.2.3.4');
  });
});

describe('isTrustedProxy', () => {
  it('is the peer alone that decides', () => {
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
