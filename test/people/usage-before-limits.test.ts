import { afterEach, beforeEach, expect, it } from 'vitest';
import { today } from '#lib/people/usage/usage-service';
import { usageStatements } from '#lib/people/usage/usage-statements';
import { NO_FIGURES } from '#lib/people/usage/usage-totals';
import { store } from '#lib/store/store';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';

let server: AccountsServer;
let admin: Browser;
let bo: Browser;
let id: string;

beforeEach(async () => {
  server = await startAccounts();
  admin = await setUpAdministrator(server);
  bo = await joinAs(server, admin, 'Bo');
  id = (await bo.get('/api/me')).textAt('user.id');
});
afterEach(async () => {
  await server.close();
});

/** Usage of today by a person, as it is in the database. */
async function use(tokens: number): Promise<void> {
  const opened = await store();
  const key = {
    day: today(),
    user_id: id,
    key_id: '',
    group_id: '',
    model: 'm',
    server: '',
    language: '',
    outcome: '',
  };
  await opened.writeAll(usageStatements(opened.db, [{ ...key, ...NO_FIGURES, completion_tokens: tokens }]));
}

it('counts in a limit what was used today before it was set, also between two limits', async () => {
  const scope = { kind: 'user', id };
  const limits = { tokens_per_day: { limit: 100, kind: 'hard' } };
  await use(628);
  expect((await bo.get('/api/me')).at('limits')).toEqual([]);
  expect((await admin.patch('/api/admin/limits', { scope, limits })).status).toBe(200);
  expect((await bo.get('/api/me')).at('limits.0')).toMatchObject({ name: 'tokens_per_day', limit: 100, used: 628 });
  expect((await admin.delete(`/api/admin/limits?kind=user&id=${id}`)).status).toBe(204);
  await use(100);
  expect((await admin.patch('/api/admin/limits', { scope, limits })).status).toBe(200);
  expect((await bo.get('/api/me')).at('limits.0.used')).toBe(728);
});
