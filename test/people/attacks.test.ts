import { createHook } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_PER_ACCOUNT } from '#lib/people/accounts/password-throttle';
import { store } from '#lib/store/store';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  ORIGIN,
  PASSWORD,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';

/** What an attacker tries on accounts. */

let server: AccountsServer;
let admin: Browser;

beforeEach(async () => {
  server = await startAccounts();
  admin = await setUpAdministrator(server);
});
afterEach(async () => {
  await server.close();
});

const idOf = async (name: string) => (await admin.get(`/api/admin/users?search=${name}`)).textAt('users.0.id');

describe('enumeration', () => {
  it('says and does the same for an unknown account and a wrong password', async () => {
    const unknown = await server.browser('192.0.2.1').signIn('noone@school.example', 'wrong pass phrase');
    const wrong = await server.browser('192.0.2.2').signIn('ada@school.example', 'wrong pass phrase');
    expect([unknown.status, unknown.json]).toEqual([wrong.status, wrong.json]);
    expect(wrong.status).toBe(401);
    expect([...unknown.headers.keys()].sort()).toEqual([...wrong.headers.keys()].sort());
  });

  it('hashes a password also for an account that does not exist or has none', async () => {
    // Each hash by scrypt runs in libuv's pool, which this counts.
    const hashes = countHashes();
    try {
      await server.browser('192.0.2.1').signIn('noone@school.example', 'wrong pass phrase');
      await server.browser('192.0.2.2').signIn('ada@school.example', 'wrong pass phrase');
      const { db } = await store();
      await db.updateTable('credentials').set({ password: null }).execute();
      await server.browser('192.0.2.3').signIn('ada@school.example', 'wrong pass phrase');
      expect(hashes.counted()).toBe(3);
    } finally {
      hashes.stop();
    }
  });

  it('counts attempts at unknown accounts as those at known ones', async () => {
    const statuses = async (email: string, address: string) => {
      const all: number[] = [];
      for (let attempt = 0; attempt <= MAX_PER_ACCOUNT; attempt++)
        all.push((await server.browser(address).signIn(email, 'wrong pass phrase')).status);
      return all;
    };
    const known = await statuses('ada@school.example', '192.0.2.1');
    expect(await statuses('noone@school.example', '192.0.2.2')).toEqual(known);
    expect(known.at(-1)).toBe(429);
    expect(known.filter((status) => status === 401)).toHaveLength(MAX_PER_ACCOUNT);
  });
});

