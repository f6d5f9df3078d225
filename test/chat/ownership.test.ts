import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openWork, revoke } from '#lib/http/open-work';
import { createSession, SESSION_COOKIE } from '#lib/http/session-cookie';
import { meSchema } from '#lib/wire/people';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import {
  COMPLETION,
  forgetIdentities,
  HELLO,
  KEY,
  MESSAGES,
  overviewOf,
  RESPONSE,
  sendAs,
  startOwned,
} from '../support/owned-requests.ts';
import { asPerson, type Person } from '../support/people.ts';

let s: ChatServer;
let lockOut: (person: Person) => void;

beforeEach(async () => {
  forgetIdentities();
  await start();
});

afterEach(async () => {
  await s.close();
  forgetIdentities();
});

async function start(environment: Record<string, string> = {}): Promise<void> {
  ({ s, lockOut } = await startOwned(environment));
}

const send = (...request: [Person | 'anonymous', string, string, object?, object?]) => sendAs(s, ...request);
const overview = (person: Person) => overviewOf(s, person);

async function enqueue(person: Person, body: object = HELLO): Promise<string> {
  const response = await send(person, 'POST', '/api/chat-queue', body);
  expect(response.status).toBe(202);
  return (await response.json()).request_id;
}

const cancel = (person: Person, id: string, more = '') =>
  send(person, 'DELETE', `/api/chat-queue?requestId=${id}${more}`);

describe('a request in the queue', () => {
  it.each<[Person, number]>([
    ['member', 200],
    ['manager', 200],
    ['admin', 200],
    ['another member', 404],
    ['outsider', 404],
    ['key for chat', 404],
    ["administrator's key for chat", 404],
  ])('is cancelled by %s with %i', async (person, status) => {
    const id = await enqueue('member');
    expect((await cancel(person, id)).status).toBe(status);
    const left = async () => (await send('member', 'GET', `/api/chat-queue?requestId=${id}`)).json();
    await vi.waitFor(async () => expect((await left()).status).toBe(status === 200 ? 'cancelled' : 'processing'));
  });

  it('of a key is cancelled by its person, but not one of the person by the key', async () => {
    const id = await enqueue('key for chat');
    expect((await overview('member')).processing).toMatchObject([{ request_id: id }]);
    expect((await cancel('another member', id)).status).toBe(404);
    expect((await cancel('member', id)).status).toBe(200);
    const ended = await (await send('key for chat', 'GET', `/api/chat-queue?requestId=${id}`)).json();
    expect([ended.status, ended.data]).toEqual(['cancelled', undefined]);
  });

  it('of another group is not cancelled by a manager, and looks as if it were not there', async () => {
    const id = await enqueue('outsider');
    const refused = await cancel('manager', id);
    const missing = await cancel('manager', '00000000-0000-4000-8000-000000000000');
    expect([refused.status, await refused.json()]).toEqual([missing.status, await missing.json()]);
    expect((await cancel('admin', id)).status).toBe(200);
  });

  it('reports that the operator cancelled it, whatever the operator says', async () => {
    const id = await enqueue('member');
    await cancel('admin', id, '&cancelled_by=user');
    expect(await (await send('member', 'GET', `/api/chat-queue?requestId=${id}`)).json()).toMatchObject({
      status: 'cancelled',
      data: { cancelled_by: 'operator' },
    });
  });

  it('is read by its owner alone, also not by administrators', async () => {
    const id = await enqueue('member');
    for (const person of ['admin', 'manager', 'another member', 'key for chat'] as const) {
      expect((await send(person, 'GET', `/api/chat-queue?requestId=${id}`)).status).toBe(404);
      const stream = await send(person, 'GET', `/api/chat-queue?requestId=${id}`, undefined, {
        accept: 'text/event-stream',
      });
      expect(stream.status).toBe(404);
      expect((await send(person, 'POST', '/api/chat-optimized', { request_id: id })).status).toBe(404);
    }
    expect((await send('member', 'GET', `/api/chat-queue?requestId=${id}`)).status).toBe(200);
  });

  it('is listed with its id for those who may cancel it, and with its caller for administration', async () => {
    const id = await enqueue('member');
    const seen = async (person: Person) => {
      const { processing } = await overview(person);
      expect(processing).toHaveLength(1);
      return [processing[0]?.request_id, processing[0]?.caller];
    };
    expect(await seen('admin')).toEqual([id, 'Ann']);
    expect(await seen('manager')).toEqual([id, 'Ann']);
    expect(await seen('member')).toEqual([id, undefined]);
    expect(await seen('outsider')).toEqual([undefined, undefined]);
  });

  it('does not tell apart a request of a repeated id', async () => {
    const id = await enqueue('member');
    const other = await send('outsider', 'POST', '/api/chat-queue', HELLO, { 'x-request-id': id });
    expect((await other.json()).request_id).not.toBe(id);
  });
});

