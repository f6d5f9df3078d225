import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import Provider from 'oidc-provider';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { MAX_PROVIDER_SIGN_INS, passwordThrottle } from '#lib/people/accounts/password-throttle';
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

/** Single sign-on against a real provider on loopback. */

const GROUPS: Record<string, string[]> = { ada: ['staff', 'admins'], bo: ['pupils'], eve: [] };
const SECRET = 'the-secret-of-this-client';

/** People whose address the provider has not verified, and the claim that says so. */
const UNVERIFIED: Record<string, unknown> = { mal: false, moe: 'false' };

let provider: Server;
let issuer: string;
let server: AccountsServer;
let admin: Browser;

async function startProvider(at = 0): Promise<void> {
  provider = createServer().listen(at, '127.0.0.1');
  await once(provider, 'listening');
  const { port } = z.object({ port: z.number() }).parse(provider.address());
  issuer = `http://127.0.0.1:${port}`;
  const oidc = new Provider(issuer, {
    clients: [
      {
        client_id: 'chill-space',
        client_secret: SECRET,
        redirect_uris: [`${ORIGIN}/api/auth/callback/oidc`],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => ({
        sub: id,
        name: `${id} of the school`,
        ...(id === 'noaddress' ? {} : { email: `${id}@school.example` }),
        ...(id === 'silent' ? {} : { email_verified: UNVERIFIED[id] ?? true }),
        groups: GROUPS[id] ?? [],
      }),
    }),
  });
  // Its notices are about production.
  oidc.on('server_error', () => undefined);
  provider.on('request', oidc.callback());
}

const settings = (more: Record<string, string> = {}) => ({
  OIDC_ISSUER: issuer,
  OIDC_CLIENT_ID: 'chill-space',
  OIDC_CLIENT_SECRET: SECRET,
  OIDC_NAME: 'School',
  ...more,
});

beforeEach(async () => {
  await startProvider();
  server = await startAccounts(settings());
  admin = await setUpAdministrator(server);
});
afterEach(async () => {
  await server.close();
  provider.closeAllConnections();
  provider.close();
});

/** Follows the provider's pages as a browser does. Returns the address that leads back here. */
async function atProvider(start: string, account: string, refuses = false): Promise<string> {
  const jar = new Map<string, string>();
  let url = start;
  let init: RequestInit = {};
  for (let step = 0; step < 12; step++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, cookie } });
    for (const each of response.headers.getSetCookie()) {
      const [pair = ''] = each.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const text = await response.text();
    const location = response.headers.get('location');
    init = {};
    if (location !== null) {
      url = new URL(location, url).href;
      if (url.startsWith(`${ORIGIN}/`)) return url;
      continue;
    }
    const [, action] = /action="([^"]+)"/.exec(text) ?? [];
    if (action === undefined) throw new Error(`no form: ${response.status} ${text.slice(0, 500)}`);
    if (refuses) {
      const [, abort] = /href="([^"]+\/abort)"/.exec(text) ?? [];
      url = new URL(abort ?? '', url).href;
      continue;
    }
    const prompt = text.includes('value="login"') ? 'login' : 'consent';
    const form = new URLSearchParams({ prompt, ...(prompt === 'login' ? { login: account, password: 'any' } : {}) });
    url = new URL(action, url).href;
    init = { method: 'POST', body: form, headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  }
  throw new Error('the provider leads nowhere');
}

async function begin(browser: Browser, more: Record<string, unknown> = {}): Promise<string> {
  const begun = await browser.post('/api/auth/sign-in/social', {
    provider: 'oidc',
    callbackURL: '/dashboard',
    ...more,
  });
  return begun.textAt('url');
}

/** Signs in at the provider and comes back. Returns where the callback leads. */
async function signIn(browser: Browser, account: string, more: Record<string, unknown> = {}): Promise<string> {
  const back = await atProvider(await begin(browser, more), account);
  return whereTo(browser, back);
}

async function whereTo(browser: Browser, back: string): Promise<string> {
  const response = await browser.get(back.slice(ORIGIN.length));
  const [, page] = /content="0;url=([^"]+)"/.exec(response.text) ?? [];
  return page ?? response.headers.get('location') ?? `${response.status}`;
}

const personOf = async (name: string) => (await admin.get(`/api/admin/users?search=${name}`)).at('users.0');

