import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openWork } from '#lib/http/open-work';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  PASSWORD,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';

/** Streams end with the session that they belong to, whatever ended it, and no others do. */

let server: AccountsServer;
let admin: Browser;
let bo: Browser;
let elsewhere: Browser;
let id: string;

beforeEach(async () => {
  server = await startAccounts();
  admin = await setUpAdministrator(server);
  bo = await joinAs(server, admin, 'Bo');
  elsewhere = server.browser('192.0.2.4');
  await elsewhere.signIn('bo@school.example', PASSWORD);
  id = (await bo.get('/api/me')).textAt('user.id');
});
afterEach(async () => {
  await server.close();
});

/** Opens a stream with credentials as a route does. Returns whether it was ended. */
async function openStream(values: Record<string, string>): Promise<() => boolean> {
  const headers = { get: (name: string) => values[name] ?? null };
  const principal = await accountIdentities().verify(headers, '192.0.2.1', Date.now(), false, false);
  if (principal === undefined) throw new Error('not signed in');
  const endNow = vi.fn();
  openWork().add(principal.caller, { session: principal.session, endNow });
  return () => endNow.mock.calls.length > 0;
}

const streamOf = (browser: Browser) => openStream({ cookie: browser.cookieHeader });
const NEW_PASSWORD = 'another pass phrase';

async function sessionOf(browser: Browser, isCurrent: boolean): Promise<string> {
  const list = await browser.get('/api/auth/list-sessions');
  return list.textAt(list.at('0.isCurrent') === isCurrent ? '0.token' : '1.token');
}

const ENDS_OF_ELSEWHERE: [string, () => Promise<{ status: number }>][] = [
  ['it signs out', () => elsewhere.post('/api/auth/sign-out')],
  ['it signs out at /api/session', () => elsewhere.delete('/api/session')],
  [
    'another browser ends it in the list',
    async () => bo.post('/api/auth/revoke-session', { token: await sessionOf(bo, false) }),
  ],
  ['another browser ends all others', () => bo.post('/api/auth/revoke-other-sessions')],
];

it.each(ENDS_OF_ELSEWHERE)('ends the streams of one session when %s', async (_way, end) => {
  const [ended, own, key] = await Promise.all([streamOf(elsewhere), streamOf(bo), openKeyStream()]);
  expect((await end()).status).toBeLessThan(300);
  expect(await elsewhere.isSignedIn()).toBe(false);
  expect([ended(), own(), key()]).toEqual([true, false, false]);
});

const ENDS_OF_ALL: [string, () => Promise<{ status: number }>][] = [
  ['an administrator signs the person out everywhere', () => admin.delete(`/api/admin/users/${id}/sessions`)],
  ['an administrator sets a temporary password', () => admin.post(`/api/admin/users/${id}/temporary-password`)],
  [
    'a reset link is used',
    async () => {
      const link = (await admin.post(`/api/admin/users/${id}/reset-link`)).textAt('url');
      const token = new URL(link).searchParams.get('token');
      return server.browser().post('/api/auth/reset-password', { token, newPassword: NEW_PASSWORD });
    },
  ],
  [
    'the password is changed with all other sessions ended',
    () =>
      bo.post('/api/auth/change-password', {
        currentPassword: PASSWORD,
        newPassword: NEW_PASSWORD,
        revokeOtherSessions: true,
      }),
  ],
];

it.each(ENDS_OF_ALL)('ends the streams of all sessions of a person when %s', async (_way, end) => {
  const streams = await Promise.all([streamOf(elsewhere), streamOf(bo), openKeyStream(), streamOf(admin)]);
  expect((await end()).status).toBeLessThan(300);
  expect(await elsewhere.isSignedIn()).toBe(false);
  expect(streams.map((hasEnded) => hasEnded())).toEqual([true, true, false, false]);
});

it('ends a stream that begins after its session has ended', async () => {
  const headers = { get: (name: string) => (name === 'cookie' ? elsewhere.cookieHeader : null) };
  const principal = await accountIdentities().verify(headers, '192.0.2.1', Date.now(), false, false);
  await elsewhere.post('/api/auth/sign-out');
  const endNow = vi.fn();
  openWork().add(principal?.caller ?? '', { session: principal?.session, endNow });
  await vi.waitFor(() => expect(endNow).toHaveBeenCalledOnce());
});

async function openKeyStream(): Promise<() => boolean> {
  const key = (await bo.post('/api/keys', { name: 'K' })).textAt('key');
  return openStream({ authorization: `Bearer ${key}` });
}