describe('a name that a client chooses', () => {
  it('leads to no conversation of another caller', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const say = (person: Person, content: string) =>
      send(person, 'POST', '/api/chat-optimized', {
        messages: [{ role: 'user', content }],
        conversation_id: 'c',
        stream: false,
      });
    await say('member', 'my secret');
    for (const person of ['admin', 'another member', 'key for chat'] as const) {
      await say(person, `hello of ${person}`);
      expect(s.provider.last.request.messages).toHaveLength(1);
    }
    await say('member', 'again');
    expect(s.provider.last.request.messages).toHaveLength(3);
  });

  it('leads to no request of another caller by its Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'one' };
    const ids = [];
    for (const person of ['member', 'member', 'admin', 'key for chat'] as const)
      ids.push((await (await send(person, 'POST', '/api/chat-queue', HELLO, key)).json()).request_id);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });
});

describe('a stored response', () => {
  it('is found by its owner alone, whatever is done with its id', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { id } = await (await send('member', 'POST', '/v1/responses', RESPONSE)).json();
    for (const person of ['admin', 'manager', 'another member', 'key for chat'] as const)
      for (const [method, path] of [
        ['GET', `/v1/responses/${id}`],
        ['GET', `/v1/responses/${id}/input_items`],
        ['POST', `/v1/responses/${id}/cancel`],
        ['DELETE', `/v1/responses/${id}`],
      ] as const)
        expect([path, (await send(person, method, path)).status]).toEqual([path, 404]);
    const continued = await send('admin', 'POST', '/v1/responses', { ...RESPONSE, previous_response_id: id });
    expect(continued.status).toBe(400);
    expect((await send('member', 'GET', `/v1/responses/${id}`)).status).toBe(200);
  });
});

describe('priority', () => {
  it.each<[Person, number | null, number]>([
    ['member', 0, 0],
    ['key for chat', 0, 0],
    ['manager', null, 10],
    ['admin', null, 10],
  ])('10 of %s is reported as %s and waits with %i', async (person, reported, applied) => {
    await enqueue('outsider', { messages: [{ role: 'user', content: 'first' }] });
    const response = await send(person, 'POST', '/api/chat-queue', { ...HELLO, priority: 10 });
    expect(response.status).toBe(202);
    expect(response.headers.get('x-priority')).toBe(reported === null ? null : String(reported));
    expect((await overview('admin')).pending).toMatchObject([{ priority: applied }]);
  });

  it('is lowered in direct requests too, and below 0 it is free to choose', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const ask = (priority: number) =>
      send('member', 'POST', '/api/chat-optimized', { ...HELLO, stream: false, priority, cache: 'off' });
    expect((await ask(10)).headers.get('x-priority')).toBe('0');
    expect((await ask(-3)).headers.get('x-priority')).toBeNull();
  });

  it.each([
    ['/v1/chat/completions', COMPLETION],
    ['/v1/messages', MESSAGES],
    ['/v1/responses', RESPONSE],
    ['/api/chat', { ...COMPLETION, stream: false }],
  ])('is no field of %s, which reports it', async (path, body) => {
    s.provider.onCall = (call) => void call.say('x').done();
    const response = await send('member', 'POST', path, { ...body, priority: 10 });
    expect([response.status, response.headers.get('x-ignored-fields')]).toEqual([200, 'priority']);
  });
});

describe('what changes the server for everyone', () => {
  const ACTIONS = ['clear', 'clear_response_cache', 'clear_conversation_cache'];

  it.each(ACTIONS)('%s is for administrators', async (action) => {
    for (const [person, status] of [
      ['member', 403],
      ['manager', 403],
      ['key for chat', 403],
      ["administrator's key for chat", 403],
      ['admin', 200],
    ] as const)
      expect([person, (await send(person, 'POST', '/api/cache-stats', { action })).status]).toEqual([person, status]);
  });

  it('warming a model is for administrators and managers', async () => {
    const warm = async (person: Person) =>
      (await send(person, 'POST', '/api/cache-stats', { action: 'warm_model' })).status;
    expect([await warm('member'), await warm('manager'), await warm('admin')]).toEqual([403, 200, 200]);
  });

  it('unloading a model through a chat route is for administrators', async () => {
    const unload = async (person: Person) =>
      (await send(person, 'POST', '/api/generate', { model: 'default-model', keep_alive: 0 })).status;
    expect([await unload('member'), await unload('manager')]).toEqual([403, 403]);
    // The scripted model server is no Ollama.
    expect(await unload('admin')).toBe(422);
  });
});

