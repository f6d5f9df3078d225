import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openWork } from '#lib/http/open-work';
import { AUTH_ENDPOINTS } from '#lib/people/accounts/http/auth-endpoints';
import { claimInvitation } from '#lib/people/accounts/invitations';
import { tokenHash } from '#lib/people/secret-token';
import { store } from '#lib/store/store';
import { MINUTE_MS } from '#lib/units';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  PASSWORD,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';
import { databaseEngines } from '../support/database-engines.ts';

/** Accounts as their routes behave, on both engines. */

describe.each(databaseEngines())('accounts on %s', (_name, environment) => {
  let server: AccountsServer;
  let admin: Browser;
  let env: Record<string, string>;

  beforeEach(async () => {
    env = await environment();
    server = await startAccounts(env);
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

  it('gives a use back if joining fails after its person was made, and lets the person try again', async () => {
    const token = (await admin.post('/api/admin/invitations', {})).textAt('token');
    const bo = { token, name: 'Bo', email: 'bo@school.example', password: PASSWORD };
    const allow = await refuseCredentials();
    expect((await server.browser().post('/api/join', bo)).status).toBe(500);
    expect((await admin.get('/api/admin/invitations')).at('invitations.0.uses')).toBe(0);
    await allow();
    expect((await server.browser().post('/api/join', bo)).status).toBe(201);
    expect((await admin.get('/api/admin/invitations')).at('invitations.0.uses')).toBe(1);
    expect((await server.browser().get(`/api/join?token=${token}`)).status).toBe(404);
  });

  it('gives the use of a join back that was cut off by the end of its server, a minute later', async () => {
    const token = (await admin.post('/api/admin/invitations', {})).textAt('token');
    const opened = await store();
    const shown = async () => (await server.browser().get(`/api/join?token=${token}`)).status;
    const uses = async () => (await admin.get('/api/admin/invitations')).at('invitations.0.uses');
    const use = { hash: tokenHash(token), email: 'bo@school.example', isOwner: true };
    await claimInvitation(opened, use, Date.now());
    expect([await shown(), await uses()]).toEqual([404, 1]);
    await server.restart(env);
    await server.setUpUrl();
    expect([await shown(), await uses()]).toEqual([404, 1]);
    const { db } = await store();
    const later = { claimed_at: Date.now() - 2 * MINUTE_MS };
    await db.updateTable('invitation_claims').set(later).execute();
    expect([await shown(), await uses()]).toEqual([200, 0]);
    expect(await db.selectFrom('invitation_claims').selectAll().execute()).toEqual([]);
    const person = { token, name: 'Bo', email: 'Bo@school.example', password: PASSWORD };
    expect((await server.browser().post('/api/join', person)).status).toBe(201);
    // Its server ended after the person could sign in.
    const { id } = await db.selectFrom('invitations').select('id').executeTakeFirstOrThrow();
    const claim = { id: 'left', invitation_id: id, email: 'bo@school.example', ...later };
    await db.insertInto('invitation_claims').values(claim).execute();
    expect([await shown(), await uses()]).toEqual([404, 1]);
    expect(await db.selectFrom('invitation_claims').selectAll().execute()).toEqual([]);
  });

  /** The database takes no way to sign in, until the function that is returned was called. */
  async function refuseCredentials(): Promise<() => Promise<void>> {
    const { db, engine } = await store();
    const isSqlite = engine === 'sqlite';
    const refuse = isSqlite
      ? "create trigger no_credentials before insert on credentials begin select raise(abort, 'refused'); end"
      : "alter table credentials add constraint no_credentials check (id = '') not valid";
    const allow = isSqlite ? 'drop trigger no_credentials' : 'alter table credentials drop constraint no_credentials';
    await sql.raw(refuse).execute(db);
    return async () => {
      await sql.raw(allow).execute(db);
    };
  }

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

  it('pages through the sessions of a person by cursor, the one that was used last first', async () => {
    const bo = await joinAs(server, admin, 'Bo');
    const path = `/api/admin/users/${(await bo.get('/api/me')).textAt('user.id')}/sessions`;
    for (const address of ['192.0.2.7', '192.0.2.8'])
      await server.browser(address).signIn('bo@school.example', PASSWORD);
    const page = z.object({
      sessions: z.array(z.object({ id: z.string(), last_used_at: z.string() })),
      next_cursor: z.string().nullable(),
    });
    const read = async (query: string) => page.parse((await admin.get(path + query)).json);
    const all = await read('');
    expect([all.sessions.length, all.next_cursor]).toEqual([3, null]);
    const first = await read('?limit=2');
    const cursor = new URLSearchParams({ limit: '2', cursor: first.next_cursor ?? '' });
    const second = await read(`?${cursor}`);
    expect([...first.sessions, ...second.sessions]).toEqual(all.sessions);
    expect([first.sessions.length, second.next_cursor]).toEqual([2, null]);
    const times = all.sessions.map(({ last_used_at: at }) => at);
    expect(times).toEqual(times.toSorted().reverse());
    expect((await admin.get(`${path}?cursor=wrong`)).status).toBe(400);
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

  it('refuses cursors of other lists, and the character that no text of a database has', async () => {
    const cursor = (...keys: unknown[]) => Buffer.from(JSON.stringify(keys)).toString('base64url');
    const id = (await admin.get('/api/admin/users')).textAt('users.0.id');
    const reads: string[] = [];
    for (const list of ['keys', 'admin/keys', 'admin/invitations', `admin/users/${id}/sessions`, 'admin/users'])
      for (const key of [
        ['never', 'x'],
        [1.5, 'x'],
        [1e300, 'x'],
        [null, 'x'],
        ['x', 'x\0'],
        [1, 'x\0'],
      ])
        reads.push(`${list}?cursor=${cursor(...key)}`);
    for (const query of [
      'users?search=%00',
      'users?group_id=%00',
      'keys?user_id=%00',
      'audit?who=%00',
      'groups?cursor=%00',
    ])
      reads.push(`admin/${query}`);
    reads.push('admin/limits?kind=user&id=%00', 'admin/usage?user=%00');
    for (const path of reads) expect([path, (await admin.get(`/api/${path}`)).status]).toEqual([path, 400]);
    for (const path of ['users/%00', 'groups/a%00', 'keys/%00'])
      expect([path, (await admin.get(`/api/admin/${path}`)).status]).toEqual([path, 404]);
    const group = (await admin.post('/api/admin/groups', { name: 'Lab' })).textAt('id');
    for (const [path, body] of [
      ['keys', { name: 'a\0' }],
      ['admin/groups', { name: 'a\0' }],
      ['admin/groups', { name: 'Hall', manager_id: 'a\0' }],
      ['admin/invitations', { note: 'a\0' }],
      ['admin/invitations', { group_id: `${group}\0` }],
    ] as const)
      expect([path, (await admin.post(`/api/${path}`, body)).status]).toEqual([path, 400]);
    expect((await admin.patch(`/api/admin/users/${id}`, { name: 'A\0da' })).status).toBe(400);
  });

  it('lets the first administrator and people begin again whose sign-up was cut off', async () => {
    const { db } = await store();
    const invited = await admin.post('/api/admin/invitations', {});
    await joinAs(server, admin, 'Bo');
    // What kill -9 leaves behind between a person and its password.
    const createdAt = new Date(Date.now() - 61_000).toISOString();
    await db.deleteFrom('credentials').execute();
    await db.deleteFrom('user_sessions').execute();
    await db.updateTable('users').set({ createdAt, lastSeenAt: null }).execute();
    await db
      .updateTable('set_up')
      .set({ used_at: Date.now() - 61_000 })
      .execute();
    const bo = { name: 'Bo', email: 'bo@school.example', password: PASSWORD };
    const joined = await server.browser('192.0.2.9').post('/api/join', { ...bo, token: invited.textAt('token') });
    expect(joined.status).toBe(201);
    await setUpAdministrator(server);
    const people = await db.selectFrom('users').select(['email', 'role']).orderBy('email').execute();
    expect(people).toEqual([
      { email: 'ada@school.example', role: 'admin' },
      { email: 'bo@school.example', role: 'member' },
    ]);
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

  it('mounts the listed endpoints of better-auth and no other', async () => {
    const { betterAuthPaths } = await import('../support/better-auth-paths.ts');
    const paths = await betterAuthPaths();
    expect(paths.length).toBeGreaterThan(40);
    const own = [
      ...['/sign-up/email', '/list-sessions', '/revoke-session', '/revoke-other-sessions', '/delete-user'],
      // 503 without a mail server.
      '/request-password-reset',
    ];
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