describe('guessing', () => {
  it('delays repeated attempts, and refuses them above a bound also with the right password', async () => {
    const attacker = server.browser('192.0.2.66');
    for (let attempt = 0; attempt < MAX_PER_ACCOUNT; attempt++)
      await attacker.signIn('ada@school.example', 'wrong one');
    expect(server.waits).toEqual([...server.waits].sort((one, other) => one - other));
    expect(server.waits.at(-1)).toBeGreaterThanOrEqual(3_000);
    const refused = await attacker.signIn('ada@school.example', PASSWORD);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('does not lock the owner out at an address that signed in before', async () => {
    const home = server.browser('198.51.100.7');
    expect((await home.signIn('ada@school.example', PASSWORD)).status).toBe(200);
    const attacker = server.browser('192.0.2.66');
    for (let attempt = 0; attempt <= MAX_PER_ACCOUNT; attempt++)
      await attacker.signIn('ada@school.example', 'wrong one');
    expect((await home.signIn('ada@school.example', PASSWORD)).status).toBe(200);
  });

  it('counts attempts at the same time', async () => {
    const attempts = Array.from({ length: 3 * MAX_PER_ACCOUNT }, () =>
      server.browser('192.0.2.66').signIn('ada@school.example', 'wrong one'),
    );
    const statuses = (await Promise.all(attempts)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(MAX_PER_ACCOUNT);
  });

  it('refuses an address that tries many keys', async () => {
    const attacker = server.browser('192.0.2.66');
    const statuses: number[] = [];
    for (let index = 0; index < 25; index++)
      statuses.push((await attacker.get('/api/models', { authorization: `Bearer cs_${index}` })).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    expect(statuses.at(-1)).toBe(429);
  });

  it('ignores a forged address of the client', async () => {
    const statuses: number[] = [];
    for (let index = 0; index <= MAX_PER_ACCOUNT; index++)
      statuses.push(
        (
          await server
            .browser('192.0.2.66')
            .post(
              '/api/auth/sign-in/email',
              { email: 'ada@school.example', password: 'wrong one' },
              { 'x-forwarded-for': `198.51.100.${index}`, 'x-client-address': `198.51.100.${index}` },
            )
        ).status,
      );
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('sessions', () => {
  it('are new at each sign-in, whatever cookie the browser brings', async () => {
    const victim = server.browser('192.0.2.3');
    await victim.signIn('ada@school.example', PASSWORD);
    const before = victim.cookieHeader;
    await victim.signIn('ada@school.example', PASSWORD);
    expect(victim.cookieHeader).not.toBe(before);
    const fixed = server.browser('192.0.2.4');
    fixed.cookies.set('chill_space_account', 'chosen-by-the-attacker.c2lnbmF0dXJl');
    await fixed.signIn('ada@school.example', PASSWORD);
    expect(fixed.cookies.get('chill_space_account')).not.toContain('chosen-by-the-attacker');
  });

  it('are not those of a token without our signature', async () => {
    const { db } = await store();
    const { token } = await db.selectFrom('user_sessions').select('token').executeTakeFirstOrThrow();
    for (const signature of ['', '.', '.AAAA', `.${Buffer.alloc(32).toString('base64')}`]) {
      const forger = server.browser('192.0.2.5');
      forger.cookies.set('chill_space_account', encodeURIComponent(token + signature));
      expect(await forger.isSignedIn()).toBe(false);
    }
  });

  it('have cookies that scripts and other sites cannot use', async () => {
    const response = await server.browser('192.0.2.6').signIn('ada@school.example', PASSWORD);
    const [cookie = ''] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^chill_space_account=.*; HttpOnly; SameSite=Strict$/);
    expect(cookie).toContain('; Path=/;');
    expect(response.text).not.toContain('token');
  });

  it('have the prefix __Host- and Secure behind a proxy with TLS', async () => {
    await server.restart({ TRUST_PROXY: '192.0.2.0/24' });
    const browser = server.browser('192.0.2.7');
    const headers = {
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '198.51.100.1',
      origin: ORIGIN.replace('http', 'https'),
    };
    const response = await browser.post(
      '/api/auth/sign-in/email',
      { email: 'ada@school.example', password: PASSWORD },
      headers,
    );
    const [cookie = ''] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-chill_space_account=.*; Secure; SameSite=Strict$/);
    expect((await browser.get('/api/keys', headers)).status).toBe(200);
  });
});

describe('cookies that another host of the domain has set', () => {
  const TLS = { 'x-forwarded-proto': 'https', origin: ORIGIN.replace('http:', 'https:') };
  const signInOverTls = async (name: string) => {
    const browser = server.browser('203.0.113.7');
    await browser.post('/api/auth/sign-in/email', { email: `${name}@school.example`, password: PASSWORD }, TLS);
    expect([...browser.cookies.keys()]).toContain('__Host-chill_space_account');
    return browser.cookies.get('__Host-chill_space_account') ?? '';
  };

  beforeEach(async () => {
    await joinAs(server, admin, 'Eve');
    await server.restart({ TRUST_PROXY: '203.0.113.7' });
  });

  it('sign no one in over TLS, also next to an own session or as a part of another value', async () => {
    const [eve, ada] = [await signInOverTls('eve'), await signInOverTls('ada')];
    const tossed = `chill_space_account=${eve}`;
    const own = `__Host-chill_space_account=${ada}`;
    const emailOf = async (cookie: string, headers: Record<string, string> = TLS) =>
      (await server.browser('203.0.113.7').get('/api/me', { ...headers, cookie })).at('user.email');
    // Twice: what was found for the same header before does not count either.
    for (const cookie of [tossed, `x=${own}; ${tossed}`])
      for (const _ of [1, 2]) {
        expect(await emailOf(cookie, {})).toBe('eve@school.example');
        expect(await emailOf(cookie)).toBeUndefined();
      }
    for (const cookie of [`${tossed}; ${own}`, `${own}; ${tossed}`])
      for (const headers of [TLS, {}]) expect(await emailOf(cookie, headers)).toBe('ada@school.example');
  });

  it('keep no session of their sender when a person ends its other ones over TLS', async () => {
    const [eve, ada] = [await signInOverTls('eve'), await signInOverTls('ada')];
    const cookie = `chill_space_account=${eve}; __Host-chill_space_account=${ada}`;
    const browser = server.browser('203.0.113.7');
    const listed = await browser.get('/api/auth/list-sessions', { ...TLS, cookie });
    expect(listed.json).toContainEqual(expect.objectContaining({ isCurrent: true }));
    await browser.post('/api/auth/revoke-other-sessions', {}, { ...TLS, cookie });
    const own = { ...TLS, cookie: `__Host-chill_space_account=${ada}` };
    expect((await browser.get('/api/me', own)).at('user.email')).toBe('ada@school.example');
  });
});

describe('requests of other sites', () => {
  it('are refused where they change something', async () => {
    const evil = { origin: 'https://evil.example' };
    for (const path of [
      '/api/auth/sign-in/email',
      '/api/auth/sign-out',
      '/api/keys',
      '/api/setup',
      '/api/join',
      '/api/admin/invitations',
    ])
      expect([path, (await admin.post(path, {}, evil)).at('code')]).toEqual([path, 'origin_not_allowed']);
    expect(await admin.isSignedIn()).toBe(true);
  });

  it('are refused as a form, which needs no preflight', async () => {
    const form = await admin.post('/api/auth/sign-in/email', 'email=ada%40school.example', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect([form.status, form.at('code')]).toEqual([415, 'unsupported_media_type']);
    const sent = await server.browser().request('POST', '/api/auth/sign-in/email', undefined, {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(sent.at('code')).toBe('unsupported_media_type');
  });
});

describe('mass assignment', () => {
  it('gives no role, group or state to who joins', async () => {
    const token = (await admin.post('/api/admin/invitations', {})).textAt('token');
    const more = {
      role: 'admin',
      groupId: 'x',
      group_id: 'x',
      emailVerified: true,
      banned: false,
      id: 'chosen',
      twoFactorEnabled: true,
    };
    const eve = server.browser('192.0.2.8');
    const person = { token, invitation: token, name: 'Eve', email: 'eve@school.example', password: PASSWORD };
    expect((await eve.post('/api/auth/sign-up/email', { ...person, ...more })).status).toBe(201);
    const { db } = await store();
    const row = await db
      .selectFrom('users')
      .selectAll()
      .where('email', '=', 'eve@school.example')
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ role: 'member', groupId: null });
    expect(Boolean(row.emailVerified) || Boolean(row.twoFactorEnabled)).toBe(false);
    expect(row.id).not.toBe('chosen');
  });

  it('makes no account through better-auth without an invitation', async () => {
    const person = { name: 'Eve', email: 'eve@school.example', password: PASSWORD };
    const eve = server.browser('192.0.2.8');
    for (const path of [
      '/api/auth/sign-up/email',
      '/api/join',
      '/api/auth/admin/create-user',
      '/api/auth/sign-up/email/',
      '/api/auth//sign-up/email',
    ]) {
      const { status } = await eve.post(path, person);
      expect([path, [403, 404].includes(status)]).toEqual([path, true]);
    }
    for (const invitation of ['x', '', null, { $ne: null }, ['x']])
      expect((await eve.post('/api/auth/sign-up/email', { ...person, invitation })).status).toBeGreaterThanOrEqual(400);
    expect((await admin.get('/api/admin/users')).at('total')).toBe(1);
  });

  it('makes no account where SIGN_UP is closed, and only of allowed domains where it is open', async () => {
    const token = (await admin.post('/api/admin/invitations', { max_uses: 9 })).textAt('token');
    const person = { token, name: 'Eve', email: 'eve@evil.example', password: PASSWORD };
    await server.restart({ SIGN_UP: 'closed' });
    expect((await server.browser().post('/api/join', person)).status).toBe(403);
    await server.restart({ SIGN_UP: 'open', SIGN_UP_DOMAINS: 'school.example' });
    const { token: _token, ...without } = person;
    expect((await server.browser().post('/api/join', without)).at('data.reason')).toBe('domain');
    expect(
      (await server.browser().post('/api/join', { ...without, email: 'eve@school.example.evil.example' })).status,
    ).toBe(403);
    expect((await server.browser().post('/api/join', { ...without, email: 'eve@school.example' })).status).toBe(201);
  });
});

describe('access to what belongs to others', () => {
  it('is refused for keys, people and sessions', async () => {
    const bo = await joinAs(server, admin, 'Bo');
    const eve = await joinAs(server, admin, 'Eve');
    const key = (await bo.post('/api/keys', { name: 'K' })).textAt('id');
    expect((await eve.delete(`/api/keys/${key}`)).status).toBe(404);
    expect((await eve.get('/api/keys')).at('keys')).toEqual([]);
    const session = (await bo.get('/api/auth/list-sessions')).textAt('0.token');
    await eve.post('/api/auth/revoke-session', { token: session });
    expect(await bo.isSignedIn()).toBe(true);
    const id = await idOf('bo');
    for (const path of ['', '/sessions']) expect((await eve.get(`/api/admin/users/${id}${path}`)).status).toBe(403);
    expect((await eve.patch(`/api/admin/users/${await idOf('eve')}`, { role: 'admin' })).status).toBe(403);
    expect((await eve.post(`/api/admin/users/${id}/reset-link`)).status).toBe(403);
    expect((await eve.delete(`/api/admin/users/${id}`)).status).toBe(403);
    expect((await eve.get('/api/me/export')).at('user.email')).toBe('eve@school.example');
  });

  it('is refused for a key that asks for more than its owner or its scopes have', async () => {
    const bo = await joinAs(server, admin, 'Bo');
    expect((await bo.post('/api/keys', { name: 'K', scopes: ['admin'] })).status).toBe(403);
    const chat = (await admin.post('/api/keys', { name: 'K', scopes: ['chat'] })).textAt('key');
    const stats = (await admin.post('/api/keys', { name: 'K', scopes: ['admin', 'stats'] })).textAt('key');
    const caller = server.browser('192.0.2.9');
    const status = async (key: string, method: string, path: string, body?: unknown) =>
      (await caller.request(method, path, body, { authorization: `Bearer ${key}` })).status;
    expect(await status(chat, 'GET', '/api/admin/users')).toBe(403);
    expect(await status(chat, 'GET', '/api/cache-stats')).toBe(403);
    expect(await status(chat, 'GET', '/api/models')).toBe(200);
    expect(await status(stats, 'GET', '/api/admin/users')).toBe(200);
    // A key makes no other key, and is no sign-in.
    expect(await status(stats, 'POST', '/api/keys', { name: 'more' })).toBe(403);
    expect(await status(stats, 'GET', '/api/me/export')).toBe(403);
    expect(await status(stats, 'GET', '/api/auth/list-sessions')).toBe(401);
  });

  it('follows a role that was taken away, for sessions and keys', async () => {
    const bo = await joinAs(server, admin, 'Bo', { role: 'admin' });
    const key = (await bo.post('/api/keys', { name: 'K', scopes: ['admin'] })).textAt('key');
    const authorization = `Bearer ${key}`;
    expect((await server.browser('192.0.2.9').get('/api/admin/users', { authorization })).status).toBe(200);
    await admin.patch(`/api/admin/users/${await idOf('bo')}`, { role: 'member' });
    expect((await bo.get('/api/admin/users')).status).toBe(403);
    expect((await server.browser('192.0.2.9').get('/api/admin/users', { authorization })).status).toBe(403);
  });
});

describe('redirects', () => {
  it('lead to pages of this server only', async () => {
    await server.restart({ OIDC_ISSUER: 'http://127.0.0.1:9', OIDC_CLIENT_ID: 'x' });
    for (const callbackURL of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      'dashboard',
    ])
      expect(
        (await server.browser().post('/api/auth/sign-in/social', { provider: 'oidc', callbackURL })).at('code'),
      ).toBe('invalid_request');
    const returned = await server.browser().get('/api/auth/callback/oidc?state=x&code=y&error=https://evil.example');
    expect(returned.headers.get('location')).toMatch(/^\/sign-in\?error=/);
  });
});

/** Counts hashes by scrypt from now on. */
function countHashes(): { counted: () => number; stop: () => void } {
  let count = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'SCRYPTREQUEST') count += 1;
    },
  }).enable();
  return { counted: () => count, stop: () => hook.disable() };
}
