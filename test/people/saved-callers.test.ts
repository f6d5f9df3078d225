import { afterEach, beforeEach, expect, it } from 'vitest';
import { config } from '#lib/config/config';
import { apiKeyId } from '#lib/http/api-keys';
import { currentPrincipal } from '#lib/http/identity';
import { administrator, member, type Principal } from '#lib/http/principal';
import { store } from '#lib/store/store';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';

/** Whether the caller of a request that was saved before a restart may still use the server. */

const API_KEY = 'a-key-of-the-settings-0123';

let server: AccountsServer;
let admin: Browser;
let bo: Browser;
let id: string;

beforeEach(async () => {
  server = await startAccounts({ API_KEYS: API_KEY });
  admin = await setUpAdministrator(server);
  bo = await joinAs(server, admin, 'Bo');
  id = (await admin.get('/api/admin/users?search=bo')).textAt('users.0.id');
});
afterEach(() => server.close());

const now = (saved: Principal) => currentPrincipal(saved, config(), Date.now());
const person = () => member(`user:${id}`, { userId: id, name: 'Bo' });

it('has the rights of a person as they are now', async () => {
  expect(await now(person())).toMatchObject({ caller: `user:${id}`, userId: id, role: 'member' });
  await admin.patch(`/api/admin/users/${id}`, { role: 'admin', name: 'Bob' });
  expect(await now(person())).toMatchObject({ role: 'admin', name: 'Bob' });
});

it.each([
  ['disabled', () => admin.patch(`/api/admin/users/${id}`, { disabled: true })],
  ['deleted', () => admin.delete(`/api/admin/users/${id}`)],
])(
  'has none for a person who was %s while the server was down, nor for the keys of that person',
  async (_what, end) => {
    const key = (await bo.post('/api/keys', { name: 'Editor' })).textAt('id');
    const byKey = member(`key:${key}/pupil-7`, { userId: id, keyId: key });
    expect(await now(byKey)).toMatchObject({ caller: `key:${key}/pupil-7`, keyId: key, userId: id });
    await end();
    await server.restart();
    expect([await now(person()), await now(byKey)]).toEqual([undefined, undefined]);
  },
);

it('has none for a key that was revoked or has expired', async () => {
  const [revoked, expired] = [
    (await bo.post('/api/keys', { name: 'Revoked' })).textAt('id'),
    (await bo.post('/api/keys', { name: 'Expired', expires_in_days: 1 })).textAt('id'),
  ];
  await bo.delete(`/api/keys/${revoked}`);
  const { db } = await store();
  await db.updateTable('access_keys').set({ expires_at: 1 }).where('id', '=', expired).execute();
  for (const keyId of [revoked, expired])
    expect(await now(member(`key:${keyId}`, { userId: id, keyId }))).toBeUndefined();
});

it('knows the keys of the settings as they are now, and callers by address', async () => {
  const keyId = apiKeyId(API_KEY);
  const key = administrator(`key:${keyId}`, { keyId });
  expect(await now(key)).toBe(key);
  const local = administrator('203.0.113.7');
  expect(await now(local)).toBe(local);
  await server.restart({ API_KEYS: 'another-key-of-the-settings' });
  expect(await now(key)).toBeUndefined();
  await server.restart({ AUTH: 'keys', API_KEYS: 'another-key-of-the-settings' });
  expect([await now(key), await now(person()), await now(local)]).toEqual([undefined, undefined, local]);
});
