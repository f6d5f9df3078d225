import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGE_RIGHTS } from '#lib/wire/page-paths';
import { type Address, Asker, codeOf, everyAddress, KEY } from '../support/address-matrix.ts';
import { type RunningApp, startApp } from '../support/running-app.ts';

/**
 * The app as it is built, without keys and in front of a backend: which hosts it serves, and
 * that its upgrades outlive its pages.
 */

let app: RunningApp;
let asker: Asker;
let addresses: Address[];
let backend: Server;

beforeAll(async () => {
  backend = createServer((_incoming, outgoing) => outgoing.end('backend')).on('upgrade', (_incoming, socket) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello'),
  );
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const { port } = backend.address() as AddressInfo;
  [app, addresses] = await Promise.all([
    startApp('server', {
      LOG_LEVEL: 'silent',
      PRIVATE_BACKEND_URL: `http://127.0.0.1:${port}`,
      ALLOWED_HOSTS: 'chat.example.org',
    }),
    everyAddress(),
  ]);
  asker = new Asker(app.url);
});

afterAll(async () => {
  asker.close();
  await app.stop();
  await new Promise((resolve) => backend.close(resolve));
});

/** All that comes back for these bytes until the server closes the connection. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

const upgrade = (host: string) =>
  raw(
    `GET /live HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );

describe('WebSockets', () => {
  it('pass before and after pages were served', async () => {
    expect(await upgrade('localhost')).toMatch(/^HTTP\/1\.1 101 [\s\S]*hello$/);
    for (const [method, path] of [
      ['GET', '/'],
      ['HEAD', '/'],
      ['GET', '/dashboard'],
      ['GET', '/health/'],
      ['GET', '/icon.svg'],
      ['GET', '/_next/nothing'],
    ] as const) {
      const { status } = await asker.ask({ method, path, headers: { accept: 'text/html' } });
      expect(status, path).toBeLessThan(500);
      expect(await upgrade('localhost'), `after ${method} ${path}`).toMatch(/^HTTP\/1\.1 101 [\s\S]*hello$/);
    }
  });
});

describe('a host that is not its own', () => {
  it('is refused at every address, before and after a page was served', async () => {
    const list = addresses.flatMap(({ path }) =>
      ['GET', 'POST', 'OPTIONS', 'PROPFIND'].flatMap((method) =>
        ['evil.example', 'evil.example:3000', 'localhost.evil.example'].map((host) => ({
          method,
          path,
          headers: { host, accept: 'text/html', 'x-forwarded-host': 'localhost' },
        })),
      ),
    );
    const found = await asker.all(list, ({ method, path, headers }, got) =>
      got.status === 421 && codeOf(got) === 'host_not_allowed'
        ? []
        : [`${method} ${path} ${headers.host}: ${got.status}`],
    );
    expect(found).toEqual([]);
  }, 60_000);

  it('is refused for upgrades', async () => {
    expect(await upgrade('evil.example')).toMatch(
      /^HTTP\/1\.1 421 Misdirected Request\r\n[\s\S]*"code":"host_not_allowed"/,
    );
    expect(await upgrade('chat.example.org')).toMatch(/^HTTP\/1\.1 101 /);
  });

  it('is refused where none is named', async () => {
    for (const path of ['/health', '/', '/api/models', '/live'])
      expect(await raw(`GET ${path} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 421 /);
    expect(await raw('GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('is another one than those of this machine and those that are allowed', async () => {
    for (const host of ['localhost', 'app.localhost:1', '127.0.0.1', '[::1]:3000', 'CHAT.example.org.'])
      for (const path of ['/health', '/', '/api/models', '/live'])
        expect([host, path, (await asker.ask({ path, headers: { host } })).status]).toEqual([host, path, 200]);
  });
});

describe('next start', () => {
  async function withApp(env: Record<string, string>, use: (asker: Asker) => Promise<void>): Promise<void> {
    const started = await startApp('next start', env);
    const other = new Asker(started.url);
    try {
      await use(other);
    } finally {
      other.close();
      await started.stop();
    }
  }

  /**
   * Next itself responds to a path that does not exist, and takes a slash away, before it asks the
   * app.
   */
  const asked = () => addresses.filter(({ kind }) => kind === 'route' || kind === 'page' || kind === 'unknown');

  it('refuses hosts as well', async () => {
    await withApp({ ALLOWED_HOSTS: 'chat.example.org' }, async (other) => {
      const list = asked()
        .filter(({ path }) => !path.startsWith('//'))
        .map(({ path }) => ({ path, headers: { host: 'evil.example', purpose: 'prefetch', accept: 'text/html' } }));
      const found = await other.all(list, ({ path }, got) => (got.status === 421 ? [] : [`${path}: ${got.status}`]));
      expect(found).toEqual([]);
      for (const host of ['localhost', 'chat.example.org'])
        for (const path of ['/', '/health', '/api/models'])
          expect([path, (await other.ask({ path, headers: { host } })).status]).toEqual([path, 200]);
    });
  }, 60_000);

  it('asks for a key whatever a request says of itself, and serves every method', async () => {
    await withApp({ API_KEYS: KEY }, async (other) => {
      const special = [
        {},
        { purpose: 'prefetch' },
        { 'next-router-prefetch': '1' },
        { rsc: '1' },
        { 'x-not-found': '1' },
      ];
      const list = asked()
        .filter((address) => !/^\/\/|\?/.test(address.path) && PAGE_RIGHTS.get(address.path) !== 'open')
        .filter(needsKey)
        .flatMap(({ path }) => special.map((headers) => ({ path, headers })));
      const found = await other.all(list, ({ path, headers }, got) => {
        // Next puts its mark into the address of data first, and knows nothing at a path that is
        // marked as unknown.
        const isNext =
          (got.status === 307 && got.headers.location === `${path}?_rsc`) ||
          (got.status === 404 && 'x-not-found' in headers);
        // Ollama's clients look at it without a key, and get no page.
        const isOllama = path === '/' && got.status === 200 && got.text === 'Ollama is running';
        return isNext || isOllama || (got.status === 401 && codeOf(got) === 'unauthorized')
          ? []
          : [`${path} ${JSON.stringify(headers)}: ${got.status}`];
      });
      expect(found).toEqual([]);
      const browser = await other.ask({ path: '/', headers: { accept: 'text/html' } });
      expect([browser.status, browser.headers.location]).toEqual([307, '/sign-in?next=%2F']);
      const authorization = `Bearer ${KEY}`;
      expect((await other.ask({ path: '/dashboard', headers: { authorization } })).status).toBe(200);
      expect((await other.ask({ path: '/dashboard', headers: { accept: 'text/html' } })).status).toBe(307);
      expect((await other.ask({ path: '/nope', headers: { authorization } })).status).toBe(404);
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])
        expect([method, (await other.ask({ method, path: '/dashboard', headers: { authorization } })).status]).toEqual([
          method,
          405,
        ]);
    });
  }, 60_000);

  const needsKey = (address: Address) =>
    address.kind !== 'route' || address.operations.some(({ access, method }) => access === 'key' && method === 'get');
});
