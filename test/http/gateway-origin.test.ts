import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Asker, KEY } from '../support/address-matrix.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

const authorization = `Bearer ${KEY}`;

describe('an app with GATEWAY_ORIGIN and a limit of chats', () => {
  let own: RunningApp;
  let ownAsker: Asker;

  beforeAll(async () => {
    own = await startApp('server', {
      ...NO_PROGRAMS,
      API_KEYS: KEY,
      LOG_LEVEL: 'silent',
      PRIVATE_BACKEND_URL: 'http://127.0.0.1:9',
      GATEWAY_ORIGIN: 'http://gateway.localhost:3999',
      RATE_LIMIT_CHAT: '2',
    });
    ownAsker = new Asker(own.url);
  });

  afterAll(async () => {
    ownAsker.close();
    await own.stop();
  });

  it('shows browsers its own pages at unknown paths, and the sign-in page first', async () => {
    const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };
    const signIn = await ownAsker.ask({ path: '/nope', headers: navigation });
    expect([signIn.status, signIn.headers.location]).toEqual([307, '/sign-in?next=%2Fnope']);
    const missing = await ownAsker.ask({ path: '/nope', headers: { ...navigation, authorization } });
    expect([missing.status, missing.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
  });

  it('counts invalid chats whose bodies are large, and not small ones', async () => {
    const send = async (characters: number) => {
      const body = JSON.stringify({ message: 5, rest: 'x'.repeat(characters) });
      const headers = { authorization, 'content-type': 'application/json', 'content-length': `${body.length}` };
      return (await ownAsker.ask({ method: 'POST', path: '/api/chat-optimized', headers, body })).status;
    };
    const statuses = [];
    for (const characters of [10, 10, 10, 100_000, 100_000, 100_000]) statuses.push(await send(characters));
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429]);
  });
});
