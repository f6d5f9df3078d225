import { afterEach, beforeEach, expect, it } from 'vitest';
import { store } from '#lib/store/store';
import { groupListSchema, invitationListSchema } from '#lib/wire/people';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';

/** What the pages of accounts and of people ask for. */

let server: AccountsServer;
let admin: Browser;

beforeEach(async () => {
  server = await startAccounts();
  admin = await setUpAdministrator(server);
});
afterEach(() => server.close());

it('lists people by role, together with the other filters', async () => {
  const group = (await admin.post('/api/admin/groups', { name: 'Class 9b' })).textAt('id');
  const manager = await joinAs(server, admin, 'Max', { role: 'manager', group_id: group });
  await joinAs(server, admin, 'Bo', { group_id: group });
  await joinAs(server, admin, 'Eve');
  const { db } = await store();
  // A row of before there were roles.
  await db.updateTable('users').set({ role: null }).where('name', '=', 'Eve').execute();
  const found = async (browser: Browser, query: string) => {
    const list = await browser.get(`/api/admin/users?${query}`);
    const users = list.at('users') as { name: string }[];
    return [users.map(({ name }) => name), list.at('total')];
  };
  expect(await found(admin, 'role=admin')).toEqual([['Ada'], 1]);
  expect(await found(admin, 'role=manager')).toEqual([['Max'], 1]);
  expect(await found(admin, 'role=member')).toEqual([['Bo', 'Eve'], 2]);
  expect(await found(admin, `role=member&group_id=${group}`)).toEqual([['Bo'], 1]);
  expect(await found(admin, 'role=member&search=eve')).toEqual([['Eve'], 1]);
  expect(await found(admin, 'role=member&limit=1')).toEqual([['Bo'], 2]);
  expect(await found(manager, 'role=member')).toEqual([['Bo'], 1]);
  const refused = await admin.get('/api/admin/users?role=owner');
  expect([refused.status, refused.textAt('error')]).toEqual([400, 'role must be admin, manager or member.']);
});

it('refuses limits of a key above those of the person, and takes them up to these', async () => {
  const bo = await joinAs(server, admin, 'Bo');
  const id = (await admin.get('/api/admin/users?search=bo')).textAt('users.0.id');
  const limits = { tokens_per_day: { limit: 1000, kind: 'share' }, output_tokens: 50, context_tokens: 0 };
  await admin.patch('/api/admin/limits', { scope: { kind: 'user', id }, limits });
  const asked = { tokens_per_day: 1001, output_tokens: 51, context_tokens: 9000, code_seconds_per_day: 9000 };
  const refused = await bo.post('/api/keys', { name: 'Editor', limits: asked });
  expect([refused.status, refused.at('error'), refused.at('details')]).toEqual([
    400,
    'limits.tokens_per_day must be at most 1000, which is your own limit.',
    [
      { field: 'limits.tokens_per_day', message: 'must be at most 1000, which is your own limit' },
      { field: 'limits.output_tokens', message: 'must be at most 50, which is your own limit' },
    ],
  ]);
  expect((await bo.get('/api/keys')).at('keys')).toEqual([]);
  const lower = { ...asked, tokens_per_day: 1000, output_tokens: 50 };
  const made = await bo.post('/api/keys', { name: 'Editor', limits: lower });
  expect([made.status, made.at('limits')]).toEqual([201, lower]);
});

it('says whether a person has a password, and nothing of it to a key', async () => {
  const bo = await joinAs(server, admin, 'Bo');
  expect((await bo.get('/api/me')).at('has_password')).toBe(true);
  const key = (await bo.post('/api/keys', { name: 'Editor' })).textAt('key');
  const byKey = await server.browser().get('/api/me', { authorization: `Bearer ${key}` });
  expect(byKey.at('has_password')).toBeNull();
  const { db } = await store();
  await db.updateTable('credentials').set({ providerId: 'oidc', password: null }).execute();
  expect((await bo.get('/api/me')).at('has_password')).toBe(false);
});

it('finds groups by part of their name, a page at a time', async () => {
  for (const name of ['Class 9a', 'Class 9b', 'Physics', 'Ärzte']) await admin.post('/api/admin/groups', { name });
  const found = async (query: string) => {
    const list = groupListSchema.parse((await admin.get(`/api/admin/groups?${query}`)).json);
    return [list.groups.map(({ name }) => name), list.next_cursor === null];
  };
  expect(await found('search=CLASS')).toEqual([['Class 9a', 'Class 9b'], true]);
  expect(await found('search=class&limit=1')).toEqual([['Class 9a'], false]);
  const { next_cursor: cursor } = groupListSchema.parse(
    (await admin.get('/api/admin/groups?search=class&limit=1')).json,
  );
  expect(await found(`search=class&limit=1&cursor=${cursor}`)).toEqual([['Class 9b'], true]);
  expect(await found(`search=${encodeURIComponent('Ärz')}`)).toEqual([['Ärzte'], true]);
  expect(await found('search=none')).toEqual([[], true]);
});

it('says who made an invitation, and when', async () => {
  await admin.post('/api/admin/invitations', { max_uses: 30 });
  const key = 'a-key-of-the-settings-0123';
  await server.restart({ API_KEYS: key });
  const byKey = { authorization: `Bearer ${key}` };
  await server.browser('192.0.2.9').post('/api/admin/invitations', { max_uses: 30 }, byKey);
  const { invitations } = invitationListSchema.parse((await admin.get('/api/admin/invitations')).json);
  expect(new Set(invitations.map(({ created_by: by }) => by?.name ?? null))).toEqual(new Set(['Ada', null]));
  for (const { created_at: at } of invitations) expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
});
