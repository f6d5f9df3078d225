import { afterEach, beforeEach, expect, it } from 'vitest';
import { apiKeyId } from '#lib/http/api-keys';
import { today } from '#lib/people/usage/usage-service';
import { usageStatements } from '#lib/people/usage/usage-statements';
import { store } from '#lib/store/store';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  type Received,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';
import { usageRow } from '../support/usage.ts';

/** Names next to the ids of usage. */

const API_KEY = 'a-key-of-the-settings-0123';

let server: AccountsServer;
let admin: Browser;

beforeEach(async () => {
  server = await startAccounts({ API_KEYS: API_KEY });
  admin = await setUpAdministrator(server);
});
afterEach(() => server.close());

async function use(rows: readonly Partial<Parameters<typeof usageRow>[0]>[]): Promise<void> {
  const { db, writeAll } = await opened();
  await writeAll(
    usageStatements(
      db,
      rows.map((row) => usageRow({ day: today(), requests: 1, model: 'm', ...row })),
    ),
  );
}

async function opened() {
  const one = await store();
  return { db: one.db, writeAll: one.writeAll.bind(one) };
}

const namesIn = (report: Received, column: string) => {
  const rows = report.at('rows') as Record<string, unknown>[];
  return Object.fromEntries(rows.map((row) => [row[column], row[`${column}_name`]]));
};

it('has the names of people, groups and keys, also after their end where they are known', async () => {
  const group = (await admin.post('/api/admin/groups', { name: 'Class, 9b' })).textAt('id');
  const bo = await joinAs(server, admin, 'Bo', { group_id: group });
  await joinAs(server, admin, 'Eve');
  const idOf = async (name: string) => (await admin.get(`/api/admin/users?search=${name}`)).textAt('users.0.id');
  const [boId, eveId] = [await idOf('Bo'), await idOf('Eve')];
  const editor = (await bo.post('/api/keys', { name: 'Editor' })).textAt('id');
  const revoked = (await bo.post('/api/keys', { name: 'Old laptop' })).textAt('id');
  const service = (await admin.post('/api/admin/keys', { name: 'Front end', group_id: group })).textAt('id');
  await use([
    { user_id: boId, group_id: group },
    { user_id: boId, group_id: group, key_id: editor },
    { user_id: boId, group_id: group, key_id: revoked },
    { user_id: eveId },
    { key_id: service, group_id: group },
    { key_id: 'local' },
    { key_id: apiKeyId(API_KEY) },
    { user_id: 'long-ago', key_id: 'lost', group_id: 'gone' },
  ]);
  expect((await bo.delete(`/api/keys/${revoked}`)).status).toBe(204);

  const report = (by: string) => admin.get(`/api/admin/usage?group_by=${by}`);
  expect(namesIn(await report('user,model'), 'user')).toEqual({
    '': null,
    [boId]: 'Bo',
    [eveId]: 'Eve',
    'long-ago': 'deleted user',
  });
  expect(namesIn(await report('group'), 'group')).toEqual({ '': null, [group]: 'Class, 9b', gone: 'deleted group' });
  expect(namesIn(await report('key'), 'key')).toEqual({
    '': null,
    local: null,
    [apiKeyId(API_KEY)]: null,
    [editor]: 'Editor',
    [revoked]: 'Old laptop (deleted)',
    [service]: 'Front end',
    lost: 'deleted key',
  });
  expect(namesIn(await bo.get('/api/usage?group_by=key'), 'key')).toEqual({
    '': null,
    [editor]: 'Editor',
    [revoked]: 'Old laptop (deleted)',
  });

  await admin.delete(`/api/admin/groups/${group}`);
  await admin.delete(`/api/admin/users/${boId}`);
  // Keys end with their person and their group, without a record of each.
  expect(namesIn(await report('key'), 'key')).toMatchObject({
    [editor]: 'Editor (deleted)',
    [service]: 'Front end (deleted)',
  });
  expect(namesIn(await report('group'), 'group')).toMatchObject({ [group]: 'Class, 9b (deleted)' });
  expect(namesIn(await report('user'), 'user')).toMatchObject({ [boId]: 'deleted user', [eveId]: 'Eve' });

  const csv = (await admin.get('/api/admin/usage?group_by=user,group,model&format=csv')).text.split('\r\n');
  expect(csv[0]).toMatch(/^user,user_name,group,group_name,model,requests,/);
  expect(csv).toContainEqual(expect.stringContaining(`${boId},deleted user,${group},"Class, 9b (deleted)",m,`));
});
