import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Role } from '#lib/http/principal';
import { peopleLimits } from '#lib/people/limits/index';
import { registerScopeDirectory, type ScopeOwner } from '#lib/people/limits/scope-directory';
import { resetSingleton } from '#lib/singletons';
import { storeIfOpen } from '#lib/store/store';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { asPerson, registerPeople } from '../support/people.ts';

/** Limits of people who sign in, all of them behind one address. */

let s: ChatServer;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limits-'));
});
afterEach(async () => {
  await s.close();
  await peopleLimits().close();
  await storeIfOpen()?.close();
  for (const name of ['store', 'http.identities', 'people.scope-directory']) resetSingleton(name);
  await rm(folder, { recursive: true });
});

async function start(environment: Record<string, string>): Promise<void> {
  s = await chatServer({ AUTH: 'accounts', DATA_DIR: join(folder, 'data'), ...environment });
  registerPeople();
  s.provider.onCall = (call) => void call.say('x').done();
}

function send(person: string, method: string, path: string, body?: object): Promise<Response> {
  return fetch(s.url + path, {
    method,
    headers: { ...asPerson(person), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
const ask = (person: string, text: string, more: object = {}) =>
  send(person, 'POST', '/v1/chat/completions', {
    model: 'default-model',
    messages: [{ role: 'user', content: text }],
    ...more,
  });
const statusOf = async (response: Promise<Response>) => (await response).status;
const HARD = { LIMIT_KIND: 'hard', LIMIT_TOKENS_PER_DAY: '8' };

describe('a budget', () => {
  it('is that of a person, with all keys and sessions, and of no other behind the same address', async () => {
    await start(HARD);
    expect(await statusOf(ask('member', 'one'))).toBe(200);
    expect(await statusOf(ask('member', 'two'))).toBe(429);
    expect(await statusOf(ask('key for chat', 'three'))).toBe(429);
    expect(await statusOf(ask('another member', 'four'))).toBe(200);
    expect(await statusOf(ask('manager', 'five'))).toBe(200);
  });

  it('is not for administrators, unless it is their own', async () => {
    await start(HARD);
    for (const text of ['one', 'two', 'three']) expect(await statusOf(ask('admin', text))).toBe(200);
    const limits = { tokens_per_day: { limit: 8, kind: 'hard' } };
    await send('admin', 'PUT', '/api/admin/limits', { scope: { kind: 'user', id: 'ada' }, limits });
    expect(await statusOf(ask('admin', 'four'))).toBe(200);
    expect(await statusOf(ask('admin', 'five'))).toBe(429);
  });

  it('is that of each end user of a key that names them', async () => {
    await start({ ...HARD, LIMIT_REQUESTS_PER_MINUTE: '2' });
    for (const user of ['bob', 'eve']) {
      expect(await statusOf(ask('front end', `${user} 1`, { user }))).toBe(200);
      const refused = await ask('front end', `${user} 2`, { user });
      expect([refused.status, (await refused.json()).error.message]).toEqual([
        429,
        expect.stringMatching(/8 tokens a day/),
      ]);
      const third = await ask('front end', `${user} 3`, { user });
      expect((await third.json()).error.message).toMatch(/2 chat requests a minute/);
    }
    expect(await statusOf(ask('front end', 'without a name'))).toBe(200);
  });
});

describe('a rate limit', () => {
  it('counts a request of a key that names end users once, also on a route without them', async () => {
    await start({ RATE_LIMIT_CHAT: '2' });
    const messages = [{ role: 'user', content: 'hello' }];
    for (const path of ['/api/chat', '/api/chat-optimized'])
      expect(await statusOf(send('front end', 'POST', path, { model: 'default-model', messages }))).toBe(200);
  });
});

describe('GET /api/me', () => {
  const me = async (person: string) => (await send(person, 'GET', '/api/me')).json();

  it('says what is used of each limit and of the share', async () => {
    await start({ LIMIT_TOKENS_PER_DAY: '10', LIMIT_CONCURRENT_REQUESTS: '3' });
    await ask('member', 'hello');
    await vi.waitFor(() => expect(s.engine.load.running).toBe(0));
    expect(await me('member')).toMatchObject({
      user: { id: 'ann' },
      limits: [
        { name: 'tokens_per_day', limit: 10, used: 8, kind: 'share', resets_at: expect.stringMatching(/^\d{4}-/) },
        { name: 'concurrent_requests', limit: 3, used: 0, kind: 'hard', resets_at: null },
      ],
      share: 0.8,
    });
    expect(await me('another member')).toMatchObject({ share: 0 });
    expect(await me('admin')).toMatchObject({ limits: [], share: null });
  });
});

describe('/api/admin/limits', () => {
  const set = (person: string, kind: string, id: string, method = 'PUT') =>
    method === 'DELETE'
      ? send(person, method, `/api/admin/limits?kind=${kind}&id=${id}`)
      : send(person, method, '/api/admin/limits', { scope: { kind, id }, limits: { output_tokens: 5 } });
  const owned = (groupId: string | null, userId: string | null = null, role: Role = 'member'): ScopeOwner => ({
    groupId,
    userId,
    role,
  });
  const owners: Record<string, ScopeOwner> = {
    'user ann': owned('lab', 'ann'),
    'user eve': owned('class', 'eve'),
    'user ada': owned(null, 'ada', 'admin'),
    'user max': owned('lab', 'max', 'manager'),
    'user moe': owned('lab', 'moe', 'manager'),
    'user root': owned('lab', 'root', 'admin'),
    'key for-chat': owned('lab', 'ann'),
    'key service': owned('lab'),
    'key front': owned(null),
    'key of-max': owned('lab', 'max', 'manager'),
    'key of-moe': owned('lab', 'moe', 'manager'),
    'key of-root': owned('lab', 'root', 'admin'),
    'group lab': owned('lab'),
    'group class': owned('class'),
  };

  /** How often the database is asked. */
  let lookUps: number;

  beforeEach(async () => {
    await start({});
    lookUps = 0;
    registerScopeDirectory({
      ownerOf: async ({ kind, id }) => {
        lookUps += 1;
        return owners[`${kind} ${id}`];
      },
      ownersIn: async (groupId) => {
        lookUps += 1;
        return new Map(Object.entries(owners).filter(([, owner]) => owner.groupId === groupId));
      },
    });
  });

  it.each([
    ['group', 'lab', 200],
    ['user', 'ann', 200],
    ['key', 'for-chat', 200],
    ['key', 'service', 200],
    ['key', 'of-max', 200],
    ['user', 'max', 403],
    ['user', 'moe', 403],
    ['user', 'root', 403],
    ['key', 'of-moe', 403],
    ['key', 'of-root', 403],
    ['group', 'class', 403],
    ['user', 'eve', 403],
    ['user', 'ada', 403],
    ['user', 'no-such-user', 403],
    ['key', 'front', 403],
    ['default', '', 403],
  ])('lets a manager set the limits of %s %s: %i', async (kind, id, status) => {
    for (const method of ['PUT', 'PATCH']) expect(await statusOf(set('manager', kind, id, method))).toBe(status);
    expect(await statusOf(set('manager', kind, id, 'DELETE'))).toBe(status === 200 ? 204 : status);
    const read = kind === 'default' ? 200 : status;
    expect(await statusOf(send('manager', 'GET', `/api/admin/limits?kind=${kind}&id=${id}`))).toBe(read);
  });

  it('shows a manager the defaults and the own group, and an administrator all', async () => {
    for (const scope of Object.keys(owners)) {
      const [kind = '', id = ''] = scope.split(' ');
      expect(await statusOf(set('admin', kind, id))).toBe(200);
    }
    const scopes = async (person: string) => {
      const { limits } = await (await send(person, 'GET', '/api/admin/limits')).json();
      return limits.map(({ scope }: { scope: { kind: string; id: string } }) => `${scope.kind} ${scope.id}`.trim());
    };
    lookUps = 0;
    expect(await scopes('manager')).toEqual([
      'default',
      'group lab',
      'key for-chat',
      'key of-max',
      'key service',
      'user ann',
    ]);
    expect(lookUps).toBe(1);
    expect(await scopes('admin')).toEqual(['default', ...Object.keys(owners).toSorted()]);
  });

  it('has what is stored in the first list after a restart too', async () => {
    expect(await statusOf(set('admin', 'user', 'ann'))).toBe(200);
    await s.close();
    await peopleLimits().close();
    await storeIfOpen()?.close();
    for (const name of ['store', 'people.limits']) resetSingleton(name);
    await start({});
    const { limits } = await (await send('admin', 'GET', '/api/admin/limits')).json();
    expect(limits).toMatchObject([{ scope: { kind: 'default' } }, { scope: { kind: 'user', id: 'ann' } }]);
  });

  it('is not for members, and an unknown user is not found', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      expect(await statusOf(set('member', 'user', 'ann', method))).toBe(403);
    expect(await statusOf(send('member', 'GET', '/api/admin/limits'))).toBe(403);
    expect(await statusOf(set('admin', 'user', 'no-such-user'))).toBe(404);
  });

  it('changes limits of a group that hold at once, and that a limit of the user replaces', async () => {
    const bound = async () => {
      await ask('member', `hello ${Math.random()}`);
      return s.provider.last.request.options.num_predict;
    };
    expect(await bound()).toBeUndefined();
    await set('manager', 'group', 'lab');
    expect(await bound()).toBe(5);
    await send('manager', 'PUT', '/api/admin/limits', {
      scope: { kind: 'user', id: 'ann' },
      limits: { output_tokens: 9 },
    });
    expect(await bound()).toBe(9);
    await set('manager', 'user', 'ann', 'DELETE');
    expect(await bound()).toBe(5);
  });

  it('loses no change of two at a time', async () => {
    const patch = (limits: object) =>
      send('admin', 'PATCH', '/api/admin/limits', { scope: { kind: 'user', id: 'ann' }, limits });
    await Promise.all([patch({ output_tokens: 1 }), patch({ context_tokens: 2 }), patch({ concurrent_requests: 3 })]);
    const { limits } = await (await send('admin', 'GET', '/api/admin/limits?kind=user&id=ann')).json();
    expect(Object.keys(limits[0].limits).sort()).toEqual(['concurrent_requests', 'context_tokens', 'output_tokens']);
  });
});
