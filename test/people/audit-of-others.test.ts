import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { store } from '#lib/store/store';
import { auditListSchema } from '#lib/wire/people';
import type { ChatServer } from '../support/chat-server.ts';
import { COMPLETION, forgetIdentities, HELLO, overviewOf, sendAs, startOwned } from '../support/owned-requests.ts';
import type { Person } from '../support/people.ts';

/** What the audit log has of those who act on what belongs to others, or to everyone. */

const TOLD = { messages: [{ role: 'user', content: 'my secret question' }] };

let s: ChatServer;

beforeEach(async () => {
  forgetIdentities();
  ({ s } = await startOwned());
  await nameOwners();
});

afterEach(async () => {
  await (await store()).flush();
  await (await store()).db.deleteFrom('audit_log').execute();
  await s.close();
  forgetIdentities();
});

/** Ann and the key of the front end have names in the database. */
async function nameOwners(): Promise<void> {
  const { db } = await store();
  const now = new Date().toISOString();
  const times = { createdAt: now, updatedAt: now };
  await db
    .insertInto('users')
    .values({
      ...{ id: 'ann', name: 'Ann', email: 'ann@school.example', emailVerified: 1, image: null },
      ...{ role: 'member', banReason: null, groupId: null, ...times },
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .insertInto('groups')
    .values({ id: 'lab', name: 'Lab', created_at: 1 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .insertInto('access_keys')
    .values({
      ...{ id: 'front', hash: 'hash', name: 'Front end', prefix: 'cs_front', user_id: null, group_id: 'lab' },
      ...{ scopes: '["chat"]', models: null, trust_end_user: 1, created_at: 1, created_by: null },
      ...{ expires_at: null, last_used_at: null },
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function enqueue(person: Person): Promise<string> {
  const response = await sendAs(s, person, 'POST', '/api/chat-queue', TOLD);
  expect(response.status).toBe(202);
  return (await response.json()).request_id;
}

const cancel = async (person: Person, id: string) =>
  (await sendAs(s, person, 'DELETE', `/api/chat-queue?requestId=${id}`)).status;

async function entries(kind: string) {
  const response = await sendAs(s, 'admin', 'GET', `/api/admin/audit?action=${kind}`);
  const text = await response.text();
  return { text, entries: auditListSchema.parse(JSON.parse(text)).entries };
}

it('records whose request a manager or an administrator cancelled, and nothing of what it says', async () => {
  const ofPerson = await enqueue('member');
  expect(await cancel('manager', ofPerson)).toBe(200);
  const ofKey = await enqueue('key for chat');
  expect(await cancel('admin', ofKey)).toBe(200);
  const log = await entries('request');
  const entry = { action: 'request.cancel', target_name: 'Ann', summary: 'cancelled a request of Ann' };
  expect(log.entries).toMatchObject([
    { ...entry, actor: { id: 'user:ada', name: 'Ada' }, target: ofKey, address: '127.0.0.1' },
    { ...entry, actor: { id: 'user:max', name: 'Max' }, target: ofPerson },
  ]);
  expect(JSON.parse(log.text).entries[0].detail).toMatchObject({ owner: 'user:ann', caller: 'key:for-chat' });
  expect(log.text).not.toContain('secret question');
});

it('names the service key of an end user, and keeps which one it was', async () => {
  const asked = sendAs(s, 'front end', 'POST', '/v1/chat/completions', { ...COMPLETION, user: 'alice' });
  await vi.waitFor(async () => expect((await overviewOf(s, 'admin')).processing).toHaveLength(1));
  const [running] = (await overviewOf(s, 'admin')).processing;
  expect(await cancel('admin', running?.request_id ?? '')).toBe(200);
  expect((await asked).status).toBe(409);
  const log = await entries('request.cancel');
  expect(log.entries).toMatchObject([
    { target_name: 'Front end', summary: 'cancelled a request of the key “Front end”' },
  ]);
  expect(JSON.parse(log.text).entries[0].detail.owner).toBe('key:front/alice');
});

it('records no cancel of an own request, and none that was refused', async () => {
  expect(await cancel('member', await enqueue('member'))).toBe(200);
  expect(await cancel('member', await enqueue('key for chat'))).toBe(200);
  const other = await enqueue('outsider');
  expect(await cancel('manager', other)).toBe(404);
  expect(await cancel('outsider', other)).toBe(200);
  expect(await cancel('admin', other)).toBe(409);
  expect((await entries('request')).entries).toEqual([]);
});

it('is part of what a person exports of the own data', async () => {
  const id = await enqueue('member');
  expect(await cancel('admin', id)).toBe(200);
  expect(await cancel('admin', await enqueue('outsider'))).toBe(200);
  await (await store()).flush();
  const exported = await (await sendAs(s, 'member', 'GET', '/api/me/export')).json();
  expect(exported.changes).toMatchObject([{ action: 'request.cancel', target: id, address: null }]);
});

it('records who loaded a model for everyone, but no chat', async () => {
  const warm = await sendAs(s, 'manager', 'POST', '/api/cache-stats', { action: 'warm_model' });
  expect(warm.status).toBe(200);
  s.provider.onCall = (call) => void call.say('x').done();
  await (await sendAs(s, 'member', 'POST', '/api/chat-optimized', { ...HELLO, stream: false })).text();
  expect((await entries('model')).entries).toMatchObject([
    {
      action: 'model.load',
      actor: { name: 'Max' },
      target: 'default-model',
      summary: 'loaded the model default-model',
    },
  ]);
});

it('records who downloaded the usage of others, and not who looked at it', async () => {
  const query = 'from=2026-11-01&to=2026-11-02&group_by=user&user=ann';
  expect((await sendAs(s, 'manager', 'GET', `/api/admin/usage?${query}`)).status).toBe(200);
  expect((await entries('usage')).entries).toEqual([]);
  expect((await sendAs(s, 'manager', 'GET', `/api/admin/usage?${query}&format=csv`)).status).toBe(200);
  const log = await entries('usage');
  expect(log.entries).toMatchObject([
    {
      action: 'usage.export',
      actor: { name: 'Max' },
      summary: 'downloaded the usage of 2026-11-01 to 2026-11-02 by user',
    },
  ]);
  expect(JSON.parse(log.text).entries[0].detail.filter).toEqual({ user: 'ann', group: 'lab' });
});
