import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { today } from '#lib/people/usage/usage-service';
import { usageStatements } from '#lib/people/usage/usage-statements';
import { store } from '#lib/store/store';
import { auditListSchema } from '#lib/wire/people';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  PASSWORD,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';
import { usageRow } from '../support/usage.ts';

/** What administrators find in the audit log. */

let server: AccountsServer;
let admin: Browser;

beforeEach(async () => {
  server = await startAccounts();
  admin = await setUpAdministrator(server);
});
afterEach(() => server.close());

async function entries(query = '') {
  await (await store()).flush();
  return auditListSchema.parse((await admin.get(`/api/admin/audit?${query}`)).json).entries;
}

const setLimits = (kind: string, id: string) =>
  admin.patch('/api/admin/limits', { scope: { kind, id }, limits: { output_tokens: 10 } });

it('names the person, the group and the key of limits, and keeps their ids', async () => {
  const group = (await admin.post('/api/admin/groups', { name: 'Class $& 9b' })).textAt('id');
  await joinAs(server, admin, 'Bo');
  const bo = (await admin.get('/api/admin/users?search=bo')).textAt('users.0.id');
  const key = (await admin.post('/api/admin/keys', { name: 'Front end', group_id: group })).textAt('id');
  await setLimits('user', bo);
  await setLimits('group', group);
  await setLimits('key', key);
  await setLimits('default', '');
  const shown = (await entries('action=limits.change')).map(({ target, target_name, summary }) => [
    target,
    target_name,
    summary,
  ]);
  const expected = [
    ['default', null, 'changed the limits of everyone'],
    [`key:${key}`, 'Front end', 'changed the limits of the key “Front end” of the group “Class $& 9b”'],
    [`group:${group}`, 'Class $& 9b', 'changed the limits of the group “Class $& 9b”'],
    [`user:${bo}`, 'Bo', 'changed the limits of Bo'],
  ];
  expect(shown).toEqual(expected);

  await admin.delete(`/api/admin/users/${bo}`);
  await admin.delete(`/api/admin/groups/${group}`);
  const [removed] = await entries(`target=user:${bo}&action=limits.delete`);
  expect(removed).toMatchObject({ target_name: 'Bo', summary: 'removed the limits of Bo' });
  const later = (await entries('action=limits.change')).map(({ target, target_name }) => [target, target_name]);
  expect(later).toEqual(expected.map(([target, name]) => [target, name]));
  expect((await entries(`target=${bo}&action=user.delete`))[0]?.target_name).toBe('Bo');
});

it('says what a person and a group were before a change, with names in the place of ids', async () => {
  await joinAs(server, admin, 'Max');
  const max = (await admin.get('/api/admin/users?search=max')).textAt('users.0.id');
  const group = (await admin.post('/api/admin/groups', { name: '9b' })).textAt('id');
  await admin.patch(`/api/admin/users/${max}`, { role: 'manager', group_id: group });
  await admin.delete(`/api/admin/groups/${group}`);
  const [, appointed] = await entries(`action=user.change&target=${max}`);
  expect(appointed?.changes).toEqual([
    { field: 'role', before: 'member', after: 'manager' },
    // Also of a group that was deleted since.
    { field: 'group', before: null, after: '9b' },
  ]);
});

it('names the owner of a key whose limits were changed, also once both are deleted', async () => {
  const bo = await joinAs(server, admin, 'Bo');
  const user = (await bo.get('/api/me')).textAt('user.id');
  const key = (await bo.post('/api/keys', { name: 'Homework' })).textAt('id');
  await setLimits('key', key);
  await bo.patch(`/api/keys/${key}`, { limits: { output_tokens: 5 } });
  await admin.delete(`/api/admin/users/${user}`);
  const shown = (await entries(`target=key:${key}`)).map(({ summary, changes }) => [summary, changes]);
  expect(shown).toEqual([
    ['removed the limits of the key “Homework” of Bo', [{ field: 'output_tokens', before: 5, after: null }]],
    // It is the person's own.
    ['changed the limits of the key “Homework”', [{ field: 'output_tokens', before: 10, after: 5 }]],
    ['changed the limits of the key “Homework” of Bo', [{ field: 'output_tokens', before: null, after: 10 }]],
  ]);
});

it('finds entries by action, by who did it and by day, and keeps the filter on further pages', async () => {
  await joinAs(server, admin, 'Bo', { role: 'admin' });
  const eve = await joinAs(server, admin, 'Eve', { role: 'admin' });
  for (const name of ['One', 'Two', 'Three']) await eve.post('/api/admin/groups', { name });
  await admin.post('/api/admin/groups', { name: 'Four' });
  const summaries = async (query: string) => (await entries(query)).map(({ summary }) => summary);
  const made = ['made the group "Three"', 'made the group "Two"', 'made the group "One"'];
  expect(await summaries('who=eV&action=group')).toEqual(made);
  expect(await summaries('action=group.create')).toEqual(['made the group "Four"', ...made]);
  expect(await summaries('who=nobody')).toEqual([]);

  const first = await admin.get('/api/admin/audit?who=eve&action=group&limit=2');
  expect(first.at('entries.1.summary')).toBe(made[1]);
  const second = await entries(`who=eve&action=group&limit=2&cursor=${first.textAt('next_cursor')}`);
  expect(second.map(({ summary }) => summary)).toEqual([made[2]]);

  const { db } = await store();
  // Yesterday's entries: the time is in the id, by which they are sorted.
  const yesterday = Date.now() - 86_400_000;
  await db
    .updateTable('audit_log')
    .set({ id: `${yesterday.toString(36).padStart(9, '0')}-x`, at: yesterday })
    .where('action', '=', 'group.create')
    .where('detail', 'like', '%Four%')
    .execute();
  const dayOf = (ms: number) => {
    const at = new Date(ms);
    return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
  };
  const [today, before] = [dayOf(Date.now()), dayOf(yesterday)];
  expect(await summaries(`action=group&from=${today}`)).toEqual(made);
  expect(await summaries(`action=group&to=${before}`)).toEqual(['made the group "Four"']);
  expect(await summaries(`action=group&from=${before}&to=${before}`)).toEqual(['made the group "Four"']);
});

