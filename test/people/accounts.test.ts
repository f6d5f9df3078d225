import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apiKeyId } from '#lib/http/api-keys';
import { openWork } from '#lib/http/open-work';
import { AUTH_ENDPOINTS } from '#lib/people/accounts/http/auth-endpoints';
import { today } from '#lib/people/usage/usage-service';
import { usageStatements } from '#lib/people/usage/usage-statements';
import { NO_FIGURES, type UsageRow } from '#lib/people/usage/usage-totals';
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
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

/** Accounts as their routes behave, on both engines. */

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.close();
});

const ENGINES: [string, () => Promise<Record<string, string>>][] = [
  ['SQLite', async () => ({})],
  ['Postgres', async () => ({ DATABASE_URL: await postgres.createDatabase() })],
];

function usageRow(members: Partial<UsageRow>): UsageRow {
  const key = { day: today(), user_id: '', key_id: '', group_id: '', model: '', server: '', language: '', outcome: '' };
  return { ...key, ...NO_FIGURES, ...members };
}

/** Scopes in a list of limits. That of the defaults is always there. */
function scopesIn(list: Received): unknown {
  return list.text.match(/"scope":/g)?.length;
}

describe.each(ENGINES)('accounts on %s', (_name, environment) => {
  let server: AccountsServer;
  let admin: Browser;

  beforeEach(async () => {
    server = await startAccounts(await environment());
    admin = await setUpAdministrator(server);
  });
  afterEach(async () => {
    await server.close();
  });

  it('makes the first administrator once, and says so later', async () => {
    const again = await server.browser().post('/api/setup', {
      token: 'x',
      name: 'Eve',
      email: 'eve@school.example',
      password: PASSWORD,
    });
    expect([again.status, again.at('code')]).toEqual([410, 'already_set_up']);
    expect(await server.setUpUrl()).toBeUndefined();
    expect((await admin.get('/api/setup')).json).toEqual({ needed: false });
    expect((await admin.get('/api/admin/users')).at('users.0.role')).toBe('admin');
  });

  it('keeps sessions and keys over a restart', async () => {
    const key = (await admin.post('/api/keys', { name: 'Notebook' })).textAt('key');
    await server.restart();
    expect(await admin.isSignedIn()).toBe(true);
    const byKey = server.browser('192.0.2.9');
    expect((await byKey.get('/api/models', { authorization: `Bearer ${key}` })).status).toBe(200);
  });

  it('lets people join by invitation, with the role and the group of the invitation', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Class 9b' })).textAt('id');
    await joinAs(server, admin, 'Bo', { role: 'manager', group_id: group });
    const people = await admin.get('/api/admin/users?search=bo');
    expect(people.at('users.0')).toMatchObject({ name: 'Bo', role: 'manager', group: { id: group, name: 'Class 9b' } });
    expect((await admin.get('/api/admin/groups')).at('groups.0')).toMatchObject({
      members: 1,
      manager: { name: 'Bo' },
    });
  });

  it('counts an invitation once for two people at the same time', async () => {
    const token = (await admin.post('/api/admin/invitations', { max_uses: 1 })).textAt('token');
    const results = await Promise.all(
      ['bo', 'cy', 'di'].map((name, index) =>
        server
          .browser(`198.51.100.${index}`)
          .post('/api/join', { token, name, email: `${name}@school.example`, password: PASSWORD }),
      ),
    );
    expect(results.map(({ status }) => status).sort()).toEqual([201, 403, 403]);
    expect((await admin.get('/api/admin/users')).at('total')).toBe(2);
    expect((await admin.get('/api/admin/invitations')).at('invitations.0.uses')).toBe(1);
  });

  it('gives a use of an invitation back if no account is made with it', async () => {
    const token = (await admin.post('/api/admin/invitations', {})).textAt('token');
    const taken = { token, name: 'Ada', email: 'ada@school.example', password: PASSWORD };
    expect((await server.browser().post('/api/join', taken)).status).toBe(422);
    expect((await server.browser().post('/api/join', { ...taken, email: 'bo@school.example' })).status).toBe(201);
  });

  it('refuses expired and withdrawn invitations, and those for another address', async () => {
    const refused = async (invitation: Record<string, unknown>, change: (id: string) => Promise<unknown>) => {
      const made = await admin.post('/api/admin/invitations', invitation);
      await change(made.textAt('id'));
      const person = { token: made.textAt('token'), name: 'Bo', email: 'bo@school.example', password: PASSWORD };
      expect((await server.browser().get(`/api/join?token=${made.textAt('token')}`)).status).toBe(
        invitation.email === undefined ? 404 : 200,
      );
      return (await server.browser().post('/api/join', person)).status;
    };
    const { db } = await store();
    const expire = (id: string) => db.updateTable('invitations').set({ expires_at: 1 }).where('id', '=', id).execute();
    expect(await refused({}, expire)).toBe(403);
    expect(await refused({}, (id) => admin.delete(`/api/admin/invitations/${id}`))).toBe(403);
    expect(await refused({ email: 'cy@school.example' }, async () => undefined)).toBe(403);
  });

  it('locks a disabled person out at once, with its keys and what it has in progress', async () => {
    const ended: string[] = [];
    openWork().onEnd('test', (caller) => ended.push(caller));
    const bo = await joinAs(server, admin, 'Bo');
    const made = await bo.post('/api/keys', { name: 'Key' });
    const authorization = `Bearer ${made.textAt('key')}`;
    expect((await server.browser('192.0.2.2').get('/api/models', { authorization })).status).toBe(200);
    const id = (await admin.get('/api/admin/users?search=bo')).textAt('users.0.id');
    expect((await admin.patch(`/api/admin/users/${id}`, { disabled: true })).at('disabled')).toBe(true);
    expect(await bo.isSignedIn()).toBe(false);
    expect((await server.browser('192.0.2.2').get('/api/models', { authorization })).status).toBe(401);
    expect(ended.sort()).toEqual([`key:${made.textAt('id')}`, `user:${id}`]);
    expect((await bo.signIn('bo@school.example', PASSWORD)).status).toBe(403);
    await admin.patch(`/api/admin/users/${id}`, { disabled: false });
    expect((await bo.signIn('bo@school.example', PASSWORD)).status).toBe(200);
    expect((await server.browser('192.0.2.2').get('/api/models', { authorization })).status).toBe(200);
  });

  it('keeps the last administrator, also where two demote each other', async () => {
    const id = (await admin.get('/api/admin/users')).textAt('users.0.id');
    for (const change of [{ role: 'member' }, { role: 'manager' }])
      expect((await admin.patch(`/api/admin/users/${id}`, change)).at('code')).toBe('conflict');
    expect((await admin.delete(`/api/admin/users/${id}`)).at('code')).toBe('conflict');
    expect((await admin.post('/api/auth/delete-user', { password: PASSWORD })).at('code')).toBe('conflict');
    const bo = await joinAs(server, admin, 'Bo', { role: 'admin' });
    const other = (await admin.get('/api/admin/users?search=bo')).textAt('users.0.id');
    const results = await Promise.all([
      admin.patch(`/api/admin/users/${other}`, { role: 'member' }),
      bo.patch(`/api/admin/users/${id}`, { role: 'member' }),
    ]);
    const { db } = await store();
    const left = await db.selectFrom('users').select('id').where('role', '=', 'admin').execute();
    expect(left).toHaveLength(1);
    expect(results.filter(({ status }) => status === 200)).toHaveLength(1);
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

  it('records changes with who, what, when and from where', async () => {
    await joinAs(server, admin, 'Bo');
    await (await store()).flush();
    const { json } = await admin.get('/api/admin/audit');
    const entries = JSON.stringify(json);
    expect(entries).toContain('Bo (bo@school.example) joined as member');
    expect(entries).toContain('invitation.create');
    expect((await admin.get('/api/admin/audit?limit=1')).at('entries.0.address')).toBe('198.51.100.2');
    const next = (await admin.get('/api/admin/audit?limit=1')).textAt('next_cursor');
    const second = await admin.get(`/api/admin/audit?limit=1&cursor=${next}`);
    expect(second.at('entries.0.id')).not.toBe((await admin.get('/api/admin/audit?limit=1')).at('entries.0.id'));
    expect(entries).not.toContain(PASSWORD);
  });

  it('resets a password by a link that works once, and ends the sessions', async () => {
    const bo = await joinAs(server, admin, 'Bo');
    const id = (await admin.get('/api/admin/users?search=bo')).textAt('users.0.id');
    const link = (await admin.post(`/api/admin/users/${id}/reset-link`)).textAt('url');
    const token = new URL(link).searchParams.get('token');
    const { db } = await store();
    expect(JSON.stringify(await db.selectFrom('verifications').selectAll().execute())).not.toContain(token);
    const reset = { token, newPassword: 'another pass phrase' };
    expect((await server.browser().post('/api/auth/reset-password', reset)).status).toBe(200);
    expect(await bo.isSignedIn()).toBe(false);
    expect((await server.browser().post('/api/auth/reset-password', reset)).status).toBe(400);
    expect((await bo.signIn('bo@school.example', PASSWORD)).status).toBe(401);
    expect((await bo.signIn('bo@school.example', 'another pass phrase')).status).toBe(200);
    const temporary = (await admin.post(`/api/admin/users/${id}/temporary-password`)).textAt('password');
    expect(await bo.isSignedIn()).toBe(false);
    expect((await bo.signIn('bo@school.example', temporary)).status).toBe(200);
  });

  it('ends the other links of a person once a password is set', async () => {
    const bo = await joinAs(server, admin, 'Bo');
    const own = `/api/admin/users/${(await bo.get('/api/me')).textAt('user.id')}`;
    const link = async () => new URL((await admin.post(`${own}/reset-link`)).textAt('url')).searchParams.get('token');
    const reset = async (token: string | null) =>
      (await server.browser().post('/api/auth/reset-password', { token, newPassword: 'another pass phrase' })).status;
    const first = await link();
    expect(await reset(await link())).toBe(200);
    expect(await reset(first)).toBe(400);
    const second = await link();
    await bo.signIn('bo@school.example', 'another pass phrase');
    const change = { currentPassword: 'another pass phrase', newPassword: PASSWORD };
    expect((await bo.post('/api/auth/change-password', change)).status).toBe(200);
    expect(await reset(second)).toBe(400);
    const third = await link();
    expect((await admin.post(`${own}/temporary-password`)).status).toBe(201);
    expect(await reset(third)).toBe(400);
  });

  it('changes the own password, and lists and ends the own sessions', async () => {
    const elsewhere = server.browser('192.0.2.4');
    await elsewhere.signIn('ada@school.example', PASSWORD);
    const sessions = await admin.get('/api/auth/list-sessions');
    expect(sessions.at('1.isCurrent')).not.toBe(sessions.at('0.isCurrent'));
    expect(sessions.text).not.toContain(decodeURIComponent([...admin.cookies.values()][0] ?? '').split('.')[0]);
    const other = sessions.at('0.isCurrent') === true ? sessions.textAt('1.token') : sessions.textAt('0.token');
    expect((await admin.post('/api/auth/revoke-session', { token: other })).status).toBe(200);
    expect(await elsewhere.isSignedIn()).toBe(false);
    const change = { currentPassword: PASSWORD, newPassword: 'another pass phrase', revokeOtherSessions: true };
    expect((await admin.post('/api/auth/change-password', change)).status).toBe(200);
    expect(await admin.isSignedIn()).toBe(true);
    expect((await elsewhere.signIn('ada@school.example', PASSWORD)).status).toBe(401);
    expect((await admin.post('/api/auth/sign-out')).status).toBe(200);
    expect(await admin.isSignedIn()).toBe(false);
  });

  it('ends a session for every copy of its cookie when it signs out', async () => {
    const copy = server.browser('192.0.2.5');
    for (const [name, value] of admin.cookies) copy.cookies.set(name, value);
    expect(await copy.isSignedIn()).toBe(true);
    await admin.post('/api/auth/sign-out');
    expect(await copy.isSignedIn()).toBe(false);
  });

  it('exports and deletes the own account', async () => {
    const bo = await joinAs(server, admin, 'Bo');
    await bo.post('/api/keys', { name: 'Mine' });
    const user = (await bo.get('/api/me')).textAt('user.id');
    await admin.patch('/api/admin/limits', { scope: { kind: 'user', id: user }, limits: { output_tokens: 7 } });
    for (const row of [usageRow({ user_id: user, model: 'small', requests: 3 }), usageRow({ user_id: 'other' })])
      await (await store()).writeAll(usageStatements((await store()).db, [row]));
    await admin.patch(`/api/admin/users/${user}`, { name: 'Bob' });
    const data = await bo.get('/api/me/export');
    expect(data.at('limits')).toEqual({ output_tokens: { limit: 7, kind: 'hard' } });
    expect(data.at('usage')).toMatchObject([{ model: 'small', key: '', requests: 3 }]);
    expect(data.at('changes.0')).toMatchObject({ action: 'user.change', address: null });
    expect(data.at('changes')).toContainEqual(
      expect.objectContaining({ action: 'key.create', address: '198.51.100.2' }),
    );
    expect(data.at('user.email')).toBe('bo@school.example');
    expect(data.at('keys.0.name')).toBe('Mine');
    expect(data.text).not.toMatch(/"(password|token|hash)":"/);
    expect((await bo.post('/api/auth/delete-user', { password: 'wrong' })).status).toBe(403);
    expect((await bo.post('/api/auth/delete-user', { password: PASSWORD })).status).toBe(200);
    expect(await bo.isSignedIn()).toBe(false);
    expect((await admin.get('/api/admin/users')).at('total')).toBe(1);
  });

  it('pages lists by a cursor', async () => {
    for (const name of ['Bo', 'Cyd', 'Dora']) await joinAs(server, admin, name);
    const names: unknown[] = [];
    let cursor: unknown = '';
    do {
      const page = await admin.get(`/api/admin/users?limit=1${cursor === '' ? '' : `&cursor=${String(cursor)}`}`);
      names.push(page.at('users.0.name'));
      cursor = page.at('next_cursor');
    } while (cursor !== null);
    expect(names).toEqual(['Ada', 'Bo', 'Cyd', 'Dora']);
    expect((await admin.get('/api/admin/users?cursor=x')).status).toBe(400);
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

  it('withdraws the invitations of a person who may not make them any more', async () => {
    const group = (await admin.post('/api/admin/groups', { name: 'Class' })).textAt('id');
    const other = (await admin.post('/api/admin/groups', { name: 'Lab' })).textAt('id');
    const joinsAfter = async (name: string, own: object, made: object, end: (path: string) => Promise<unknown>) => {
      const inviter = await joinAs(server, admin, name, { ...own });
      const token = (await inviter.post('/api/admin/invitations', made)).textAt('token');
      const id = (await admin.get(`/api/admin/users?search=${name.toLowerCase()}`)).textAt('users.0.id');
      await end(`/api/admin/users/${id}`);
      const person = { token, name: 'Eve', email: `eve-${name.toLowerCase()}@school.example`, password: PASSWORD };
      return (await server.browser('192.0.2.44').post('/api/join', person)).status;
    };
    const asAdmin = { role: 'admin' };
    const asManager = { role: 'manager', group_id: group };
    const change = (body: object) => (path: string) => admin.patch(path, body);
    expect(await joinsAfter('Demoted', asAdmin, asAdmin, change({ role: 'member' }))).toBe(403);
    expect(await joinsAfter('Lowered', asAdmin, asAdmin, change({ role: 'manager', group_id: group }))).toBe(403);
    expect(await joinsAfter('Disabled', asManager, {}, change({ disabled: true }))).toBe(403);
    expect(await joinsAfter('Moved', asManager, {}, change({ group_id: other }))).toBe(403);
    expect(await joinsAfter('Deleted', asAdmin, asAdmin, (path) => admin.delete(path))).toBe(403);
    expect(await joinsAfter('Renamed', asManager, {}, change({ name: 'Nick' }))).toBe(201);
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

  it('asks for the second factor, and takes a recovery code once', async () => {
    const enabled = await admin.post('/api/auth/two-factor/enable', { password: PASSWORD });
    const uri = new URL(enabled.textAt('totpURI'));
    const { createOTP } = await import('@better-auth/utils/otp');
    expect(uri.protocol).toBe('otpauth:');
    const secret = fromBase32(uri.searchParams.get('secret') ?? '');
    const now = () => createOTP(secret, { digits: 6, period: 30 }).totp();
    expect((await admin.post('/api/auth/two-factor/verify-totp', { code: await now() })).status).toBe(200);
    const browser = server.browser('192.0.2.7');
    const first = await browser.signIn('ada@school.example', PASSWORD);
    expect(first.at('twoFactorRedirect')).toBe(true);
    expect(await browser.isSignedIn()).toBe(false);
    expect((await browser.post('/api/auth/two-factor/verify-totp', { code: '000000' })).status).toBe(401);
    expect((await browser.post('/api/auth/two-factor/verify-totp', { code: await now() })).status).toBe(200);
    expect(await browser.isSignedIn()).toBe(true);
    const recovery = enabled.textAt('backupCodes.0');
    const again = server.browser('192.0.2.8');
    await again.signIn('ada@school.example', PASSWORD);
    expect((await again.post('/api/auth/two-factor/verify-backup-code', { code: recovery })).status).toBe(200);
    const third = server.browser('192.0.2.8');
    await third.signIn('ada@school.example', PASSWORD);
    expect((await third.post('/api/auth/two-factor/verify-backup-code', { code: recovery })).status).toBe(401);
  });

  it('mounts the listed endpoints of better-auth and no other', async () => {
    const { betterAuthPaths } = await import('../support/better-auth-paths.ts');
    const paths = await betterAuthPaths();
    expect(paths.length).toBeGreaterThan(40);
    const own = ['/sign-up/email', '/list-sessions', '/revoke-session', '/revoke-other-sessions', '/delete-user'];
    for (const path of paths) {
      if (Object.hasOwn(AUTH_ENDPOINTS, path) || own.includes(path)) continue;
      const url = `/api/auth${path.replace(/:\w+/g, 'x')}`;
      if (url === '/api/auth/callback/x') continue;
      for (const method of ['GET', 'POST'])
        expect([method, url, (await admin.request(method, url, method === 'POST' ? {} : undefined)).status]).toEqual([
          method,
          url,
          404,
        ]);
    }
    expect((await admin.get('/api/auth/callback/other')).status).toBe(404);
  });
});

/** RFC 4648, as authenticator apps read it. */
function fromBase32(text: string): string {
  const bits = [...text.replace(/=+$/, '')].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  return (bits.join('').match(/.{8}/g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 2))).join('');
}
