import { afterEach, beforeEach, expect, it } from 'vitest';
import { MAX_WRONG_LINKS } from '#lib/people/accounts/password-throttle';
import { RetentionSweeper } from '#lib/store/retention';
import { retentionRules } from '#lib/store/retention-rules';
import { store } from '#lib/store/store';
import { HOUR_MS } from '#lib/units';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  PASSWORD,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';

/** A reset link is valid as long as the person who made it may make it. */

const API_KEY = 'a-key-of-the-settings-0123';

let server: AccountsServer;
let admin: Browser;
let group: string;
let manager: Browser;

beforeEach(async () => {
  server = await startAccounts({ API_KEYS: API_KEY });
  admin = await setUpAdministrator(server);
  group = (await admin.post('/api/admin/groups', { name: 'Class 9b' })).textAt('id');
  manager = await joinAs(server, admin, 'Max', { role: 'manager', group_id: group });
  await joinAs(server, admin, 'Bo', { group_id: group });
});
afterEach(() => server.close());

const idOf = async (name: string) => (await admin.get(`/api/admin/users?search=${name}`)).textAt('users.0.id');
const change = async (name: string, changes: object) =>
  expect((await admin.patch(`/api/admin/users/${await idOf(name)}`, changes)).status).toBe(200);

async function linkFor(name: string, maker: Browser, headers: Record<string, string> = {}): Promise<string> {
  const made = await maker.post(`/api/admin/users/${await idOf(name)}/reset-link`, {}, headers);
  return new URL(made.textAt('url')).searchParams.get('token') ?? '';
}

const check = (token: string) => server.browser().post('/api/auth/reset-link', { token });

/** 200, or 400 as for a link that never was. */
async function use(token: string): Promise<number> {
  const used = await server.browser().post('/api/auth/reset-password', { token, newPassword: 'another pass phrase' });
  if (used.status === 400) expect(used.at('code')).toBe('INVALID_TOKEN');
  return used.status;
}

it.each<[string, () => Promise<unknown>]>([
  ['is demoted', () => change('Max', { role: 'member' })],
  ['is disabled', () => change('Max', { disabled: true })],
  ['manages another group', () => change('Max', { group_id: null })],
  ['is deleted', async () => admin.delete(`/api/admin/users/${await idOf('Max')}`)],
  ['is replaced', async () => admin.patch(`/api/admin/groups/${group}`, { manager_id: await idOf('Bo') })],
])('ends when the manager who made it %s', async (_what, end) => {
  const token = await linkFor('Bo', manager);
  await end();
  expect(await use(token)).toBe(400);
  expect((await server.browser('192.0.2.7').signIn('bo@school.example', PASSWORD)).status).toBe(200);
  // Also where the manager may make another one later.
  expect(await use(token)).toBe(400);
});

it.each([
  ['joins another group', { group_id: null }],
  ['is an administrator', { role: 'admin' }],
  ['is a manager', { role: 'manager' }],
])('ends when the person whom a manager made it for %s', async (_what, changes) => {
  const token = await linkFor('Bo', manager);
  await change('Bo', changes);
  expect(await use(token)).toBe(400);
});

it.each([
  ['demoted', { role: 'member' }],
  ['disabled', { disabled: true }],
])('ends when the administrator who made it is %s', async (_what, changes) => {
  const other = await joinAs(server, admin, 'Other', { role: 'admin' });
  const token = await linkFor('Bo', other);
  await change('Other', changes);
  expect(await use(token)).toBe(400);
});

it('stays valid over a restart and changes that leave the right to it', async () => {
  const tokens = [
    await linkFor('Bo', manager),
    await linkFor('Max', admin),
    await linkFor('Ada', server.browser('192.0.2.8'), { authorization: `Bearer ${API_KEY}` }),
  ];
  await change('Max', { role: 'admin' });
  await server.restart();
  for (const token of tokens) expect(await use(token)).toBe(200);
});

it('is deleted once it has expired, and no earlier', async () => {
  const token = await linkFor('Bo', admin);
  const rows = async () => (await (await store()).db.selectFrom('verifications').select('id').execute()).length;
  const sweepAfter = async (ms: number) => {
    const nowMs = Date.now() + ms;
    await new RetentionSweeper(await store(), retentionRules(), { now: () => nowMs, monotonic: () => nowMs }).sweep();
    return await rows();
  };
  expect(await sweepAfter(23 * HOUR_MS)).toBe(1);
  expect(await use(token)).toBe(200);
  await linkFor('Bo', admin);
  expect(await sweepAfter(25 * HOUR_MS)).toBe(0);
});

it('is checked for its page without being used up, and says once it was used', async () => {
  const token = await linkFor('Bo', admin);
  for (let count = 0; count < 2; count++) {
    const checked = await check(token);
    expect(checked.status).toBe(200);
    const leftMs = new Date(checked.textAt('expires_at')).getTime() - Date.now();
    expect(leftMs).toBeGreaterThan(23 * HOUR_MS);
    expect(leftMs).toBeLessThanOrEqual(24 * HOUR_MS);
  }
  expect(await use(token)).toBe(200);
  const used = await check(token);
  expect([used.status, used.at('code'), used.at('data.reason')]).toEqual([404, 'not_found', 'reset_link']);
});

it('is dead to its page when its maker could not make it any more', async () => {
  const token = await linkFor('Bo', manager);
  await change('Max', { role: 'member' });
  expect((await check(token)).status).toBe(404);
});

it('is dead to its page once it has expired', async () => {
  const token = await linkFor('Bo', admin);
  const { db } = await store();
  await db
    .updateTable('verifications')
    .set({ expiresAt: new Date(Date.now() - 1).toISOString() })
    .execute();
  expect((await check(token)).status).toBe(404);
});

it('bounds how many wrong tokens one address tries, and opens right links there', async () => {
  const token = await linkFor('Bo', admin);
  const invitation = (await admin.post('/api/admin/invitations')).textAt('token');
  const tries = [];
  for (let count = 0; count <= MAX_WRONG_LINKS; count++) tries.push((await check(`wrong-${count}`)).status);
  expect(tries.slice(0, -1).every((status) => status === 404)).toBe(true);
  expect(tries.at(-1)).toBe(429);
  expect(await use('wrong')).toBe(429);
  const guest = server.browser();
  const wrong = { name: 'Cy', email: 'cy@school.example', password: PASSWORD, token: 'wrong' };
  expect((await guest.get('/api/join?token=wrong')).status).toBe(429);
  expect((await guest.post('/api/join', wrong)).status).toBe(429);
  expect((await check(token)).status).toBe(200);
  expect(await use(token)).toBe(200);
  expect((await guest.get(`/api/join?token=${invitation}`)).status).toBe(200);
  expect((await guest.post('/api/join', { ...wrong, token: invitation })).status).toBe(201);
});