it.each(['/api/admin/audit?action=group', '/api/me/export', '/api/admin/usage?group_by=group'])(
  'has at %s what is being written when it is asked for',
  async (path) => {
    const opened = await store();
    await opened.writeAll(usageStatements(opened.db, [usageRow({ day: today(), requests: 1, group_id: 'gone' })]));
    const written = Promise.withResolvers<void>();
    const flush = vi.spyOn(opened, 'flush').mockReturnValue(written.promise);
    const report = vi.spyOn(opened, 'report');
    const readsRecords = () => report.mock.calls.some(([{ sql }]) => sql.includes('audit_log'));
    try {
      const response = admin.get(path);
      await vi.waitFor(() => expect(flush).toHaveBeenCalled());
      await setImmediate();
      expect(readsRecords()).toBe(false);
      written.resolve();
      expect((await response).status).toBe(200);
      expect(readsRecords()).toBe(true);
    } finally {
      vi.restoreAllMocks();
    }
  },
);

it('has who became a manager with a group, who stopped to be one, and whose invitations ended', async () => {
  for (const name of ['Max', 'Eve']) await joinAs(server, admin, name);
  const idOf = async (name: string) => (await admin.get(`/api/admin/users?search=${name}`)).textAt('users.0.id');
  const [max, eve] = [await idOf('max'), await idOf('eve')];
  const made = await admin.post('/api/admin/groups', { name: '9b', manager_id: max });
  // Two of them may be of the same millisecond.
  const ofPeople = async () =>
    new Set((await entries('action=user.change')).map(({ target, summary }) => `${target}: ${summary}`));
  const appointed = `${max}: made Max manager; put Max into 9b`;
  expect(await ofPeople()).toEqual(new Set([appointed]));
  const manager = server.browser('198.51.100.7');
  await manager.signIn('max@school.example', PASSWORD);
  expect((await manager.post('/api/admin/invitations', {})).status).toBe(201);
  await admin.patch(`/api/admin/groups/${made.textAt('id')}`, { manager_id: eve });
  expect(await ofPeople()).toEqual(
    new Set([
      appointed,
      `${eve}: made Eve manager; put Eve into 9b`,
      `${max}: made Max member; ended an invitation of theirs`,
    ]),
  );
  const key = (await admin.post('/api/admin/keys', { name: 'K', group_id: made.textAt('id') })).textAt('id');
  await admin.delete(`/api/admin/groups/${made.textAt('id')}`);
  await (await store()).flush();
  const deleted = await admin.get('/api/admin/audit?action=group.delete');
  expect(deleted.at('entries.0.detail')).toMatchObject({ name: '9b', keys: [key] });
});

it('has who cleared a cache', async () => {
  expect((await admin.post('/api/cache-stats', { action: 'clear_response_cache' })).status).toBe(200);
  await expect
    .poll(() => entries('action=cache'))
    .toMatchObject([
      { action: 'cache.clear', actor: { name: 'Ada' }, summary: 'cleared the cache of responses (0 entries)' },
    ]);
});

it.each([
  ['from=yesterday', 'from must be a day: 2026-11-29'],
  ['from=2026-11-30&to=2026-11-29', 'from must not be after to'],
  ['action=User%25', 'action must be an action such as user.disable, or a kind such as user'],
  [`who=${'x'.repeat(201)}`, 'who must have at most 200 characters'],
])('refuses the filter %s with a sentence', async (query, sentence) => {
  const refused = await admin.get(`/api/admin/audit?${query}`);
  expect([refused.status, refused.at('code')]).toEqual([400, 'invalid_request']);
  expect(refused.textAt('error')).toContain(sentence);
});

it('shows a key by its id to administrators, and to the manager of its group', async () => {
  const group = (await admin.post('/api/admin/groups', { name: '9b' })).textAt('id');
  const other = (await admin.post('/api/admin/groups', { name: '9c' })).textAt('id');
  const manager = await joinAs(server, admin, 'Max', { role: 'manager', group_id: group });
  const stranger = await joinAs(server, admin, 'Zoe', { role: 'manager', group_id: other });
  const member = await joinAs(server, admin, 'Bo', { group_id: group });
  const own = await member.post('/api/keys', { name: 'Editor' });
  for (const browser of [admin, manager]) {
    const read = await browser.get(`/api/admin/keys/${own.textAt('id')}`);
    expect([read.status, read.at('name'), read.at('owner.name')]).toEqual([200, 'Editor', 'Bo']);
    expect(read.text).not.toContain(own.textAt('key'));
  }
  expect((await stranger.get(`/api/admin/keys/${own.textAt('id')}`)).status).toBe(404);
  expect((await member.get(`/api/admin/keys/${own.textAt('id')}`)).status).toBe(403);
  expect((await admin.get('/api/admin/keys/none')).status).toBe(404);
});
