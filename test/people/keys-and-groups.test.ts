import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { apiKeyId } from '#lib/http/api-keys';
import { store } from '#lib/store/store';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  PASSWORD,
  type Received,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';
import { databaseEngines } from '../support/database-engines.ts';

/** Keys, limits and what a manager may do, on both engines. */

/** Scopes in a list of limits. That of the defaults is always there. */
function scopesIn(list: Received): unknown {
  return list.text.match(/"scope":/g)?.length;
}

describe.each(databaseEngines())('keys and groups on %s', (_name, environment) => {
  let server: AccountsServer;
  let admin: Browser;

  beforeEach(async () => {
    server = await startAccounts(await environment());
    admin = await setUpAdministrator(server);
  });
  afterEach(async () => {
    await server.close();
  });

  it('shows a key once, stores its hash, and revokes it at once', async () => {
    const made = await admin.post('/api/keys', {
      name: 'K',
      scopes: ['chat'],
      models: ['a'],
      expires_in_days: 1,
      limits: { tokens_per_day: 5 },
    });
    const key = made.textAt('key');
    expect(key).toMatch(/^cs_[\w-]{43}$/);
    const listed = await admin.get('/api/keys');
    expect(listed.text).not.toContain(key);
    expect(listed.at('keys.0')).toMatchObject({
      name: 'K',
      scopes: ['chat'],
      models: ['a'],
      limits: { tokens_per_day: 5 },
    });
    const { db } = await store();
    const rows = await db.selectFrom('access_keys').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(key.slice(12));
    const caller = server.browser('192.0.2.3');
    const authorization = `Bearer ${key}`;
    expect((await caller.get('/api/models', { authorization })).status).toBe(200);
    expect((await caller.get('/api/models', { 'x-api-key': key })).status).toBe(200);
    expect((await admin.delete(`/api/keys/${made.textAt('id')}`)).status).toBe(204);
    expect((await caller.get('/api/models', { authorization })).status).toBe(401);
  });

  it('bounds the keys of a person, and makes room when one is revoked', async () => {
    let id = '';
    for (let made = 0; made < 100; made++) {
      const key = await admin.post('/api/keys', { name: `Key ${made}` });
      expect(key.status).toBe(201);
      id = key.textAt('id');
    }
    const refused = await admin.post('/api/keys', { name: 'One more' });
    expect([refused.status, refused.at('code')]).toEqual([409, 'conflict']);
    await admin.delete(`/api/keys/${id}`);
    expect((await admin.post('/api/keys', { name: 'One more' })).status).toBe(201);
  });

  it('refuses an expired key', async () => {
    const made = await admin.post('/api/keys', { name: 'K', expires_in_days: 1 });
    const { db } = await store();
    await db
      .updateTable('access_keys')
      .set({ expires_at: Date.now() - 1 })
      .execute();
    const authorization = `Bearer ${made.textAt('key')}`;
    expect((await server.browser('192.0.2.3').get('/api/models', { authorization })).status).toBe(401);
  });

  it('lists for a manager the limits of the own group, its members and their keys', async () => {
    const groups = [];
    for (const name of ['A', 'B'])
      groups.push((await admin.post('/api/admin/groups', { name: `Class ${name}` })).textAt('id'));
    const [own = '', other = ''] = groups;
    const manager = await joinAs(server, admin, 'Max', { role: 'manager', group_id: own });
    const limits = { output_tokens: 7 };
    const expected: string[] = [];
    for (const [name, group] of [
      ['Bo', own],
      ['Cyn', other],
    ] as const) {
      const browser = await joinAs(server, admin, name, { group_id: group });
      const id = (await browser.get('/api/me')).textAt('user.id');
      await admin.patch('/api/admin/limits', { scope: { kind: 'user', id }, limits });
      await admin.patch('/api/admin/limits', { scope: { kind: 'group', id: group }, limits });
      const key = (await browser.post('/api/keys', { name: 'K', limits })).textAt('id');
      const service = (await admin.post('/api/admin/keys', { name: 'S', group_id: group, limits })).textAt('id');
      if (group === own) expected.push(`user ${id}`, `group ${group}`, `key ${key}`, `key ${service}`);
    }
    const ownKey = (await manager.post('/api/keys', { name: 'M', limits })).textAt('id');
    const listed = await manager.get('/api/admin/limits');
    const scopes = z.array(z.object({ scope: z.object({ kind: z.string(), id: z.string().optional() }) }));
    const found = scopes.parse(listed.at('limits')).map(({ scope: { kind, id } }) => `${kind} ${id}`);
    expect(found.slice(1).sort()).toEqual([...expected, `key ${ownKey}`].sort());
    expect(scopesIn(await admin.get('/api/admin/limits'))).toBe(10);
  });

  it('enforces the limits of a key, shows them as they are set later, and removes them with the key', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Class' })).textAt('id');
    const limits = { tokens_per_day: 5, output_tokens: 7 };
    const makes = [
      ['/api/keys', {}],
      ['/api/admin/keys', { group_id: group }],
    ] as const;
    for (const [path, more] of makes) {
      const made = await admin.post(path, { name: 'K', limits, ...more });
      expect([made.status, made.at('limits')]).toEqual([201, limits]);
      const id = made.textAt('id');
      const stored = await admin.get(`/api/admin/limits?kind=key&id=${id}`);
      expect(stored.at('limits.0.limits')).toEqual({
        tokens_per_day: { limit: 5, kind: 'hard' },
        output_tokens: { limit: 7, kind: 'hard' },
      });
      const me = await server.browser('192.0.2.3').get('/api/me', { authorization: `Bearer ${made.textAt('key')}` });
      expect(me.at('limits')).toMatchObject([
        { name: 'tokens_per_day', limit: 5, used: 0, kind: 'hard' },
        { name: 'output_tokens', limit: 7, kind: 'hard' },
      ]);
      await admin.patch('/api/admin/limits', { scope: { kind: 'key', id }, limits: { output_tokens: 9 } });
      expect((await admin.get('/api/admin/keys')).at('keys.0.limits')).toEqual({ ...limits, output_tokens: 9 });
      expect((await admin.delete(`${path}/${id}`)).status).toBe(204);
      expect((await admin.get(`/api/admin/limits?kind=key&id=${id}`)).status).toBe(404);
    }
    expect(scopesIn(await admin.get('/api/admin/limits'))).toBe(1);
    const unknown = await admin.post('/api/keys', { name: 'K', limits: { tokens_a_day: 5 } });
    expect([unknown.status, unknown.text]).toEqual([400, expect.stringContaining('tokens_a_day')]);
  });

  it('sets, changes and removes the limits of an own key that had none', async () => {
    const bo = await joinAs(server, admin, 'Bo');
    const person = (await bo.get('/api/me')).textAt('user.id');
    await admin.patch('/api/admin/limits', { scope: { kind: 'user', id: person }, limits: { tokens_per_day: 100 } });
    const made = await bo.post('/api/keys', { name: 'K' });
    const path = `/api/keys/${made.textAt('id')}`;
    const authorization = `Bearer ${made.textAt('key')}`;
    const limitOf = async () =>
      (await server.browser('192.0.2.3').get('/api/me', { authorization })).at('limits.0.limit');
    expect(await limitOf()).toBe(100);
    const set = await bo.patch(path, { limits: { tokens_per_day: 5, output_tokens: 7 } });
    expect([set.status, set.at('limits')]).toEqual([200, { tokens_per_day: 5, output_tokens: 7 }]);
    expect(set.text).not.toContain(made.textAt('key'));
    expect(await limitOf()).toBe(5);
    const changed = await bo.patch(path, { limits: { tokens_per_day: 9, output_tokens: null } });
    expect(changed.at('limits')).toEqual({ tokens_per_day: 9 });
    const above = await bo.patch(path, { limits: { tokens_per_day: 101 } });
    expect([above.status, above.at('details.0.field')]).toEqual([400, 'limits.tokens_per_day']);
    expect((await bo.patch(path, { limits: { tokens_a_day: 1 } })).status).toBe(400);
    expect((await bo.patch(path, {})).status).toBe(400);
    expect((await admin.patch(path, { limits: { tokens_per_day: 1 } })).status).toBe(404);
    expect((await bo.patch('/api/keys/none', { limits: {} })).status).toBe(404);
    const byKey = await server
      .browser('192.0.2.3')
      .request('PATCH', path, { limits: { tokens_per_day: null } }, { authorization });
    expect(byKey.status).toBe(403);
    expect(await limitOf()).toBe(9);
    const removed = await bo.patch(path, { limits: { tokens_per_day: null } });
    expect([removed.status, removed.at('limits'), await limitOf()]).toEqual([200, null, 100]);
    await (await store()).flush();
    const target = `target=key:${made.textAt('id')}`;
    const summaries = (await admin.get(`/api/admin/audit?${target}`)).text.match(/"action":"limits\.\w+"/g);
    expect(summaries).toEqual(['"action":"limits.delete"', '"action":"limits.change"', '"action":"limits.change"']);
  });

  it('sets and removes the limits of any existing key, and leaves no empty ones behind', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Class' })).textAt('id');
    const made = await admin.post('/api/admin/keys', { name: 'K', group_id: group });
    expect(made.at('limits')).toBeNull();
    const id = made.textAt('id');
    const scope = { kind: 'key', id };
    const set = await admin.patch('/api/admin/limits', { scope, limits: { tokens_per_day: 5, output_tokens: 7 } });
    expect(set.status).toBe(200);
    expect((await admin.get(`/api/admin/keys/${id}`)).at('limits')).toEqual({ tokens_per_day: 5, output_tokens: 7 });
    const none = { tokens_per_day: null, output_tokens: null };
    for (let time = 0; time < 2; time++) {
      const removed = await admin.patch('/api/admin/limits', { scope, limits: none });
      expect([removed.status, removed.at('limits'), removed.at('updated_at')]).toEqual([200, {}, null]);
    }
    expect(scopesIn(await admin.get('/api/admin/limits'))).toBe(1);
    expect((await admin.get(`/api/admin/keys/${id}`)).at('limits')).toBeNull();
    expect(await (await store()).db.selectFrom('limits').selectAll().execute()).toEqual([]);
    const kept = await admin.request('PUT', '/api/admin/limits', { scope, limits: { output_tokens: 3 } });
    expect(kept.at('limits.output_tokens.limit')).toBe(3);
    await admin.request('PUT', '/api/admin/limits', { scope, limits: {} });
    expect(scopesIn(await admin.get('/api/admin/limits'))).toBe(1);
  });

  it('removes the limits of a person and a group with it, and those of its keys', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Class' })).textAt('id');
    const limits = { output_tokens: 7 };
    const people = [await joinAs(server, admin, 'Bo'), await joinAs(server, admin, 'Cyd')];
    for (const person of people) {
      expect((await person.post('/api/keys', { name: 'K', limits })).status).toBe(201);
      const id = (await person.get('/api/me')).textAt('user.id');
      await admin.patch('/api/admin/limits', { scope: { kind: 'user', id }, limits });
    }
    await admin.post('/api/admin/keys', { name: 'K', group_id: group, limits });
    await admin.patch('/api/admin/limits', { scope: { kind: 'group', id: group }, limits });
    const scopes = async () => scopesIn(await admin.get('/api/admin/limits'));
    expect(await scopes()).toBe(7);
    expect((await people[0]?.post('/api/auth/delete-user', { password: PASSWORD }))?.status).toBe(200);
    expect(await scopes()).toBe(5);
    const other = (await admin.get('/api/admin/users?search=cyd')).textAt('users.0.id');
    expect((await admin.delete(`/api/admin/users/${other}`)).status).toBe(204);
    expect(await scopes()).toBe(3);
    expect((await admin.delete(`/api/admin/groups/${group}`)).status).toBe(204);
    expect(await scopes()).toBe(1);
  });

  it('lets managers set the limits of people and keys of their group, and knows who exists', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Class' })).textAt('id');
    const manager = await joinAs(server, admin, 'Max', { role: 'manager', group_id: group });
    const pupil = await joinAs(server, admin, 'Pupil', { group_id: group });
    const stranger = await joinAs(server, admin, 'Stranger');
    const set = async (browser: Browser, kind: string, id: string) =>
      (await browser.patch('/api/admin/limits', { scope: { kind, id }, limits: { output_tokens: 5 } })).status;
    for (const [browser, status] of [
      [pupil, 200],
      [stranger, 403],
    ] as const) {
      expect(await set(manager, 'user', (await browser.get('/api/me')).textAt('user.id'))).toBe(status);
      expect(await set(manager, 'key', (await browser.post('/api/keys', { name: 'K' })).textAt('id'))).toBe(status);
    }
    expect(await set(manager, 'group', group)).toBe(200);
    expect(await set(manager, 'key', 'no-such-key')).toBe(403);
    for (const kind of ['user', 'key', 'group']) expect(await set(admin, kind, 'no-such-id')).toBe(404);
    await server.restart({ API_KEYS: 'a-key-of-the-environment' });
    expect(await set(admin, 'key', apiKeyId('a-key-of-the-environment'))).toBe(200);
  });

  it('limits a manager to the own group', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Class' })).textAt('id');
    const other = (await admin.post('/api/admin/groups', { name: 'Lab' })).textAt('id');
    const manager = await joinAs(server, admin, 'Max', { role: 'manager', group_id: group });
    await joinAs(server, admin, 'Pupil', { group_id: group });
    await joinAs(server, admin, 'Stranger', { group_id: other });
    const idOf = async (name: string) => (await admin.get(`/api/admin/users?search=${name}`)).textAt('users.0.id');
    expect((await manager.get('/api/admin/users')).at('total')).toBe(2);
    const pupil = await idOf('pupil');
    expect((await manager.patch(`/api/admin/users/${pupil}`, { disabled: true })).status).toBe(200);
    expect((await manager.patch(`/api/admin/users/${pupil}`, { role: 'admin' })).status).toBe(403);
    for (const id of [await idOf('stranger'), await idOf('ada')]) {
      expect((await manager.get(`/api/admin/users/${id}`)).status).toBe(404);
      expect((await manager.patch(`/api/admin/users/${id}`, { disabled: true })).status).toBe(404);
      expect((await manager.post(`/api/admin/users/${id}/reset-link`)).status).toBe(404);
    }
    expect((await manager.post('/api/admin/invitations', { role: 'admin' })).status).toBe(403);
    expect((await manager.post('/api/admin/invitations', { group_id: other })).status).toBe(403);
    expect((await manager.post('/api/admin/invitations', {})).at('group.id')).toBe(group);
    expect((await manager.post('/api/admin/keys', { name: 'K', group_id: other })).status).toBe(404);
    expect((await manager.post('/api/admin/keys', { name: 'K', group_id: group })).status).toBe(201);
    expect((await manager.get('/api/admin/audit')).status).toBe(403);
    expect((await manager.post('/api/admin/groups', { name: 'Mine' })).status).toBe(403);
  });

  it('lets a manager take no key from an administrator, and change the own password with it only', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Class' })).textAt('id');
    const manager = await joinAs(server, admin, 'Max', { role: 'manager', group_id: group });
    const other = await joinAs(server, admin, 'Root', { role: 'admin', group_id: group });
    const pupil = await joinAs(server, admin, 'Pupil', { group_id: group });
    const keyOf = async (browser: Browser) => (await browser.post('/api/keys', { name: 'K' })).textAt('id');
    expect((await manager.delete(`/api/admin/keys/${await keyOf(other)}`)).status).toBe(403);
    expect((await manager.delete(`/api/admin/keys/${await keyOf(pupil)}`)).status).toBe(204);
    expect((await manager.delete(`/api/admin/keys/${await keyOf(manager)}`)).status).toBe(204);
    const own = `/api/admin/users/${(await manager.get('/api/me')).textAt('user.id')}`;
    expect((await manager.post(`${own}/reset-link`)).status).toBe(403);
    expect((await manager.post(`${own}/temporary-password`)).status).toBe(403);
    expect((await manager.patch(own, { two_factor: false })).status).toBe(403);
    expect((await manager.patch(own, { name: 'Maxi' })).status).toBe(200);
  });

  it('makes service keys that end with their group', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Class' })).textAt('id');
    const key = (await admin.post('/api/admin/keys', { name: 'K', group_id: group, trust_end_user: true })).textAt(
      'key',
    );
    const authorization = `Bearer ${key}`;
    expect((await server.browser('192.0.2.6').get('/api/models', { authorization })).status).toBe(200);
    expect((await admin.delete(`/api/admin/groups/${group}`)).status).toBe(204);
    expect((await server.browser('192.0.2.6').get('/api/models', { authorization })).status).toBe(401);
  });
});