it('signs in a person with an invitation, and again without one', async () => {
  const browser = server.browser('192.0.2.1');
  expect(await signIn(browser, 'bo')).toMatch(/^\/sign-in\?error=sign_up_refused/);
  expect(await browser.isSignedIn()).toBe(false);
  const invitation = (await admin.post('/api/admin/invitations', { max_uses: 1 })).textAt('token');
  expect(await signIn(browser, 'bo', { invitation })).toBe('/dashboard');
  expect(await browser.isSignedIn()).toBe(true);
  const { db } = await store();
  expect(await db.selectFrom('invitation_claims').selectAll().execute()).toEqual([]);
  expect(await personOf('bo')).toMatchObject({ name: 'bo of the school', role: 'member' });
  expect(await signIn(server.browser('192.0.2.2'), 'bo')).toBe('/dashboard');
  expect(await signIn(server.browser('192.0.2.3'), 'eve', { invitation })).toMatch(/error=sign_up_refused/);
  expect((await admin.get('/api/admin/users')).at('total')).toBe(2);
});

it('takes role and group from the claim at each sign-in', async () => {
  await server.restart(settings({ OIDC_ADMIN_GROUP: 'admins', OIDC_GROUPS: 'pupils=Class 9b,staff=Teachers' }));
  await admin.post('/api/admin/groups', { name: 'Class 9b' });
  await admin.post('/api/admin/groups', { name: 'Teachers' });
  const bo = server.browser('192.0.2.1');
  expect(await signIn(bo, 'bo')).toBe('/dashboard');
  expect(await personOf('bo')).toMatchObject({ role: 'member', group: { name: 'Class 9b' } });
  expect((await bo.get('/api/admin/users')).status).toBe(403);
  GROUPS.bo = ['staff', 'admins'];
  await signIn(bo, 'bo');
  expect(await personOf('bo')).toMatchObject({ role: 'admin', group: { name: 'Teachers' } });
  expect((await bo.get('/api/admin/users')).status).toBe(200);
  GROUPS.bo = ['pupils'];
  await signIn(bo, 'bo');
  expect((await bo.get('/api/admin/users')).status).toBe(403);
  expect(await signIn(server.browser('192.0.2.9'), 'eve')).toMatch(/error=sign_up_refused/);
});

it('makes no one manager of a group that the provider names', async () => {
  await server.restart(settings({ OIDC_GROUPS: 'pupils=Class 9b,staff=Teachers' }));
  const group = (await admin.post('/api/admin/groups', { name: 'Class 9b' })).textAt('id');
  await admin.post('/api/admin/groups', { name: 'Teachers' });
  const bo = server.browser('192.0.2.1');
  GROUPS.bo = ['pupils'];
  await signIn(bo, 'bo');
  const id = (await admin.get('/api/admin/users?search=bo')).textAt('users.0.id');
  await admin.patch(`/api/admin/groups/${group}`, { manager_id: id });
  await signIn(bo, 'bo');
  expect(await personOf('bo')).toMatchObject({ role: 'manager', group: { name: 'Class 9b' } });
  GROUPS.bo = ['staff'];
  await signIn(bo, 'bo');
  expect(await personOf('bo')).toMatchObject({ role: 'member', group: { name: 'Teachers' } });
  GROUPS.bo = ['pupils'];
});

it('needs no invitation with OIDC_SIGN_UP, and lets no one join where SIGN_UP is closed', async () => {
  await server.restart(settings({ OIDC_SIGN_UP: 'true' }));
  expect(await signIn(server.browser('192.0.2.1'), 'eve')).toBe('/dashboard');
  await server.restart(settings({ OIDC_SIGN_UP: 'true', SIGN_UP: 'closed' }));
  expect(await signIn(server.browser('192.0.2.1'), 'eve')).toBe('/dashboard');
  expect(await signIn(server.browser('192.0.2.2'), 'bo')).toMatch(/error=sign_up_refused/);
  await server.restart(settings({ OIDC_SIGN_UP: 'true', SIGN_UP_DOMAINS: 'other.example' }));
  expect(await signIn(server.browser('192.0.2.2'), 'bo')).toMatch(/error=sign_up_refused/);
});

it.each(['mal', 'moe'])('counts no address that the provider has not verified: %s', async (name) => {
  const address = `${name}@school.example`;
  const joins = (more: Record<string, unknown> = {}) => signIn(server.browser('192.0.2.1'), name, more);
  await server.restart(settings({ OIDC_SIGN_UP: 'true', SIGN_UP_DOMAINS: 'school.example' }));
  expect(await joins()).toMatch(/error=email_not_verified/);
  const invited = await admin.post('/api/admin/invitations', { email: address });
  expect(await joins({ invitation: invited.textAt('token') })).toMatch(/error=email_not_verified/);
  expect(await signIn(server.browser('192.0.2.2'), 'eve')).toBe('/dashboard');
  expect(await signIn(server.browser('192.0.2.3'), 'silent')).toBe('/dashboard');

  await server.restart(settings());
  expect(await joins({ invitation: invited.textAt('token') })).toMatch(/error=sign_up_refused/);
  const forAnyone = (await admin.post('/api/admin/invitations', {})).textAt('token');
  expect(await joins({ invitation: forAnyone })).toBe('/dashboard');
  const { db } = await store();
  const person = await db
    .selectFrom('users')
    .select('emailVerified')
    .where('email', '=', address)
    .executeTakeFirstOrThrow();
  expect(Boolean(person.emailVerified)).toBe(false);
});

