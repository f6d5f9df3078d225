import { once } from 'node:events';
import { connect } from 'node:net';
import { request } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gatewayRoute } from '#lib/gateway/fetch-handler';
import { createSession, SESSION_COOKIE } from '#lib/http/session-cookie';
import { unsupportedApi } from '#lib/server/unsupported-api';
import {
  closeAll,
  type Seen,
  sendRaw,
  startBackend,
  startEcho,
  startGateway,
  TOKEN,
} from '../support/gateway-backend.ts';

afterEach(closeAll);

const KEY = 'a-key-of-this-app';
const EVIL = 'https://evil.example';
const PAGE = 'https://page.example';
const GATEWAY = 'http://backend.example:3000';
const GATEWAY_HOST = 'backend.example:3000';

/** A backend that sends these headers with every response. */
async function startSender(headers: Record<string, string | string[]>): Promise<string> {
  const { url } = await startBackend((_incoming, outgoing) => outgoing.writeHead(200, headers).end('secret'));
  return url;
}

async function get(url: string, headers: Record<string, string> = {}, method: 'GET' | 'OPTIONS' | 'POST' = 'GET') {
  const response = await request(url, { method, headers });
  return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
}

describe("a backend's CORS headers", () => {
  const CORS = {
    'Access-Control-Allow-Origin': '*',
    'access-control-allow-credentials': 'true',
    'Access-Control-Allow-Methods': 'PUT',
    'Access-Control-Allow-Headers': 'X-A',
    'Access-Control-Max-Age': '600',
    'Access-Control-Allow-Private-Network': 'true',
    'Timing-Allow-Origin': '*',
    'X-Kept': '1',
  };
  const corsOf = (headers: object) => Object.keys(headers).filter((name) => /^access-control|^timing/.test(name));

  it.each([EVIL, 'null', 'not an origin', undefined])('do not pass to a page at %s', async (origin) => {
    const { url } = await startGateway(await startSender(CORS), { HF_TOKEN: TOKEN });
    for (const method of ['GET', 'OPTIONS'] as const) {
      const { status, headers } = await get(`${url}/x`, origin === undefined ? {} : { origin }, method);
      expect([status, corsOf(headers), headers['x-kept']]).toEqual([200, [], '1']);
      expect(headers.vary).toBe('Origin');
    }
  });

  it('pass to a page that is allowed', async () => {
    const { url } = await startGateway(await startSender(CORS), { CORS_ALLOWED_ORIGINS: PAGE });
    const { headers } = await get(`${url}/x`, { origin: PAGE });
    expect(corsOf(headers)).toHaveLength(7);
  });

  it('are replaced by those of the app where keys are set, so that there is one of each', async () => {
    const backend = await startSender({ ...CORS, 'Access-Control-Expose-Headers': 'X-Kept' });
    const { url } = await startGateway(backend, { CORS_ALLOWED_ORIGINS: PAGE, API_KEYS: KEY });
    const { headers } = await get(`${url}/x`, { origin: PAGE, authorization: `Bearer ${KEY}` });
    expect(headers['access-control-allow-origin']).toBe(PAGE);
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    expect(String(headers['access-control-expose-headers'])).toMatch(/X-Kept.*X-Request-Id|X-Request-Id.*X-Kept/);
  });
});

describe('a page elsewhere', () => {
  const FRAMED = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' };
  const SCRIPT = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' };
  const LINK = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

  it.each([
    [{ 'sec-fetch-site': 'cross-site', ...SCRIPT }, 403],
    [{ 'sec-fetch-site': 'same-site', ...SCRIPT }, 403],
    [{ 'sec-fetch-site': 'cross-site', ...FRAMED }, 403],
    [{ 'sec-fetch-site': 'cross-site', ...SCRIPT, referer: `${EVIL}/` }, 403],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: EVIL }, 403],
    [{ 'sec-fetch-site': 'cross-site', ...SCRIPT, referer: `${PAGE}/a` }, 200],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: PAGE }, 200],
    [{ 'sec-fetch-site': 'cross-site', ...LINK }, 200],
    [{ 'sec-fetch-site': 'same-origin', ...SCRIPT }, 200],
    [{ 'sec-fetch-site': 'none', ...LINK }, 200],
  ])('that fetches with %o gets %i', async (headers: Record<string, string>, status) => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, { HF_TOKEN: TOKEN, FRONTEND_URL: PAGE });
    expect((await get(`${url}/x`, headers)).status).toBe(status);
    expect(seen).toHaveLength(status === 200 ? 1 : 0);
  });
});

