import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { config } from '#lib/config/config';
import { authenticate, identify } from '#lib/http/identity';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { tokenHash } from '#lib/people/secret-token';
import { store } from '#lib/store/store';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  PASSWORD,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';

/** How accounts are found: in memory, without a promise, and never after a change. */

vi.mock('#lib/people/secret-token', async (original) => {
  const real = await original<typeof import('#lib/people/secret-token')>();
  return { ...real, tokenHash: vi.fn(real.tokenHash) };
});

let server: AccountsServer;
let admin: Browser;

beforeEach(async () => {
  server = await startAccounts();
  admin = await setUpAdministrator(server);
});
afterEach(async () => {
  await server.close();
});

const headersOf = (values: Record<string, string>) => ({ get: (name: string) => values[name] ?? null });
const verify = (values: Record<string, string>, nowMs = Date.now()) =>
  accountIdentities().verify(headersOf(values), '192.0.2.1', nowMs, false, false);

it('finds a known session and a known key without a promise, and the same principal each time', async () => {
  const key = (await admin.post('/api/keys', { name: 'K', models: ['a'] })).textAt('key');
  for (const headers of [{ cookie: admin.cookieHeader }, { authorization: `Bearer ${key}` }, { 'x-api-key': key }]) {
    const first = await verify(headers);
    const again = verify(headers);
    expect(again).not.toBeInstanceOf(Promise);
    expect(again).toBe(first);
    expect(
      authenticate(
        { headers: headersOf(headers), peerAddress: '192.0.2.1', address: '192.0.2.1' },
        config(),
        Date.now(),
      ),
    ).toBe(first);
  }
  expect(await verify({ authorization: `Bearer ${key}` })).toMatchObject({ role: 'admin', models: new Set(['a']) });
});

it('refuses a key and a session that are known as soon as they are revoked, however they are shown', async () => {
  const made = await admin.post('/api/keys', { name: 'K' });
  const key = made.textAt('key');
  const shown = [{ authorization: `Bearer ${key}` }, { authorization: `bearer  ${key}` }, { 'x-api-key': key }];
  const ways: Record<string, string>[] = [...shown, { authorization: 'Basic eDp5', 'x-api-key': key }];
  for (const headers of [...ways, ...ways]) expect((await verify(headers))?.keyId).toBe(made.textAt('id'));
  expect((await admin.delete(`/api/keys/${made.textAt('id')}`)).status).toBe(204);
  for (const headers of ways) expect(await verify(headers)).toBeUndefined();
  const bo = await joinAs(server, admin, 'Bo');
  const cookies = [bo.cookieHeader, `other=1; ${bo.cookieHeader}`, `chill_space_account=x.y; ${bo.cookieHeader}`];
  for (const cookie of [...cookies, ...cookies]) expect((await verify({ cookie }))?.name).toBe('Bo');
  expect((await bo.delete('/api/session')).status).toBe(200);
  for (const cookie of cookies) expect(await verify({ cookie })).toBeUndefined();
});

it('takes what is no key in one header for none in another', async () => {
  const key = (await admin.post('/api/keys', { name: 'K' })).textAt('key');
  await verify({ 'x-api-key': key });
  for (const authorization of [key, `Basic ${key}`, `Bearer${key}`])
    expect(await verify({ authorization })).toBeUndefined();
  await verify({ cookie: admin.cookieHeader });
  expect(await verify({ authorization: `Bearer ${admin.cookieHeader}` })).toBeUndefined();
  expect(await verify({ cookie: key })).toBeUndefined();
});

it('reads again after 30 s what another server of the database may have changed', async () => {
  const headers = { cookie: admin.cookieHeader };
  const nowMs = Date.now();
  await verify(headers, nowMs);
  const { db } = await store();
  await db.updateTable('users').set({ role: 'member' }).execute();
  expect(verify(headers, nowMs + 29_000)).toMatchObject({ role: 'admin' });
  expect(verify(headers, nowMs + 31_000)).toBeInstanceOf(Promise);
  expect(await verify(headers, nowMs + 31_000)).toMatchObject({ role: 'member' });
});

it('reads again after the clock was set back', async () => {
  const headers = { cookie: admin.cookieHeader };
  const nowMs = Date.now();
  await verify(headers, nowMs);
  const { db } = await store();
  await db.updateTable('users').set({ role: 'member' }).execute();
  expect(await verify(headers, nowMs - 3_600_000)).toMatchObject({ role: 'member' });
});