describe('a caller that is locked out', () => {
  it('loses its open stream and its waiting requests within a second, and others lose nothing', async () => {
    s.provider.onCall = (call) => void call.say('begin');
    const stream = await send('member', 'POST', '/api/chat-optimized', HELLO);
    const other = await send('outsider', 'POST', '/api/chat-optimized', {
      messages: [{ role: 'user', content: 'another' }],
    });
    const id = await enqueue('member', { messages: [{ role: 'user', content: 'waits' }] });
    const reader = stream.body?.getReader();
    await reader?.read();
    lockOut('member');
    revoke(['user:ann']);
    let text = '';
    for (;;) {
      const part = await reader?.read().catch(() => undefined);
      if (part?.value === undefined) break;
      text += new TextDecoder().decode(part.value);
    }
    const { code, error, data } = JSON.parse(text.trim().split('data: ').at(-1) ?? '');
    expect([code, data]).toEqual(['cancelled', { cancelled_by: 'operator', reason: 'locked_out' }]);
    expect(error).toContain('may not use this server any more');
    expect((await send('member', 'GET', '/api/me')).status).toBe(401);
    expect((await cancel('admin', id)).status).toBe(409);
    await vi.waitFor(async () => expect((await overview('admin')).processing).toMatchObject([{ caller: 'Eve' }]));
    await other.body?.cancel();
  });

  it('begins nothing by a request whose body arrives afterwards', async () => {
    const body = JSON.stringify({ ...HELLO, cache: 'off' });
    const held = request(new URL('/api/chat-optimized', s.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': body.length, ...asPerson('member') },
    });
    const response = once(held, 'response');
    held.write(body.slice(0, 10));
    await sleep(200);
    revoke(['user:ann']);
    held.end(body.slice(10));
    const [{ statusCode }] = await response;
    expect(statusCode).toBe(401);
    expect(s.provider.calls).toEqual([]);
  });

  it('loses what its end users do', async () => {
    const asked = send('front end', 'POST', '/v1/chat/completions', { ...COMPLETION, user: 'alice' });
    await vi.waitFor(async () => expect((await overview('admin')).processing).toHaveLength(1));
    revoke(['key:front']);
    expect((await asked).status).toBe(409);
    await vi.waitFor(async () => expect((await overview('admin')).processing).toEqual([]));
  });

  it('leaves no trace of work that has ended', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    await (await send('member', 'POST', '/api/chat-optimized', { ...HELLO, cache: 'off' })).text();
    const ended = vi.fn();
    const piece = { endNow: ended };
    openWork().add('user:ann', piece);
    openWork().remove('user:ann', piece);
    revoke(['user:ann']);
    expect(ended).not.toHaveBeenCalled();
  });
});

describe('credentials', () => {
  it('of a session do not count next to a wrong key', async () => {
    const cookie = `${SESSION_COOKIE}=${createSession(KEY, Date.now())}`;
    const me = async (headers: Record<string, string>) => (await fetch(`${s.url}/api/me`, { headers })).status;
    expect(await me({ cookie })).toBe(200);
    expect(await me({ cookie, authorization: 'Bearer wrong' })).toBe(401);
    for (const headers of [{ authorization: 'Bearer wrong' }, { 'x-api-key': 'wrong' }]) {
      const refused = await fetch(`${s.url}/api/me`, { headers });
      expect([refused.status, (await refused.json()).error]).toEqual([401, expect.stringContaining('is not valid')]);
    }
    expect((await (await fetch(`${s.url}/api/me`)).json()).error).toContain('An API key is required');
    expect(await me({ cookie: `${SESSION_COOKIE}=a.b.9999999999.c` })).toBe(401);
  });

  it('of a person are asked for by every method, except a preflight', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      expect((await send('anonymous', method, '/api/chat-queue')).status).toBe(401);
    expect((await send('anonymous', 'OPTIONS', '/api/chat-queue')).status).toBe(204);
  });

  it('that memory does not know are waited for', async () => {
    expect((await send('member', 'GET', '/api/me', undefined, { 'x-test-slow': '1' })).status).toBe(200);
    expect((await send('anonymous', 'GET', '/api/me', undefined, { 'x-test-slow': '1' })).status).toBe(401);
  });
});

describe('GET /api/me', () => {
  const me = async (person: Person) => meSchema.strict().parse(await (await send(person, 'GET', '/api/me')).json());

  it('says who asks, with the rights of its key', async () => {
    expect(await me('manager')).toMatchObject({
      user: { id: 'max', name: 'Max', role: 'manager', group: { id: 'lab' } },
      auth: 'accounts',
      scopes: ['chat', 'code', 'gateway', 'stats', 'admin'],
      limits: [],
      share: null,
    });
    expect(await me('key for code')).toMatchObject({ user: { id: 'ann', role: 'member' }, scopes: ['code'] });
  });

  it('says that a key of API_KEYS is an administrator', async () => {
    const response = await fetch(`${s.url}/api/me`, { headers: { authorization: `Bearer ${KEY}` } });
    expect(await response.json()).toMatchObject({ user: { role: 'admin' }, auth: 'accounts' });
  });

  it('says that everyone is an administrator without authentication', async () => {
    await s.close();
    s = await chatServer();
    expect(await (await fetch(`${s.url}/api/me`)).json()).toMatchObject({
      user: { id: 'local', role: 'admin', email: null, group: null },
      auth: 'none',
    });
  });
});