describe("a backend at the app's origin", () => {
  const COOKIES = [
    `${SESSION_COOKIE}=x; Path=/api`,
    `__Host-${SESSION_COOKIE}=x; Path=/; Secure`,
    `__host-${SESSION_COOKIE}=; Max-Age=0`,
    ` ${SESSION_COOKIE} =x`,
    `=${SESSION_COOKIE}=x`,
    ` = ${SESSION_COOKIE}=x; Path=/`,
    SESSION_COOKIE,
    `${SESSION_COOKIE.toUpperCase()}=x`,
  ];
  const OTHERS = ['a=1', `${SESSION_COOKIE}2=x`, 'b=chill_space_session'];

  it.each([{}, { API_KEYS: KEY }, { GATEWAY_ORIGIN: GATEWAY }])(
    'sets no session cookie of the app, on any path (%o)',
    async (env) => {
      const backend = await startSender({ 'set-cookie': [...COOKIES, ...OTHERS], 'clear-site-data': '"*"' });
      const { url } = await startGateway(backend, env);
      const asked = { host: GATEWAY_HOST, authorization: `Bearer ${KEY}` };
      for (const path of ['/x', '/gateway/api/x']) {
        const { headers } = await get(url + path, asked);
        expect(headers['set-cookie']).toEqual(OTHERS);
        expect(headers['clear-site-data']).toBeUndefined();
      }
    },
  );

  it('is not sent a session cookie of the app, under either name', async () => {
    const { url: backend } = await startEcho();
    const { url } = await startGateway(backend);
    const session = createSession(KEY, Date.now());
    const cookie = `a=1; __Host-${SESSION_COOKIE}=${session}; ${SESSION_COOKIE}=${session}; b=2`;
    const { headers } = JSON.parse((await get(`${url}/x`, { cookie })).text) as Seen;
    expect(headers.cookie).toBe('a=1; b=2');
  });

  it.each([{ 'service-worker': 'script' }, { 'sec-fetch-dest': 'serviceworker', 'sec-fetch-site': 'same-origin' }])(
    'registers no service worker: %o is refused',
    async (headers) => {
      const { url: backend, seen } = await startEcho();
      const { url } = await startGateway(backend);
      const { status, text } = await get(`${url}/gateway/worker.js`, headers);
      expect([status, JSON.parse(text).code]).toEqual([403, 'forbidden']);
      expect(seen).toEqual([]);
    },
  );

  const WIDE = {
    'Service-Worker-Allowed': '/',
    NEL: '{}',
    'Report-To': '{}',
    'Alt-Svc': 'h3=":1"',
    'Strict-Transport-Security': 'max-age=63072000; includeSubDomains',
    'Accept-CH': 'Sec-CH-UA-Model',
    'Critical-CH': 'Sec-CH-UA-Model',
  };
  const widened = (headers: object) =>
    Object.keys(headers).filter((name) => /service|nel|report|alt|strict|-ch/.test(name));

  it('sends no header that browsers keep for the whole origin', async () => {
    const { url } = await startGateway(await startSender({ ...WIDE, 'x-kept': '1' }));
    const { headers } = await get(`${url}/x`);
    expect([widened(headers), headers['x-kept']]).toEqual([[], '1']);
  });

  it('sends them from a separate origin, which they are for', async () => {
    const { url } = await startGateway(await startSender(WIDE), { GATEWAY_ORIGIN: GATEWAY });
    const { headers } = await get(`${url}/x`, { host: GATEWAY_HOST });
    expect(widened(headers)).toHaveLength(Object.keys(WIDE).length);
  });

  it('is shown in an opaque origin where the operator says so', async () => {
    const backend = await startSender({ 'content-security-policy': "default-src 'self'" });
    const { url } = await startGateway(backend, { GATEWAY_SANDBOX: 'true' });
    const policy = String((await get(`${url}/x`)).headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toMatch(/\bsandbox allow-scripts\b/);
    expect(policy).not.toContain('allow-same-origin');
  });
});

describe('GATEWAY_ORIGIN', () => {
  it("gives the gateway every path on its host, and none of the app's", async () => {
    const { url: backend } = await startEcho();
    const { url } = await startGateway(backend, { GATEWAY_ORIGIN: GATEWAY });
    for (const path of ['/', '/page', '/api/things/7', '/_next/static/x.js', '/sign-in', '/gateway']) {
      const { status, text } = await get(url + path, { host: GATEWAY_HOST });
      expect([status, (JSON.parse(text) as Seen).url]).toEqual([200, path]);
    }
    const { headers } = await get(`${url}/x`, { host: GATEWAY_HOST, 'service-worker': 'script' });
    expect(headers['content-type']).toBe('application/json');
  });

  it("leaves nothing of the backend at the app's host", async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, { GATEWAY_ORIGIN: GATEWAY });
    for (const path of ['/unknown', '/gateway/x']) {
      const { status, text } = await get(url + path);
      expect([status, JSON.parse(text).code]).toEqual([404, 'not_found']);
    }
    // A browser that opens an address is shown a page, as without a backend.
    const page = await get(`${url}/unknown`, { accept: 'text/html' });
    expect([page.status, page.text]).toEqual([404, 'page']);
    expect(seen).toEqual([]);
  });

  it("leaves the app's host the errors of its other APIs", async () => {
    const { url: backend, seen } = await startEcho();
    const { url } = await startGateway(backend, { GATEWAY_ORIGIN: GATEWAY });
    const openAi = await get(`${url}/v1/nope`);
    expect([openAi.status, JSON.parse(openAi.text).error.code]).toEqual([404, 'not_found']);
    const ollama = await get(`${url}/api/status`, {}, 'POST');
    expect([ollama.status, JSON.parse(ollama.text).error]).toEqual([404, expect.stringContaining('POST /api/chat')]);
    const route = gatewayRoute('/[...path]', unsupportedApi);
    const fetched = await route.POST(new Request('http://localhost:3000/v1/nope', { method: 'POST' }));
    expect([fetched.status, (await fetched.json()).error.code]).toEqual([404, 'not_found']);
    expect(seen).toEqual([]);
  });

  it("asks for a key at the app's host before it says where the backend is", async () => {
    const { url: backend, seen } = await startEcho();
    const { url, port } = await startGateway(backend, { GATEWAY_ORIGIN: GATEWAY, API_KEYS: KEY });
    const authorization = `Bearer ${KEY}`;
    for (const path of ['/unknown', '/gateway/x', '/v1/nope', '/api/pull']) {
      const { status, text } = await get(url + path);
      expect([path, status]).toEqual([path, 401]);
      expect(text).not.toContain('backend.example');
      expect((await get(url + path, { authorization })).status).toBe(404);
    }
    const upgrade = await sendRaw(
      port,
      'GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n',
    );
    expect(upgrade).toMatch(/^HTTP\/1\.1 401 /);
    expect(upgrade).not.toContain('backend.example');
    const { GET } = gatewayRoute('/gateway/[...path]', unsupportedApi);
    const ask = (headers: Record<string, string>) =>
      GET(new Request('http://localhost:3000/gateway/x', { headers: { host: 'localhost:3000', ...headers } }));
    const refused = await ask({});
    expect([refused.status, await refused.text()]).toEqual([401, expect.not.stringContaining('backend.example')]);
    const missing = await ask({ authorization });
    expect([missing.status, await missing.text()]).toEqual([404, expect.stringContaining(GATEWAY)]);
    expect(seen).toEqual([]);
  });

  it('lets no WebSocket hold its connection after the refusal', async () => {
    const { url: backend } = await startEcho();
    const { port, server } = await startGateway(backend, { API_KEYS: KEY });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const open = () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
    try {
      socket.on('error', () => {}).resume();
      socket.write('GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      await once(socket, 'end');
      expect(await open()).toBe(1);
      await vi.waitFor(async () => expect(await open()).toBe(0), { timeout: 10_000, interval: 100 });
    } finally {
      socket.destroy();
    }
  });

  it('asks browsers for a key, which ends here; programs show theirs as ever', async () => {
    const { url: backend } = await startEcho();
    const { url } = await startGateway(backend, { GATEWAY_ORIGIN: GATEWAY, API_KEYS: KEY });
    const basic = (key: string) => `Basic ${Buffer.from(`me:${key}`).toString('base64')}`;
    const browser = { host: GATEWAY_HOST, accept: 'text/html' };
    const refused = await get(`${url}/x`, browser);
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, expect.stringContaining('Basic')]);
    expect((await get(`${url}/x`, { ...browser, authorization: basic('wrong-key') })).status).toBe(401);
    const program = await get(`${url}/x`, { host: GATEWAY_HOST, accept: '*/*' });
    expect([program.status, program.headers['www-authenticate']]).toEqual([401, undefined]);
    for (const authorization of [basic(KEY), `Bearer ${KEY}`]) {
      const { status, text } = await get(`${url}/x`, { ...browser, authorization });
      expect(status).toBe(200);
      expect((JSON.parse(text) as Seen).headers).not.toHaveProperty('x-forwarded-authorization');
    }
  });
});