it('joins no account that is there by an address that is not verified', async () => {
  await joinAs(server, admin, 'Mal');
  await server.restart(settings({ OIDC_SIGN_UP: 'true' }));
  const other = server.browser('192.0.2.1');
  expect(await signIn(other, 'mal')).toMatch(/^\/sign-in\?error=/);
  expect(await other.isSignedIn()).toBe(false);
});

it('follows SIGN_UP and SIGN_UP_DOMAINS as administrators change them while the server runs', async () => {
  await server.restart(settings({ OIDC_SIGN_UP: 'true' }));
  const set = async (change: Record<string, unknown>) =>
    expect((await admin.patch('/api/admin/settings', change)).status).toBe(200);
  expect(await signIn(server.browser('192.0.2.1'), 'eve')).toBe('/dashboard');
  await set({ SIGN_UP: 'closed' });
  expect(await signIn(server.browser('192.0.2.2'), 'bo')).toMatch(/error=sign_up_refused/);
  await set({ SIGN_UP: null, SIGN_UP_DOMAINS: 'other.example' });
  expect(await signIn(server.browser('192.0.2.2'), 'bo')).toMatch(/error=sign_up_refused/);
  await set({ SIGN_UP_DOMAINS: null });
  expect(await signIn(server.browser('192.0.2.2'), 'bo')).toBe('/dashboard');
});

it('does not take over an account with the same address; its owner links it', async () => {
  const bo = await joinAs(server, admin, 'Bo');
  await server.restart(settings({ OIDC_SIGN_UP: 'true' }));
  const other = server.browser('192.0.2.1');
  expect(await signIn(other, 'bo')).toMatch(/error=account_not_linked/);
  expect(await other.isSignedIn()).toBe(false);
  const begun = await bo.post('/api/auth/link-social', { provider: 'oidc', callbackURL: '/account' });
  expect(await whereTo(bo, await atProvider(begun.textAt('url'), 'bo'))).toBe('/account');
  expect(await signIn(other, 'bo')).toBe('/dashboard');
});

/** Links the account of a person who is signed in. Returns where the callback leads. */
async function link(browser: Browser, account: string): Promise<string> {
  const begun = await browser.post('/api/auth/link-social', { provider: 'oidc', callbackURL: '/account?linked=1' });
  return whereTo(browser, await atProvider(begun.textAt('url'), account));
}

const changesOf = async (action: string) => {
  await (await store()).flush();
  return (await admin.get(`/api/admin/audit?action=${action}`)).at('entries');
};

it('says whether an account is linked, and unlinks it with its password', async () => {
  const bo = await joinAs(server, admin, 'Bo');
  expect((await bo.get('/api/me')).at('provider')).toEqual({ name: 'School', linked: false });
  expect((await bo.post('/api/auth/unlink-provider', { password: PASSWORD })).status).toBe(404);
  expect(await link(bo, 'bo')).toBe('/account?linked=1');
  expect((await bo.get('/api/me')).at('provider')).toEqual({ name: 'School', linked: true });
  expect(await changesOf('account.link_provider')).toMatchObject([{ actor: { name: 'Bo' }, target_name: 'Bo' }]);
  // Signing in is no new link.
  expect(await signIn(server.browser('192.0.2.1'), 'bo')).toBe('/dashboard');
  expect(await changesOf('account.link_provider')).toHaveLength(1);

  expect((await bo.post('/api/auth/unlink-provider', {})).status).toBe(403);
  expect((await bo.post('/api/auth/unlink-provider', { password: 'wrong' })).status).toBe(403);
  expect((await server.browser().post('/api/auth/unlink-provider', { password: PASSWORD })).status).toBe(401);
  expect((await bo.post('/api/auth/unlink-provider', { password: PASSWORD })).status).toBe(200);
  expect((await bo.get('/api/me')).at('provider')).toEqual({ name: 'School', linked: false });
  expect(await signIn(server.browser('192.0.2.2'), 'bo')).toMatch(/error=account_not_linked/);
  expect(await changesOf('account.unlink_provider')).toHaveLength(1);
});

