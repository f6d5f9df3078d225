import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '#lib/errors';
import { readJson } from '#lib/http/body';
import { json } from '#lib/http/reply';
import { type RouteContext, route } from '#lib/http/route';
import { resetSingleton } from '#lib/singletons';
import { log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';

const CONTEXT: RouteContext = { params: Promise.resolve({}) };
const URL_HERE = 'http://app.example:3000/api/thing';

const routes = route(
  '/api/thing',
  {
    GET: (_request, call) => json({ caller: call.caller, id: call.requestId }),
    POST: async (request) => json(await readJson(request, 100)),
    DELETE: () => {
      throw new AppError('queue_full', 'The queue is full. Try again in 7 s.', { retryAfterSeconds: 6.2 });
    },
    PUT: () => {
      throw new Error('at /home/app/secret.ts: token abc');
    },
  },
  { right: 'signed-in' },
);

function post(body: string, headers: Record<string, string> = {}): Request {
  return new Request(URL_HERE, {
    method: 'POST',
    body,
    headers: {
      host: 'app.example:3000',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    },
  });
}

beforeEach(() => {
  vi.stubEnv('ALLOWED_HOSTS', 'app.example');
  resetSingleton('config');
});
afterEach(() => vi.unstubAllEnvs());

describe('route', () => {
  it("is not served at the gateway's host, except the gateway's health", async () => {
    vi.stubEnv('GATEWAY_ORIGIN', 'https://backend.example');
    vi.stubEnv('PRIVATE_BACKEND_URL', 'http://localhost:8080');
    const liveness = route('/gateway-health', { GET: () => json('up') }, { right: 'open' });
    const at = (host: string) => new Request(URL_HERE, { headers: { host } });
    for (const host of ['backend.example', 'Backend.Example:443']) {
      expect((await routes.GET(at(host), CONTEXT)).status).toBe(404);
      expect((await liveness.GET(at(host), CONTEXT)).status).toBe(200);
    }
    for (const host of ['app.example:3000', 'backend.example:80', 'backend.example:3000'])
      expect((await routes.GET(at(host), CONTEXT)).status).toBe(200);
  });

  it('sends a request id: the valid one of the caller, otherwise a new one', async () => {
    const own = await routes.GET(new Request(URL_HERE, { headers: { 'x-request-id': 'abc-1' } }), CONTEXT);
    expect(own.headers.get('x-request-id')).toBe('abc-1');
    const bad = await routes.GET(new Request(URL_HERE, { headers: { 'x-request-id': 'a b"c' } }), CONTEXT);
    expect(bad.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(bad.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('names the caller by the address that a trusted proxy saw, and by no other', async () => {
    const ask = async () => {
      resetSingleton('config');
      const request = new Request(URL_HERE, { headers: { 'x-forwarded-for': '6.6.6.6, 192.0.2.1' } });
      return (await (await routes.GET(request, { ...CONTEXT, peerAddress: '127.0.0.1' })).json()).caller;
    };
    expect(await ask()).toBe('127.0.0.1');
    vi.stubEnv('TRUST_PROXY', 'loopback');
    expect(await ask()).toBe('192.0.2.1');
  });

  it('responds to methods without a handler with 405 and Allow, and to HEAD without a body', async () => {
    const refused = await routes.PATCH(new Request(URL_HERE, { method: 'PATCH' }), CONTEXT);
    expect(refused.status).toBe(405);
    expect(refused.headers.get('allow')).toBe('GET, HEAD, POST, PUT, DELETE, OPTIONS');
    expect(await refused.json()).toMatchObject({ code: 'method_not_allowed' });
    const head = await routes.HEAD(new Request(URL_HERE, { method: 'HEAD' }), CONTEXT);
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
  });

  it('sends an expected error with its sentence, code, status and Retry-After in whole seconds', async () => {
    const response = await routes.DELETE(new Request(URL_HERE, { method: 'DELETE' }), CONTEXT);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toEqual({ error: 'The queue is full. Try again in 7 s.', code: 'queue_full' });
  });

  it('refuses a foreign host while no keys are set', async () => {
    const ask = (host: string) => routes.GET(new Request(URL_HERE, { headers: { host } }), CONTEXT);
    const refused = await ask('evil.example');
    expect(refused.status).toBe(421);
    expect(refused.headers.get('x-request-id')).not.toBeNull();
    expect(await refused.json()).toMatchObject({
      code: 'host_not_allowed',
      error: expect.stringContaining('ALLOWED_HOSTS'),
    });
    for (const host of ['app.example', 'localhost:3000']) expect((await ask(host)).status).toBe(200);
    vi.stubEnv('API_KEYS', 'a-key-of-sixteen-characters');
    resetSingleton('config');
    expect((await ask('evil.example')).status).toBe(401);
  });

  it('reveals nothing of an unexpected error', async () => {
    const response = await routes.PUT(new Request(URL_HERE, { method: 'PUT' }), CONTEXT);
    expect(response.status).toBe(500);
    const body = await response.text();
    expect(body).toContain('internal_error');
    expect(body).not.toMatch(/secret|token|home/);
  });

  it('does not report a client that left as a fault of the server', async () => {
    const errors = vi.spyOn(log(), 'error').mockImplementation(() => undefined);
    const left = new AbortController();
    const waiting = route(
      '/api/wait',
      {
        GET: async ({ signal }) => {
          left.abort();
          signal.throwIfAborted();
          return json({});
        },
      },
      { right: 'signed-in' },
    );
    const response = await waiting.GET(new Request(URL_HERE, { signal: left.signal }), CONTEXT);
    expect(await response.json()).toMatchObject({ code: 'cancelled' });
    expect(errors).not.toHaveBeenCalled();
    errors.mockRestore();
  });

  it.each([
    ['not JSON by its type', post('{}', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type'],
    ['too large by its declared length', post(`"${'x'.repeat(100)}"`), 413, 'body_too_large'],
    ['broken JSON', post('{"a":'), 400, 'invalid_json'],
    ['an empty body', post(''), 400, 'invalid_json'],
  ])('refuses %s', async (_name, request, status, code) => {
    const response = await routes.POST(request, CONTEXT);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it('limits a body without a declared length while it arrives, and stops reading', async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(40));
      },
    });
    const request = new Request(URL_HERE, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit);
    expect((await routes.POST(request, CONTEXT)).status).toBe(413);
    expect(pulled).toBeLessThan(10);
  });

  it('refuses invalid UTF-8', async () => {
    const request = new Request(URL_HERE, {
      method: 'POST',
      body: new Uint8Array([0x22, 0xff, 0x22]),
      headers: { 'content-type': 'application/json', 'content-length': '3' },
    });
    const response = await routes.POST(request, CONTEXT);
    expect(await response.json()).toMatchObject({ code: 'invalid_json', error: expect.stringContaining('UTF-8') });
  });

  it('observes each request under its pattern', async () => {
    await routes.GET(new Request(URL_HERE), CONTEXT);
    expect(metrics().httpDuration.exposition()).toMatch(
      /http_request_duration_seconds_count\{route="\/api\/thing",method="GET",status="200"\} \d+/,
    );
  });
});

describe('CORS', () => {
  const from = (origin: string, method = 'GET') =>
    new Request(URL_HERE, { method, headers: { origin, host: 'app.example:3000' } });

  const headers = (origin: string, host: string, more: Record<string, string> = {}) =>
    new Request(URL_HERE, { headers: { origin, host, ...more } });
  const allowed = async (request: Request) =>
    (await routes.GET(request, CONTEXT)).headers.get('access-control-allow-origin');

  it('allows its own origin', async () => {
    const response = await routes.GET(from('http://app.example:3000'), CONTEXT);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://app.example:3000');
    expect(response.headers.get('vary')).toBe('Origin');
  });

  it('compares scheme, host and port', async () => {
    for (const origin of ['https://app.example', 'http://app.example', 'http://app.example:3001', 'http://app'])
      expect(await allowed(from(origin)), origin).toBeNull();
    const plain = { 'x-forwarded-proto': 'http' };
    expect(await allowed(headers('https://app.example', 'app.example', plain))).toBeNull();
    const tls = { 'x-forwarded-proto': 'https, http' };
    expect(await allowed(headers('https://app.example', 'app.example:443', tls))).toBe('https://app.example');
    expect(await allowed(headers('http://app.example', 'app.example', tls))).toBeNull();
    expect(await allowed(headers('http://app.example', 'APP.example:80'))).toBe('http://app.example');
  });

  it('allows its own page behind a TLS proxy without X-Forwarded-Proto', async () => {
    const page = { origin: 'https://app.example', host: 'app.example', 'content-type': 'application/json' };
    const response = await routes.POST(post('{"n":1}', page), CONTEXT);
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, page.origin]);
  });

  it('decides by origin, host, scheme and settings, independent of earlier requests', async () => {
    const page = 'https://page.example';
    const own = 'https://app.example';
    const same = { 'x-forwarded-proto': 'https' };
    // Each differs from the one before it in one thing.
    expect(await allowed(headers(own, 'app.example:8443', same))).toBeNull();
    expect(await allowed(headers(own, 'app.example', same))).toBe(own);
    expect(await allowed(headers(own, 'app.example', { 'x-forwarded-proto': 'http' }))).toBeNull();
    expect(await allowed(headers(own, 'app.example', same))).toBe(own);
    expect(await allowed(headers(page, 'app.example', same))).toBeNull();
    vi.stubEnv('CORS_ALLOWED_ORIGINS', page);
    resetSingleton('config');
    expect(await allowed(headers(page, 'app.example', same))).toBe(page);
  });

  it('allows http://localhost:3000 if the server listens on loopback and is called there', async () => {
    const page = 'http://localhost:3000';
    expect(await allowed(headers(page, '127.0.0.1:8080'))).toBe(page);
    expect(await allowed(headers(page, 'app.example'))).toBeNull();
    vi.stubEnv('HOST', '0.0.0.0');
    resetSingleton('config');
    expect(await allowed(headers(page, '127.0.0.1:8080'))).toBeNull();
  });

  it('allows the configured origins, also those of schemes without a host', async () => {
    vi.stubEnv('CORS_ALLOWED_ORIGINS', 'https://page.example/,app-extension://abc');
    resetSingleton('config');
    for (const origin of ['https://page.example', 'app-extension://abc'])
      expect(await allowed(from(origin))).toBe(origin);
    for (const origin of ['http://page.example', 'app-extension://abcd', 'null'])
      expect(await allowed(from(origin))).toBeNull();
  });

  it('sends other origins no headers, and refuses their state-changing requests', async () => {
    const read = await routes.GET(from('https://evil.example'), CONTEXT);
    expect(read.status).toBe(200);
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
    const change = await routes.DELETE(from('https://evil.example', 'DELETE'), CONTEXT);
    expect(change.status).toBe(403);
    expect(await change.json()).toMatchObject({ code: 'origin_not_allowed' });
    const sandboxed = await routes.DELETE(from('null', 'DELETE'), CONTEXT);
    expect(sandboxed.status).toBe(403);
  });

  it('sends a preflight the methods, headers and max age of the contract', async () => {
    const response = await routes.OPTIONS(from('http://app.example:3000', 'OPTIONS'), CONTEXT);
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, POST, PUT, PATCH, DELETE, OPTIONS');
    expect(response.headers.get('access-control-allow-headers')).toContain('Last-Event-ID');
    expect(response.headers.get('access-control-max-age')).toBe('3600');
  });
});