it('ends a session among many without hashing those of others', async () => {
  const browsers = [admin];
  for (let index = 0; index < 4; index++) {
    const browser = server.browser(`198.51.100.${index}`);
    await browser.signIn('ada@school.example', PASSWORD);
    browsers.push(browser);
  }
  for (const { cookieHeader: cookie } of browsers) expect((await verify({ cookie }))?.name).toBe('Ada');
  const [, , ended] = browsers;
  const { db } = await store();
  const cookie = decodeURIComponent(ended?.cookieHeader ?? '');
  const token = cookie.slice(cookie.indexOf('=') + 1, cookie.lastIndexOf('.'));
  await db.deleteFrom('user_sessions').where('token', '=', token).execute();
  vi.mocked(tokenHash).mockClear();
  accountIdentities().forgetSession(token);
  expect(tokenHash).toHaveBeenCalledTimes(1);
  const found = await Promise.all(browsers.map(async (one) => (await verify({ cookie: one.cookieHeader }))?.name));
  expect(found).toEqual(['Ada', 'Ada', undefined, 'Ada', 'Ada']);
});

it('does not keep what it read before a change', async () => {
  const bo = await joinAs(server, admin, 'Bo');
  const { userId = '' } = (await verify({ cookie: bo.cookieHeader })) ?? {};
  accountIdentities().forgetPerson(userId);
  const reading = verify({ cookie: bo.cookieHeader });
  accountIdentities().forgetPerson(userId);
  await reading;
  expect(verify({ cookie: bo.cookieHeader })).toBeInstanceOf(Promise);
});

it('notes when a key and a person were last seen', async () => {
  const made = await admin.post('/api/keys', { name: 'K' });
  await server.browser('192.0.2.3').get('/api/models', { authorization: `Bearer ${made.textAt('key')}` });
  await (await store()).flush();
  const seen = (await admin.get('/api/keys')).textAt('keys.0.last_used_at');
  expect(Date.now() - Date.parse(seen)).toBeLessThan(60_000);
  expect((await admin.get('/api/admin/users')).textAt('users.0.last_seen_at')).not.toBe('');
});

it('notes when a person was last seen who uses a key only, or whom a proxy names', async () => {
  const bo = await joinAs(server, admin, 'Bo');
  const key = (await bo.post('/api/keys', { name: 'K' })).textAt('key');
  const opened = await store();
  await opened.flush();
  await opened.db.updateTable('users').set({ lastSeenAt: null }).execute();
  await server.restart({ TRUSTED_USER_HEADER: 'X-Forwarded-User', TRUST_PROXY: '192.0.2.0/24' });
  const shown: Record<string, string>[] = [
    { authorization: `Bearer ${key}` },
    { 'x-forwarded-user': 'cy@school.example' },
  ];
  for (const headers of shown) {
    const response = await server.browser('192.0.2.3').get('/api/me', headers);
    expect(response.status).toBe(200);
  }
  await (await store()).flush();
  const { db } = await store();
  const people = await db.selectFrom('users').select(['email', 'lastSeenAt']).orderBy('email').execute();
  expect(people).toEqual([
    { email: 'ada@school.example', lastSeenAt: null },
    { email: 'bo@school.example', lastSeenAt: expect.any(Number) },
    { email: 'cy@school.example', lastSeenAt: expect.any(Number) },
  ]);
});

it('ends the session of a browser that signs out at /api/session', async () => {
  const copy = server.browser('192.0.2.4');
  for (const [name, value] of admin.cookies) copy.cookies.set(name, value);
  expect((await admin.get('/api/session')).json).toEqual({ needed: true, signed_in: true });
  expect((await admin.delete('/api/session')).status).toBe(200);
  expect(admin.cookies.size).toBe(0);
  expect(await copy.isSignedIn()).toBe(false);
});

