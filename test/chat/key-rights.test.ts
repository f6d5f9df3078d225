import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endUserPrincipal } from '#lib/http/end-user';
import { CHAT_ROUTES } from '../support/chat-routes.ts';
import type { ChatServer } from '../support/chat-server.ts';
import {
  COMPLETION,
  forgetIdentities,
  MESSAGES,
  overviewOf,
  RESPONSE,
  sendAs,
  startOwned,
} from '../support/owned-requests.ts';
import { asPerson, PEOPLE, type Person } from '../support/people.ts';

let s: ChatServer;

beforeEach(async () => {
  forgetIdentities();
  await start();
});

afterEach(async () => {
  await s.close();
  forgetIdentities();
});

async function start(environment: Record<string, string> = {}): Promise<void> {
  ({ s } = await startOwned(environment));
}

const send = (...request: [Person | 'anonymous', string, string, object?, object?]) => sendAs(s, ...request);
const overview = (person: Person) => overviewOf(s, person);

describe('a key for one model', () => {
  it.each(CHAT_ROUTES)('gets 404 for another one at %s', async (path, body) => {
    const response = await send('key for one model', 'POST', path, body);
    expect([response.status, JSON.stringify(await response.json())]).toEqual([
      404,
      expect.stringMatching(/default.model/i),
    ]);
    expect(s.provider.calls).toEqual([]);
  });

  it('gets no cached response of another one', async () => {
    s.provider.onCall = (call) => void call.say('secret').done();
    const body = { ...COMPLETION, temperature: 0 };
    for (const status of ['miss', 'hit'])
      expect(
        (await send('member', 'POST', '/api/chat-optimized', { ...body, stream: false })).headers.get('x-cache'),
      ).toBe(status);
    const refused = await send('key for one model', 'POST', '/api/chat-optimized', { ...body, stream: false });
    expect([refused.status, await refused.text()]).toEqual([404, expect.not.stringContaining('secret')]);
  });

  it('uses its own, and sees only that in lists', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const own = await send('key for one model', 'POST', '/v1/chat/completions', { ...COMPLETION, model: 'other:7b' });
    expect(own.status).toBe(200);
    const get = async (path: string) => (await send('key for one model', 'GET', path)).json();
    expect(await get('/api/models')).toMatchObject({ models: [{ id: 'other:7b' }], default_model: 'other:7b' });
    expect((await get('/v1/models')).data).toMatchObject([{ id: 'other:7b' }]);
    expect((await get('/api/tags')).models).toMatchObject([{ name: 'other:7b' }]);
    expect((await send('key for one model', 'GET', '/v1/models/default-model')).status).toBe(404);
  });

  it('sends no files and names its model where the model server would choose', async () => {
    const form = new FormData();
    form.set('model', 'other:7b');
    const upload = await fetch(`${s.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: asPerson('key for one model'),
      body: form,
    });
    expect(upload.status).toBe(403);
  });
});

describe('an end user of a key', () => {
  const callers = async () => (await overview('admin')).processing.map(({ caller }) => caller);

  it('waits as a caller below the key, if the key is trusted to name it', async () => {
    // Closing the server after the test breaks their connections.
    const ask = (person: Person, user: string) =>
      void send(person, 'POST', '/v1/chat/completions', { ...COMPLETION, user }).catch(() => {});
    ask('front end', 'alice');
    await vi.waitFor(async () => expect(await callers()).toEqual(['key:front/alice']));
  });

  it('is no caller below a key that is not', async () => {
    const ask = send('key for chat', 'POST', '/v1/messages', { ...MESSAGES, metadata: { user_id: 'alice' } });
    // Closing the server after the test breaks its connection.
    void ask.catch(() => {});
    await vi.waitFor(async () => expect(await callers()).toEqual(['for-chat']));
  });

  it('is a digest if its name could be mistaken for something else', () => {
    const { caller } = PEOPLE['front end'];
    for (const name of ['a b', 'x\n{"level":50}', 'a/b', 'ä', '~0', 'x'.repeat(100_000)])
      expect(endUserPrincipal(PEOPLE['front end'], name).caller).toMatch(new RegExp(`^${caller}/~[0-9a-f]{16}$`));
    expect(endUserPrincipal(PEOPLE['front end'], 'alice@example.org').caller).toBe(`${caller}/alice@example.org`);
    expect(endUserPrincipal(PEOPLE['front end'], '').caller).toBe(caller);
  });

  it('has a separate rate limit', async () => {
    await s.close();
    await start({ RATE_LIMIT_CHAT: '1' });
    s.provider.onCall = (call) => void call.say('x').done();
    const ask = async (user?: string) =>
      (await send('front end', 'POST', '/v1/chat/completions', { ...COMPLETION, user })).status;
    expect([await ask('alice'), await ask('alice'), await ask('bob')]).toEqual([200, 429, 200]);
    expect([await ask(), await ask()]).toEqual([200, 429]);
    const messages = async (user_id: string) =>
      (await send('front end', 'POST', '/v1/messages', { ...MESSAGES, metadata: { user_id } })).status;
    expect([await messages('carol'), await messages('carol'), await messages('alice')]).toEqual([200, 429, 429]);
  });

  it('leaves what it stored to the key', async () => {
    s.provider.onCall = (call) => void call.say('x').done();
    const { id } = await (await send('front end', 'POST', '/v1/responses', { ...RESPONSE, user: 'alice' })).json();
    expect((await send('front end', 'GET', `/v1/responses/${id}`)).status).toBe(200);
    expect((await send('front end', 'DELETE', `/v1/responses/${id}`)).status).toBe(200);
  });
});
