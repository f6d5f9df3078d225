import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Asked, Asker, KEY } from '../support/address-matrix.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** What limits wrong keys, and what a browser gets for a right one, of the app as it is built. */

let app: RunningApp;
let asker: Asker;

beforeAll(async () => {
  app = await startApp('server', { ...NO_PROGRAMS, API_KEYS: KEY, TRUST_PROXY: 'loopback', LOG_LEVEL: 'silent' });
  asker = new Asker(app.url);
});

afterAll(async () => {
  asker.close();
  await app.stop();
});

const authorization = `Bearer ${KEY}`;

describe('wrong keys', () => {
  const wrong = (index: number) => ({
    authorization: `Bearer wrong-${index}`,
    accept: 'text/html',
    'content-type': 'application/json',
  });
  const WAYS: Record<string, (index: number) => Asked> = {
    'at a route': (index) => ({ path: '/api/cache-stats', headers: wrong(index) }),
    "at a route of OpenAI's API": (index) => ({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: wrong(index),
      body: '{}',
    }),
    'at a page': (index) => ({ path: '/dashboard', headers: wrong(index) }),
    'at an unknown address': (index) => ({ method: 'DELETE', path: '/nope', headers: wrong(index) }),
    'at the sign-in': (index) => ({
      method: 'POST',
      path: '/api/session',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: `wrong-${index}` }),
    }),
  };

  it.each(Object.keys(WAYS))('%s are limited for their address, on every route and page', async (way) => {
    const askedOf = WAYS[way];
    if (askedOf === undefined) throw new Error(way);
    const from = (index: number) => ({ 'x-forwarded-for': `2001:db8:${Object.keys(WAYS).indexOf(way)}::${index}` });
    const statuses = new Map<number, number>();
    for (let index = 0; index < 90; index++) {
      const asked = askedOf(index);
      const { status, headers } = await asker.ask({ ...asked, headers: { ...asked.headers, ...from(index) } });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(statuses.get(429)).toBe(70);
    expect(statuses.has(200)).toBe(false);
    for (const path of ['/api/cache-stats', '/dashboard', '/nope', '/v1/models'])
      expect([path, (await asker.ask({ path, headers: { authorization, ...from(99) } })).status]).toEqual([path, 429]);
    const signIn = { method: 'POST', path: '/api/session', body: JSON.stringify({ key: KEY }) };
    const headers = { 'content-type': 'application/json', ...from(99) };
    expect((await asker.ask({ ...signIn, headers })).status).toBe(429);
    // What needs no key is served, and so is everybody else.
    for (const path of ['/health', '/sign-in', '/icon.svg'])
      expect([path, (await asker.ask({ path, headers: from(99) })).status]).toEqual([path, 200]);
    expect((await asker.ask({ path: '/api/cache-stats', headers: { authorization } })).status).toBe(200);
  });

  it('of old cookies keep no browser from the sign-in page, and from signing in with the new key', async () => {
    const from = { 'x-forwarded-for': '192.0.2.77' };
    const stale = (index: number) => ({ ...from, cookie: `chill_space_session=a.${index}.9999999999.c` });
    for (let index = 0; index < 30; index++) {
      const page = await asker.ask({ path: '/dashboard', headers: { ...stale(index), accept: 'text/html' } });
      expect([page.status, page.headers.location]).toEqual([307, '/sign-in?next=%2Fdashboard']);
    }
    const signedIn = await asker.ask({
      method: 'POST',
      path: '/api/session',
      headers: { 'content-type': 'application/json', ...stale(30) },
      body: JSON.stringify({ key: KEY }),
    });
    expect(signedIn.status).toBe(200);
    const [cookie = ''] = signedIn.headers['set-cookie'] ?? [];
    const page = await asker.ask({ path: '/dashboard', headers: { ...from, cookie: `${cookie.split(';')[0]}` } });
    expect(page.status).toBe(200);
  });
});

describe('the session cookie', () => {
  const signIn = (headers: Record<string, string>) =>
    asker.ask({
      method: 'POST',
      path: '/api/session',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ key: KEY }),
    });

  it('is __Host- and Secure where the trusted proxy says that the browser speaks TLS', async () => {
    for (const [proto, isSecure] of [
      ['https', true],
      ['https, http', true],
      ['http', false],
      ['http, https', false],
    ] as const) {
      const [cookie = ''] = (await signIn({ 'x-forwarded-proto': proto })).headers['set-cookie'] ?? [];
      expect([proto, cookie.startsWith('__Host-'), /; Secure$/.test(cookie)]).toEqual([proto, isSecure, isSecure]);
      const page = await asker.ask({
        path: '/dashboard',
        headers: { cookie: `chill_space_session=evil; ${cookie.split(';')[0]}` },
      });
      expect(page.status).toBe(200);
    }
  });
});