it('makes members of people whom a trusted proxy names, and refuses others', async () => {
  await server.restart({ TRUSTED_USER_HEADER: 'X-Forwarded-User', TRUST_PROXY: '192.0.2.0/24' });
  const named = (name: string, peerAddress = '192.0.2.1') =>
    identify(
      { headers: headersOf({ 'x-forwarded-user': name }), peerAddress, address: peerAddress },
      config(),
      Date.now(),
    );
  const first = await named('bo@school.example');
  expect(first?.principal).toMatchObject({ role: 'member', email: 'bo@school.example' });
  const again = named('bo@school.example');
  expect(again).not.toBeInstanceOf(Promise);
  expect((await again)?.principal).toBe(first?.principal);
  expect((await named('ada@school.example'))?.principal.role).toBe('admin');
  expect(() => named('bo@school.example', '203.0.113.9')).toThrow(/accepted only from/);
  const { db } = await store();
  await db.updateTable('users').set({ banned: 1 }).where('email', '=', 'bo@school.example').execute();
  accountIdentities().forgetPerson(first?.principal.userId ?? '');
  await expect(named('bo@school.example')).rejects.toThrow('The account of bo@school.example is disabled.');
  await server.restart({ TRUSTED_USER_HEADER: 'X-Forwarded-User', TRUST_PROXY: '192.0.2.0/24', SIGN_UP: 'closed' });
  await expect(named('cy@school.example')).rejects.toThrow('has no account here, and sign-up is closed');
});

it('looks a refused name of a proxy up once in 5 seconds, and at once after a change', async () => {
  await server.restart({ TRUSTED_USER_HEADER: 'X-Forwarded-User', TRUST_PROXY: '192.0.2.0/24', SIGN_UP: 'closed' });
  const nowMs = Date.now();
  const named = (atMs: number) => accountIdentities().trustedUser('bo@school.example', atMs);
  // A look-up rejects later; what is known throws at once.
  await expect(named(nowMs)).rejects.toThrow('bo@school.example');
  expect(() => named(nowMs + 4_999)).toThrow('bo@school.example');
  await expect(named(nowMs - 1)).rejects.toThrow('bo@school.example');
  await expect(named(nowMs + 5_000)).rejects.toThrow('bo@school.example');
  expect(() => named(nowMs + 5_001)).toThrow('bo@school.example');
  accountIdentities().forgetPerson('anyone');
  await expect(named(nowMs + 5_001)).rejects.toThrow('bo@school.example');
});

it('does not give a name of a proxy an account that its holder may have made for it', async () => {
  await server.restart({ TRUSTED_USER_HEADER: 'X-Forwarded-User', TRUST_PROXY: '192.0.2.0/24', SIGN_UP: 'open' });
  const claim = {
    headers: headersOf({ 'x-forwarded-user': 'ada@school.example' }),
    peerAddress: '192.0.2.1',
    address: '192.0.2.1',
  };
  await expect(identify(claim, config(), Date.now())).rejects.toMatchObject({
    code: 'unauthorized',
    message: expect.stringContaining('ada@school.example has an account here already'),
  });
});

it('gives a name of a proxy the account of an invitation for its address, and no other', async () => {
  await joinAs(server, admin, 'Cy', { email: 'cy@school.example' });
  await joinAs(server, admin, 'Di');
  await server.restart({ TRUSTED_USER_HEADER: 'X-Forwarded-User', TRUST_PROXY: '192.0.2.0/24' });
  const named = (name: string) =>
    identify(
      { headers: headersOf({ 'x-forwarded-user': name }), peerAddress: '192.0.2.1', address: '192.0.2.1' },
      config(),
      Date.now(),
    );
  expect((await named('cy@school.example'))?.principal.name).toBe('Cy');
  await expect(named('di@school.example')).rejects.toThrow('has an account here already');
});

it('takes no cookie for a person of a proxy, or for the stored hash of a key', async () => {
  await server.restart({ TRUSTED_USER_HEADER: 'X-Forwarded-User', TRUST_PROXY: '192.0.2.0/24' });
  const key = (await admin.post('/api/keys', { name: 'K' })).textAt('key');
  const claim = { peerAddress: '192.0.2.1', address: '192.0.2.1' };
  const named = { headers: headersOf({ 'x-forwarded-user': 'bo@school.example' }), ...claim };
  expect((await identify(named, config(), Date.now()))?.principal.email).toBe('bo@school.example');
  expect((await verify({ authorization: `Bearer ${key}` }))?.role).toBe('admin');
  const known = ['proxy bo@school.example', tokenHash(key)];
  for (const value of known) {
    const headers = headersOf({ cookie: `chill_space_account=${value}` });
    expect(await identify({ headers, ...claim }, config(), Date.now())).toBeUndefined();
  }
});
