import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { authenticate, provideTrustedUsers } from '#lib/http/identity';
import { checkPageAccess } from '#lib/http/page-access';
import { member } from '#lib/http/principal';
import { createSession, SESSION_COOKIE } from '#lib/http/session-cookie';
import { resetSingleton } from '#lib/singletons';

const KEY = 'an-administrators-key';
const SETTINGS = readConfig({
  API_KEYS: KEY,
  TRUST_PROXY: '10.0.0.1',
  TRUSTED_USER_HEADER: 'X-Forwarded-User',
  LOG_LEVEL: 'silent',
});
const PROXY = '10.0.0.1';
const NOW = Date.now();

beforeEach(() => {
  for (const name of ['http.identities', 'http.failed-keys', 'http.named-callers']) resetSingleton(name);
});
afterEach(() => resetSingleton('http.identities'));

function ask(headers: Record<string, string>, peerAddress: string | undefined = PROXY, settings = SETTINGS) {
  return authenticate({ headers: new Headers(headers), peerAddress, address: '192.0.2.1' }, settings, NOW);
}

const refused = (code: string) => expect.objectContaining({ code });

describe('TRUSTED_USER_HEADER', () => {
  it('names a member where a trusted proxy sets it', () => {
    expect(ask({ 'x-forwarded-user': 'ann@example.org' })).toMatchObject({
      caller: 'user:ann@example.org',
      role: 'member',
      maxPriority: 0,
    });
    expect(ask({ 'x-forwarded-user': 'ann' })).toBe(ask({ 'x-forwarded-user': 'ann' }));
  });

  it.each([['192.0.2.1'], ['127.0.0.1'], ['::1'], [undefined]])(
    'is refused from %s, also next to a right key',
    (peer) => {
      const forged = { 'x-forwarded-user': 'ann' };
      const from = (headers: Record<string, string>) => () =>
        authenticate({ headers: new Headers(headers), peerAddress: peer, address: peer }, SETTINGS, NOW);
      expect(from(forged)).toThrow(refused('forbidden'));
      expect(from({ ...forged, authorization: `Bearer ${KEY}` })).toThrow(refused('forbidden'));
      expect(from({ ...forged, 'x-forwarded-for': PROXY })).toThrow(refused('forbidden'));
      expect(from({ authorization: `Bearer ${KEY}` })()).toMatchObject({ role: 'admin' });
    },
  );

  it.each(['', ' ', 'ann, bob', 'ann bob', 'ann;role=admin', 'x'.repeat(129), 'a"b', 'a/b'])(
    'is refused as %j, which is no single name',
    (value) => {
      expect(() => ask({ 'x-forwarded-user': value })).toThrow(refused('unauthorized'));
    },
  );

  it('reads names that proxies send as UTF-8', () => {
    const value = Buffer.from('jürgen').toString('latin1');
    expect(ask({ 'x-forwarded-user': value })).toMatchObject({ caller: 'user:jürgen' });
  });

  it('is needed through the proxy where there is neither key nor session', () => {
    expect(() => ask({})).toThrow(refused('unauthorized'));
  });

  it('gives way to a key, and replaces the session of another person', () => {
    const cookie = `${SESSION_COOKIE}=${createSession(KEY, NOW)}`;
    expect(ask({ 'x-forwarded-user': 'ann', authorization: `Bearer ${KEY}` })).toMatchObject({ role: 'admin' });
    expect(ask({ 'x-forwarded-user': 'ann', cookie })).toMatchObject({ caller: 'user:ann' });
    // Proxies pass their own tokens on.
    expect(ask({ 'x-forwarded-user': 'ann', authorization: 'Bearer of-the-proxy' })).toMatchObject({
      caller: 'user:ann',
    });
    expect(ask({ cookie })).toMatchObject({ role: 'admin' });
  });

  it('is mapped to a stored person by accounts, and an unknown person is refused', async () => {
    const settings = readConfig({
      AUTH: 'accounts',
      TRUST_PROXY: PROXY,
      TRUSTED_USER_HEADER: 'x-forwarded-user',
      LOG_LEVEL: 'silent',
    });
    expect(() => ask({ 'x-forwarded-user': 'ann' }, PROXY, settings)).toThrow(refused('unauthorized'));
    const ann = member('user:1', { userId: '1' });
    provideTrustedUsers(async (name) => (name === 'ann' ? ann : undefined));
    expect(await ask({ 'x-forwarded-user': 'ann' }, PROXY, settings)).toBe(ann);
    await expect(Promise.resolve(ask({ 'x-forwarded-user': 'eve' }, PROXY, settings))).rejects.toMatchObject({
      code: 'unauthorized',
    });
  });

  it('opens pages through the proxy only', async () => {
    const open = async (peerAddress: string) => {
      const headers = new Headers({ accept: 'text/html', 'x-forwarded-user': 'ann' });
      const reader = { method: 'GET', target: '/dashboard', headers, peerAddress, address: '192.0.2.1' };
      return (await checkPageAccess(reader, 'page', SETTINGS, NOW))?.status;
    };
    expect([await open(PROXY), await open('192.0.2.1')]).toEqual([undefined, 403]);
  });
});

describe('the settings of access', () => {
  const problem = (environment: Record<string, string>) => {
    try {
      readConfig(environment);
    } catch (error) {
      return String(error);
    }
    return undefined;
  };

  it.each([
    [{ AUTH: 'none', API_KEYS: KEY }, /AUTH is none although API_KEYS is set/],
    [{ AUTH: 'keys' }, /API_KEYS must be set where AUTH is keys/],
    [{ AUTH: 'everyone' }, /AUTH must be none, keys or accounts/],
    [{ TRUSTED_USER_HEADER: 'X-User', TRUST_PROXY: 'loopback' }, /TRUSTED_USER_HEADER needs API_KEYS/],
    [{ TRUSTED_USER_HEADER: 'X-User', API_KEYS: KEY }, /needs TRUST_PROXY to be the addresses/],
    [{ TRUSTED_USER_HEADER: 'X-User', API_KEYS: KEY, TRUST_PROXY: '1' }, /needs TRUST_PROXY to be the addresses/],
    [{ TRUSTED_USER_HEADER: 'Authorization', API_KEYS: KEY, TRUST_PROXY: 'loopback' }, /has another meaning/],
    [{ TRUSTED_USER_HEADER: 'X User', API_KEYS: KEY, TRUST_PROXY: 'loopback' }, /name of a header/],
  ])('of %j are refused', (environment, sentence) => {
    expect(problem(environment)).toMatch(sentence);
  });

  it.each([{}, { AUTH: 'none' }, { API_KEYS: KEY }, { AUTH: 'keys', API_KEYS: KEY }, { AUTH: 'accounts' }])(
    'of %j are valid',
    (environment) => {
      expect(problem(environment)).toBeUndefined();
    },
  );
});
