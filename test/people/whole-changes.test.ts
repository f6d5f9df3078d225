import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWork } from '#lib/http/open-work';
import { peopleLimits } from '#lib/people/limits/index';
import { store } from '#lib/store/store';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';
import { databaseEngines } from '../support/database-engines.ts';

/** Changes of people, groups, keys and limits are made whole, with their record, or not at all. */

const TABLES = ['users', 'user_sessions', 'groups', 'access_keys', 'limits', 'settings', 'invitations'] as const;

/** All rows, apart from when a person was seen last. */
async function contents(): Promise<unknown> {
  const { db } = await store();
  const tables = await Promise.all(TABLES.map((table) => db.selectFrom(table).selectAll().execute()));
  return tables.map((rows) => rows.map((row) => JSON.stringify({ ...row, lastSeenAt: null })).toSorted());
}

describe.each(databaseEngines())('changes on %s', (_name, environment) => {
  let server: AccountsServer;
  let admin: Browser;

  beforeEach(async () => {
    server = await startAccounts(await environment());
    admin = await setUpAdministrator(server);
  });
  afterEach(() => server.close());

  const idOf = async (name: string) => (await admin.get(`/api/admin/users?search=${name}`)).textAt('users.0.id');
  const personNamed = async (name: string) => (await admin.get(`/api/admin/users/${await idOf(name)}`)).json;
  const rename = async (from: string, to: string) => {
    await sql`alter table ${sql.table(from)} rename to ${sql.table(to)}`.execute((await store()).db);
  };

  it('are not made if their record cannot be', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Lab' })).textAt('id');
    const bob = await joinAs(server, admin, 'Bob', { group_id: group, role: 'manager' });
    await joinAs(server, admin, 'Eve');
    const key = (await bob.post('/api/keys', { name: 'K', limits: { tokens_per_day: 5 } })).textAt('id');
    const [bobId, eveId] = [await idOf('Bob'), await idOf('Eve')];
    const scope = { kind: 'user', id: eveId };
    expect((await admin.patch('/api/admin/limits', { scope, limits: { tokens_per_day: 9 } })).status).toBe(200);
    const limits = JSON.stringify(peopleLimits().table.entries);
    const before = await contents();
    await rename('audit_log', 'no_audit_log');
    const changes: [method: string, path: string, body?: object][] = [
      ['POST', '/api/admin/groups', { name: 'Class', manager_id: eveId }],
      ['PATCH', `/api/admin/groups/${group}`, { name: 'Labs', manager_id: eveId }],
      ['DELETE', `/api/admin/groups/${group}`],
      ['PATCH', `/api/admin/users/${eveId}`, { name: 'Eva', disabled: true, two_factor: false }],
      ['POST', `/api/admin/users/${eveId}/temporary-password`],
      ['DELETE', `/api/admin/users/${bobId}/sessions`],
      ['DELETE', `/api/admin/users/${bobId}`],
      ['PATCH', '/api/admin/limits', { scope, limits: { tokens_per_day: 1 } }],
      ['DELETE', `/api/admin/limits?kind=user&id=${eveId}`],
      ['PATCH', '/api/admin/settings', { LIMIT_TOKENS_PER_DAY: 7, SIGN_UP: 'closed' }],
      ['POST', '/api/keys', { name: 'L', limits: { tokens_per_day: 5 } }],
      ['DELETE', `/api/admin/keys/${key}`],
    ];
    for (const [method, path, body] of changes) {
      const refused = await admin.request(method, path, body);
      expect([method, path, refused.status]).toEqual([method, path, 500]);
      expect(await contents()).toEqual(before);
    }
    expect(JSON.stringify(peopleLimits().table.entries)).toBe(limits);
    await rename('no_audit_log', 'audit_log');
    expect(await bob.isSignedIn()).toBe(true);
    expect((await admin.delete(`/api/admin/users/${bobId}`)).status).toBe(204);
    const { db } = await store();
    const records = await db.selectFrom('audit_log').select(['action', 'target']).orderBy('id', 'desc').execute();
    expect(records).toContainEqual({ action: 'user.delete', target: bobId });
    expect(records).toContainEqual({ action: 'limits.delete', target: `key:${key}` });
  });

  it('of a key are not made without its limits', async () => {
    await rename('limits', 'no_limits');
    const refused = await admin.post('/api/keys', { name: 'K', limits: { tokens_per_day: 5 } });
    await rename('no_limits', 'limits');
    expect(refused.status).toBe(500);
    expect((await admin.get('/api/keys')).at('keys')).toEqual([]);
  });

  it('that disable a person end what is in progress with the commit, or nothing', async () => {
    const bob = await joinAs(server, admin, 'Bob');
    const id = await idOf('Bob');
    let ended = 0;
    openWork().add(`user:${id}`, { endNow: () => (ended += 1) });
    await rename('user_sessions', 'no_user_sessions');
    const refused = await admin.patch(`/api/admin/users/${id}`, { disabled: true }).catch(() => undefined);
    await rename('no_user_sessions', 'user_sessions');
    expect([refused?.status === 200, ended]).toEqual([false, 0]);
    expect(await personNamed('Bob')).toMatchObject({ disabled: false });
    expect(await bob.isSignedIn()).toBe(true);
    expect((await admin.patch(`/api/admin/users/${id}`, { disabled: true })).status).toBe(200);
    expect(ended).toBe(1);
    expect(await bob.isSignedIn()).toBe(false);
  });

  it('of a group with an unknown manager are not made', async () => {
    const unknown = await admin.post('/api/admin/groups', { name: 'Lab', manager_id: 'nobody' });
    expect([unknown.status, unknown.at('details.0.field')]).toEqual([400, 'manager_id']);
    expect((await admin.get('/api/admin/groups')).at('groups')).toEqual([]);
    const made = await admin.post('/api/admin/groups', { name: 'Lab' });
    expect(made.status).toBe(201);
    const path = `/api/admin/groups/${made.textAt('id')}`;
    expect((await admin.patch(path, { name: 'Labs', manager_id: 'nobody' })).status).toBe(400);
    expect((await admin.get(path)).at('name')).toBe('Lab');
  });

  it('that make one group at the same time make it once, and say so', async () => {
    const made = await Promise.all([1, 2, 3].map(() => admin.post('/api/admin/groups', { name: 'Lab' })));
    expect(made.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  });

  it('of a group end the right to manage it', async () => {
    const [lab, hall] = await Promise.all(
      ['Lab', 'Hall'].map(async (name) => (await admin.post('/api/admin/groups', { name })).textAt('id')),
    );
    await joinAs(server, admin, 'Bob', { group_id: lab, role: 'manager' });
    await joinAs(server, admin, 'Evelyn', { group_id: lab, role: 'manager' });
    const bob = `/api/admin/users/${await idOf('Bob')}`;
    expect((await admin.patch(bob, { group_id: hall })).json).toMatchObject({ role: 'member', group: { id: hall } });
    const both = await admin.patch(bob, { group_id: lab, role: 'manager' });
    expect(both.json).toMatchObject({ role: 'manager', group: { id: lab } });
    expect((await admin.patch(bob, { name: 'Robert' })).json).toMatchObject({ role: 'manager', group: { id: lab } });
    expect((await admin.patch(bob, { group_id: null })).json).toMatchObject({ role: 'member', group: null });
    const without = await admin.patch(bob, { role: 'manager' });
    expect([without.status, without.at('details.0.field')]).toEqual([400, 'group_id']);
    expect((await admin.delete(`/api/admin/groups/${lab}`)).status).toBe(204);
    expect(await personNamed('Evelyn')).toMatchObject({ role: 'member', group: null });
  });
});
