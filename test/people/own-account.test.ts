import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { today } from '#lib/people/usage/usage-service';
import { usageStatements } from '#lib/people/usage/usage-statements';
import { NO_FIGURES, type UsageRow } from '#lib/people/usage/usage-totals';
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
import { databaseEngines } from '../support/database-engines.ts';
import { turnOnSecondFactor } from '../support/second-factor.ts';

/** What a person does with the own account, on both engines. */

function usageRow(members: Partial<UsageRow>): UsageRow {
  const key = { day: today(), user_id: '', key_id: '', group_id: '', model: '', server: '', language: '', outcome: '' };
  return { ...key, ...NO_FIGURES, ...members };
}

describe.each(databaseEngines())('the own account on %s', (_name, environment) => {
  let server: AccountsServer;
  let admin: Browser;

  beforeEach(async () => {
    server = await startAccounts(await environment());
    admin = await setUpAdministrator(server);
  });
  afterEach(async () => {
    await server.close();
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
    // Which ends the session of the request, too.
    const change = { currentPassword: 'another pass phrase', newPassword: PASSWORD, revokeOtherSessions: true };
    expect((await bo.post('/api/auth/change-password', change)).status).toBe(200);
    expect(await reset(second)).toBe(400);
    expect((await admin.get('/api/admin/audit')).text).toContain('Bo changed the password');
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

  it('exports what an administrator did to the own keys, and the audit log says whose they are', async () => {
    const bo = await joinAs(server, admin, 'Bo');
    const user = (await bo.get('/api/me')).textAt('user.id');
    const key = (await bo.post('/api/keys', { name: 'Homework' })).textAt('id');
    const kept = (await bo.post('/api/keys', { name: 'Kept' })).textAt('id');
    const other = (await admin.post('/api/keys', { name: 'Of another' })).textAt('id');
    await admin.patch('/api/admin/limits', { scope: { kind: 'key', id: kept }, limits: { output_tokens: 7 } });
    for (const id of [key, other]) expect((await admin.delete(`/api/admin/keys/${id}`)).status).toBe(204);
    const exported = await bo.get('/api/me/export');
    expect(exported.at('changes')).toContainEqual(
      expect.objectContaining({
        action: 'key.revoke',
        target: key,
        address: null,
        detail: { summary: 'revoked the key "Homework" of Bo', name: 'Homework', owner: `user:${user}` },
      }),
    );
    expect(exported.at('changes')).toContainEqual(expect.objectContaining({ target: `key:${kept}`, address: null }));
    expect(exported.text).not.toContain('Of another');
    const log = await admin.get('/api/admin/audit?kind=key');
    expect(log.text).toContain('revoked the key \\"Homework\\" of Bo');
  });

  it('lists what others changed of a person, and nothing of what is not theirs', async () => {
    const bo = await joinAs(server, admin, 'Bo');
    const user = (await bo.get('/api/me')).textAt('user.id');
    expect((await bo.get('/api/me/changes')).at('entries')).toEqual([]);
    const key = (await bo.post('/api/keys', { name: 'Homework' })).textAt('id');
    await admin.patch('/api/admin/limits', { scope: { kind: 'key', id: key }, limits: { output_tokens: 7 } });
    await bo.patch(`/api/keys/${key}`, { limits: { output_tokens: 6 } });
    await admin.delete(`/api/admin/keys/${key}`);
    await admin.patch('/api/admin/limits', { scope: { kind: 'user', id: user }, limits: { output_tokens: 9 } });
    await admin.patch(`/api/admin/users/${user}`, { role: 'admin' });
    const [owns, joined] = [await admin.post('/api/keys', { name: 'Of another' }), await joinAs(server, admin, 'Eve')];
    await admin.delete(`/api/admin/keys/${owns.textAt('id')}`);

    const list = auditListSchema.parse((await bo.get('/api/me/changes')).json);
    // Two of them may be of the same millisecond.
    expect(new Set(list.entries.map(({ summary }) => summary))).toEqual(
      new Set([
        'made Bo admin',
        'changed the limits of Bo',
        'revoked the key "Homework" of Bo',
        // They end with the key, and are kept for whom the key was.
        'removed the limits of the key “Homework” of Bo',
        'changed the limits of the key “Homework” of Bo',
      ]),
    );
    for (const { actor, address } of list.entries) expect([actor?.name, address]).toEqual(['Ada', null]);
    expect(list.entries.find(({ action }) => action === 'user.change')?.changes).toEqual([
      { field: 'role', before: 'member', after: 'admin' },
    ]);
    const exported = await bo.get('/api/me/export');
    for (const action of ['limits.change', 'limits.delete', 'key.revoke'])
      expect(exported.at('changes')).toContainEqual(
        expect.objectContaining({ action, detail: expect.objectContaining({ owner: `user:${user}` }) }),
      );

    const first = await bo.get('/api/me/changes?limit=2');
    const second = await bo.get(`/api/me/changes?cursor=${first.textAt('next_cursor')}`);
    const pages = [first, second].flatMap(({ json }) => auditListSchema.parse(json).entries);
    expect(pages).toEqual(list.entries);
    expect((await joined.get('/api/me/changes')).at('entries')).toEqual([]);
    expect((await server.browser().get('/api/me/changes')).status).toBe(401);
  });

  it('asks for the second factor, and takes a recovery code once', async () => {
    const { enabled, now } = await turnOnSecondFactor(admin);
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
    // Codes of a sign-in turn nothing on.
    const changes = await admin.get('/api/admin/audit?action=account');
    expect(changes.at('entries')).toMatchObject([
      { action: 'account.two_factor_on', actor: { name: 'Ada' }, summary: 'Ada turned the second factor on' },
    ]);
    expect((await admin.post('/api/auth/two-factor/generate-backup-codes', { password: PASSWORD })).status).toBe(200);
    expect((await admin.get('/api/admin/audit')).at('entries.0.summary')).toBe('Ada made new recovery codes');
  });

  it.each<[string, (person: Browser) => Promise<unknown>]>([
    ['an administrator', async () => await admin.patch(`/api/admin/users/${await idOf('bo')}`, { two_factor: false })],
    ['its person', (person) => person.post('/api/auth/two-factor/disable', { password: PASSWORD })],
  ])('trusts no device of a second factor that %s has turned off', async (_who, turnOff) => {
    const bo = await joinAs(server, admin, 'Bo');
    const { now } = await turnOnSecondFactor(bo);
    const device = server.browser('192.0.2.7');
    const needsCode = async () => (await device.signIn('bo@school.example', PASSWORD)).at('twoFactorRedirect') === true;
    expect(await needsCode()).toBe(true);
    const trusting = await device.post('/api/auth/two-factor/verify-totp', { code: await now(), trustDevice: true });
    expect(trusting.status).toBe(200);
    expect(await needsCode()).toBe(false);
    const link = (await admin.post(`/api/admin/users/${await idOf('bo')}/reset-link`)).textAt('url');
    await turnOff(bo);
    expect(await needsCode()).toBe(false);
    await turnOnSecondFactor(bo);
    expect(await needsCode()).toBe(true);
    // A link to set a password is no device.
    const token = new URL(link).searchParams.get('token');
    const reset = { token, newPassword: 'another pass phrase' };
    expect((await server.browser().post('/api/auth/reset-password', reset)).status).toBe(200);
  });

  const idOf = async (name: string) => (await admin.get(`/api/admin/users?search=${name}`)).textAt('users.0.id');
});
