import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** Pages for people whom a proxy signs in: `server.ts` knows the connection, Next does not. */

/** Of a browser's router: fetch says itself that it opens no address for its user to see. */
const BROWSER = { accept: 'text/html', 'user-agent': 'Mozilla/5.0' };
const SETTINGS = { API_KEYS: 'an-administrators-key', TRUSTED_USER_HEADER: 'X-Forwarded-User', LOG_LEVEL: 'silent' };

let proxied: RunningApp;
let direct: RunningApp;

beforeAll(async () => {
  [proxied, direct] = await Promise.all([
    startApp('server', { ...NO_PROGRAMS, ...SETTINGS, TRUST_PROXY: 'loopback' }),
    startApp('server', { ...NO_PROGRAMS, ...SETTINGS, TRUST_PROXY: '192.0.2.1' }),
  ]);
}, 60_000);

afterAll(async () => {
  await Promise.all([proxied, direct].map((app) => app?.stop()));
});

async function open({ url }: RunningApp, headers: Record<string, string>, path = '/dashboard') {
  const response = await fetch(url + path, { headers: { ...BROWSER, ...headers }, redirect: 'manual' });
  return { status: response.status, text: await response.text() };
}

describe('TRUSTED_USER_HEADER', () => {
  it('opens pages through the proxy, without a sign-out and without what is for administrators', async () => {
    const { status, text } = await open(proxied, { 'x-forwarded-user': 'ann' });
    expect(status).toBe(200);
    expect(text).not.toContain('Clear cache');
    // The gateway has no backend, which only an administrator can change.
    expect(text).toContain('href="/playground"');
    expect(text).not.toContain('href="/gateway"');
    expect((await open(proxied, { 'x-forwarded-user': 'ann' }, '/gateway')).text).toMatch(/isForOperators\\?":false/);
    expect((await open(proxied, {})).status).toBe(401);
    const me = await fetch(`${proxied.url}/api/me`, { headers: { 'x-forwarded-user': 'ann' } });
    expect(await me.json()).toMatchObject({ user: { id: 'ann', role: 'member' }, auth: 'keys' });
  }, 60_000);

  it.each([
    {},
    { 'x-page-proof': 'x' },
    { 'x-page-proof': '' },
    { 'x-page-proof': 'undefined' },
    { 'x-middleware-subrequest': 'proxy:proxy:proxy:proxy:proxy' },
  ])('opens no page without the proxy, with %j either', async (more) => {
    expect((await open(direct, { 'x-forwarded-user': 'ann', ...more })).status).toBe(403);
    expect((await open(direct, more)).status).toBe(401);
  });
});