it('never unlinks the only way to sign in', async () => {
  await server.restart(settings({ OIDC_SIGN_UP: 'true' }));
  const bo = server.browser('192.0.2.1');
  await signIn(bo, 'bo');
  expect((await bo.get('/api/me')).json).toMatchObject({ has_password: false, provider: { linked: true } });
  // Joining is no link of an account that was there.
  expect(await changesOf('account.link_provider')).toEqual([]);
  const refused = await bo.post('/api/auth/unlink-provider', { password: 'any' });
  expect([refused.status, refused.at('data.reason')]).toEqual([409, 'last_way_to_sign_in']);
  expect(await signIn(server.browser('192.0.2.2'), 'bo')).toBe('/dashboard');
});

it.each([
  ['of another address', 'Bo', 'eve', /^\/account\?error=email_does_not_match/],
  ['whose address is not verified', 'Mal', 'mal', /^\/account\?error=email_not_verified/],
])('links no account at the provider %s', async (_what, name, account, refusal) => {
  const person = await joinAs(server, admin, name);
  expect(await link(person, account)).toMatch(refusal);
  expect((await person.get('/api/me')).at('provider.linked')).toBe(false);
});

it('links an account of a provider that says nothing of whether it verified the address', async () => {
  const person = await joinAs(server, admin, 'Silent');
  expect(await link(person, 'silent')).toBe('/account?linked=1');
  expect(await signIn(server.browser('192.0.2.1'), 'silent')).toBe('/dashboard');
});

it('refuses a callback without its cookie, a second time, with another state and a disabled person', async () => {
  await server.restart(settings({ OIDC_SIGN_UP: 'true' }));
  const browser = server.browser('192.0.2.1');
  const back = await atProvider(await begin(browser), 'bo');
  const victim = server.browser('192.0.2.2');
  expect(await whereTo(victim, back)).toMatch(/^\/sign-in\?error=state_mismatch/);
  expect(await whereTo(browser, back.replace(/state=[^&]+/, 'state=other'))).toMatch(/^\/sign-in\?error=/);
  expect(await whereTo(browser, back)).toBe('/dashboard');
  expect(await whereTo(browser, back)).toMatch(/^\/sign-in\?error=/);
  const { db } = await store();
  const person = await db
    .selectFrom('users')
    .select('id')
    .where('email', '=', 'bo@school.example')
    .executeTakeFirstOrThrow();
  await admin.patch(`/api/admin/users/${person.id}`, { disabled: true });
  expect(await signIn(server.browser('192.0.2.3'), 'bo')).toMatch(/^\/sign-in\?error=BANNED_USER/);
});

it('leads back to the sign-in page where the provider refuses', async () => {
  const browser = server.browser('192.0.2.1');
  expect(await whereTo(browser, await atProvider(await begin(browser), 'bo', true))).toMatch(/error=access_denied/);
  await server.restart(settings({ OIDC_SIGN_UP: 'true' }));
  expect(await signIn(browser, 'noaddress')).toMatch(/error=email_not_found/);
  await server.restart(settings({ OIDC_SIGN_UP: 'true', OIDC_CLIENT_SECRET: 'a-wrong-secret' }));
  expect(await signIn(browser, 'bo')).toMatch(/error=invalid_code/);
});

it('says that the provider is not there, and works once it is', async () => {
  const { port } = z.object({ port: z.number() }).parse(provider.address());
  await new Promise<void>((resolve) => {
    provider.close(() => resolve());
    provider.closeAllConnections();
  });
  await server.restart(settings({ OIDC_SIGN_UP: 'true' }));
  const browser = server.browser('192.0.2.1');
  const refused = await browser.post('/api/auth/sign-in/social', { provider: 'oidc' });
  expect(refused.status).toBeGreaterThanOrEqual(400);
  expect(refused.textAt('error')).not.toBe('');
  // The same server, without a restart.
  await startProvider(port);
  expect(await signIn(browser, 'bo')).toBe('/dashboard');
});

it('begins a bounded number of sign-ins for one address, of which each is a row', async () => {
  for (let index = 0; index < MAX_PROVIDER_SIGN_INS; index++) passwordThrottle().beginAtProvider('192.0.2.1');
  const begin = (address: string) => server.browser(address).post('/api/auth/sign-in/social', { provider: 'oidc' });
  expect((await begin('192.0.2.1')).status).toBe(429);
  expect((await begin('192.0.2.2')).status).toBe(200);
});

it('has the cookie of its state for navigations from the provider, and no other', async () => {
  const browser = server.browser('192.0.2.1');
  const begun = await browser.post('/api/auth/sign-in/social', { provider: 'oidc' });
  expect(begun.headers.getSetCookie().join()).toMatch(/^chill_space_state=[^;]+;.*HttpOnly; SameSite=Lax$/);
  expect((await browser.get('/api/auth/options')).at('provider')).toEqual({ id: 'oidc', name: 'School' });
});
