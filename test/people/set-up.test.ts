import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { store } from '#lib/store/store';
import { type AccountsServer, PASSWORD, startAccounts } from '../support/accounts-server.ts';

/** The link of a start without an administrator. */

let server: AccountsServer;

beforeEach(async () => {
  server = await startAccounts();
});
afterEach(() => server.close());

/** Of the link that another start makes. */
const tokenOf = async () =>
  new URL(((await server.setUpUrl()) ?? '').slice('set-up: '.length)).searchParams.get('token');

describe('the set-up link', () => {
  it('makes one administrator for requests at the same time, and none with a wrong token or one that is too old', async () => {
    const person = { name: 'Ada', email: 'ada@school.example', password: PASSWORD };
    const old = await tokenOf();
    const { db } = await store();
    await db
      .updateTable('set_up_links')
      .set({ made_at: Date.now() - 8 * 24 * 60 * 60 * 1000 })
      .execute();
    const token = await tokenOf();
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(await db.selectFrom('set_up_links').selectAll().execute())).not.toContain(token);
    for (const wrong of [old, 'x', 'A'.repeat(43)])
      expect((await server.browser('192.0.2.1').post('/api/setup', { ...person, token: wrong })).status).toBe(403);
    const short = await server.browser().post('/api/setup', { ...person, token, password: 'short' });
    expect(short.at('code')).toBe('invalid_request');
    const results = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        server.browser('192.0.2.2').post('/api/setup', { ...person, token, email: `${name}@school.example` }),
      ),
    );
    expect(results.map(({ status }) => status).sort()).toEqual([201, 410, 410]);
    expect(await db.selectFrom('users').select('id').execute()).toHaveLength(1);
  });

  it('stays valid when another server starts, until one of the links has made the administrator', async () => {
    const first = await tokenOf();
    await server.restart();
    const second = await tokenOf();
    expect(second).not.toBe(first);
    const setUp = (token: string | null, name: string) =>
      server
        .browser('192.0.2.3')
        .post('/api/setup', { token, name, email: `${name}@school.example`, password: PASSWORD });
    const results = await Promise.all([setUp(first, 'ada'), setUp(second, 'eve')]);
    expect(results.map(({ status }) => status).sort()).toEqual([201, 410]);
    const { db } = await store();
    expect(await db.selectFrom('users').select('id').execute()).toHaveLength(1);
    // The way back in of docs/operations.md: no link from before works again.
    await db.updateTable('users').set({ role: 'member' }).execute();
    await server.restart();
    for (const used of [first, second]) expect((await setUp(used, 'mallory')).status).toBe(403);
  });

  it('is given free by a server that ended while it made the administrator', async () => {
    const token = await tokenOf();
    const { db } = await store();
    const setUp = () =>
      server.browser('192.0.2.4').post('/api/setup', { token, name: 'Ada', email: 'a@b.example', password: PASSWORD });
    await db.updateTable('set_up').set({ used_at: Date.now() }).execute();
    expect((await setUp()).status).toBe(410);
    await db
      .updateTable('set_up')
      .set({ used_at: Date.now() - 61_000 })
      .execute();
    expect((await setUp()).status).toBe(201);
  });
});
