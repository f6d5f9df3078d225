import { METHODS } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { responsesOf } from '#lib/openapi/document';
import type { Operation } from '#lib/openapi/operation';
import { MIB } from '#lib/units';
import { PAGE_RIGHTS } from '#lib/wire/page-paths';
import { type Address, type Asked, Asker, codeOf, everyAddress, type Got, KEY } from '../support/address-matrix.ts';
import { complaints } from '../support/openapi-check.ts';
import { type RunningApp, startApp } from '../support/running-app.ts';

/**
 * Every address, asked in every way, of the app as it is built: who gets what, and that everyone
 * gets a response.
 */

let app: RunningApp;
let asker: Asker;
let addresses: Address[];

beforeAll(async () => {
  [app, addresses] = await Promise.all([
    startApp('server', { API_KEYS: KEY, TRUST_PROXY: 'loopback', LOG_LEVEL: 'silent' }),
    everyAddress(),
  ]);
  asker = new Asker(app.url);
  // What it finds out once, at the first request for it, is not what these tests are about.
  await asker.ask({ path: '/api/microservices/health' });
});

afterAll(async () => {
  asker.close();
  await app.stop();
});

const authorization = `Bearer ${KEY}`;

/** Pages of accounts, which lead to the first page where there are none. */
const OF_ACCOUNTS: ReadonlySet<string> = new Set(['/setup', '/join', '/forgot-password', '/reset-password']);

describe('every method', () => {
  interface Case extends Asked {
    address: Address;
    method: string;
    hasKey: boolean;
  }

  const ALL = METHODS.filter((method) => method !== 'CONNECT');
  const USUAL = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
  const BODIES = [undefined, '', '{}'];

  function casesOf(methods: readonly string[], bodies: readonly (string | undefined)[]): Case[] {
    return addresses.flatMap((address) =>
      methods.flatMap((method) =>
        bodies.flatMap((body) =>
          [true, false].map((hasKey): Case => {
            const headers = {
              ...(hasKey ? { authorization } : {}),
              ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': `${body.length}` }),
            };
            return { address, method, path: address.path, hasKey, headers, ...(body === undefined ? {} : { body }) };
          }),
        ),
      ),
    );
  }

  function check({ address, method, hasKey, headers, path }: Case, got: Got): string[] {
    const wrong = expected(address, method, hasKey)(got);
    return wrong.map((what) => `${method} ${path} ${JSON.stringify(headers)}: ${got.status} ${what}`);
  }

  const isRead = (method: string) => method === 'GET' || method === 'HEAD';

  function expected(address: Address, method: string, hasKey: boolean): (got: Got) => string[] {
    switch (address.kind) {
      case 'malformed':
        return error(400, 'invalid_request', method);
      case 'slash':
        return (got) => [
          ...status(308)(got),
          ...(got.headers.location === address.path.replace(/\/(?=\?|$)/, '') ? [] : [`to ${got.headers.location}`]),
        ];
      case 'unknown':
        // Pages elsewhere can read what they are refused with: their browsers ask first.
        if (method === 'OPTIONS' && address.path.startsWith('/v1/')) return status(204);
        return hasKey ? error(404, 'not_found', method) : error(401, 'unauthorized', method);
      case 'file':
        if (method === 'OPTIONS') return status(204);
        return isRead(method) ? status(200) : notAllowed(method);
      case 'page':
        if (method === 'OPTIONS') return status(204);
        // Ollama's clients look at it without a key, and get no page.
        if (address.path === '/' && isRead(method)) return status(200);
        if (!hasKey && PAGE_RIGHTS.get(address.path) !== 'open') return error(401, 'unauthorized', method);
        if (!isRead(method)) return notAllowed(method);
        return status(OF_ACCOUNTS.has(address.path) ? 307 : 200);
      case 'route':
        return ofRoute(address.operations, method, hasKey);
    }
  }

  function ofRoute(operations: readonly Operation[], method: string, hasKey: boolean): (got: Got) => string[] {
    if (method === 'OPTIONS') return status(204);
    const asked = method === 'HEAD' ? 'get' : method.toLowerCase();
    const operation = operations.find((one) => one.method === asked || one.method === method.toLowerCase());
    const isOpen = operations.every(({ access }) => access === 'open');
    if (!hasKey && !isOpen) {
      // No route file can export such a method, and 405 says nothing of what is behind a key.
      const refuse = error(401, 'unauthorized', method);
      return operation === undefined && !USUAL_EXPORTS.has(method)
        ? (got) => (got.status === 405 ? notAllowed(method)(got) : refuse(got))
        : refuse;
    }
    if (operation === undefined) return notAllowed(method);
    return (got) => {
      const documented = Object.keys(responsesOf(operation)).filter((one) => one !== '500');
      if (!documented.includes(String(got.status))) return ['is not documented'];
      if (method === 'HEAD') return got.text === '' ? [] : ['has a body'];
      const type = got.headers['content-type'] ?? '';
      return complaints(operation, { status: got.status, type, text: got.text });
    };
  }

  const USUAL_EXPORTS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

  const status = (wanted: number) => (got: Got) =>
    got.status === wanted ? [] : [`and not ${wanted}: ${got.text.slice(0, 200)}`];

  function error(wanted: number, code: string, method: string): (got: Got) => string[] {
    return (got) => {
      if (got.status !== wanted) return status(wanted)(got);
      if (method !== 'HEAD' && codeOf(got) !== code) return [`says ${got.text.slice(0, 200)} and not ${code}`];
      if (!/^application\/json\b/.test(got.headers['content-type'] ?? '')) return ['is not JSON'];
      return got.headers['x-request-id'] === undefined ? ['has no X-Request-Id'] : [];
    };
  }

  function notAllowed(method: string): (got: Got) => string[] {
    const refused = error(405, 'method_not_allowed', method);
    return (got) => [...refused(got), ...(got.headers.allow === undefined ? ['has no Allow'] : [])];
  }

  it('gets the right response at every address before a page was served', async () => {
    const cases = casesOf(USUAL, BODIES).filter(({ address, method }) => address.kind !== 'page' || !isRead(method));
    expect(await asker.all(cases, check)).toEqual([]);
  }, 120_000);

  it('gets the right response at every address after a page was served', async () => {
    for (const method of ['GET', 'HEAD']) {
      const page = await asker.ask({ method, path: '/', headers: { authorization, accept: 'text/html' } });
      expect(page.status).toBe(200);
    }
    expect(await asker.all([...casesOf(USUAL, BODIES), ...casesOf(ALL, [undefined])], check)).toEqual([]);
  }, 120_000);

  it('is counted in one series of its route where the route does not have it', async () => {
    const { text } = await asker.ask({ path: '/api/metrics', headers: { authorization } });
    const methods = new Set(text.match(/(?<=,method=")[^"]*/g));
    expect(methods).toEqual(new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', '_OTHER']));
    expect(text.length).toBeLessThan(3 * MIB);
  });

  it('is redirected to the sign-in page only where a browser opens an address', async () => {
    const navigation = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const ways: [Record<string, string>, number][] = [
      [navigation, 307],
      [{ ...navigation, 'sec-fetch-mode': 'navigate' }, 307],
      [{ accept: '*/*', 'sec-fetch-mode': 'navigate' }, 307],
      [{ ...navigation, 'sec-fetch-mode': 'cors' }, 401],
      [{ accept: 'application/json' }, 401],
      [{ accept: '*/*' }, 401],
      [{}, 401],
    ];
    for (const path of ['/dashboard?a=1&b=%20', '/nope', '/nope.txt'])
      for (const [headers, wanted] of ways) {
        const got = await asker.ask({ path, headers });
        expect([path, headers, got.status]).toEqual([path, headers, wanted]);
        if (wanted === 307) expect(got.headers.location).toBe(`/sign-in?${new URLSearchParams({ next: path })}`);
        else expect(codeOf(got)).toBe('unauthorized');
      }
    const missing = await asker.ask({ path: '/nope', headers: { ...navigation, authorization } });
    expect([missing.status, missing.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(missing.text).toContain('Page not found');
  });
});

describe('no header', () => {
  /** What browsers, caches, proxies and Next itself treat as special. */
  const SPECIAL: readonly (readonly [name: string, value: string])[] = [
    ['purpose', 'prefetch'],
    ['x-purpose', 'preview'],
    ['x-moz', 'prefetch'],
    ['sec-purpose', 'prefetch'],
    ['sec-purpose', 'prefetch;prerender'],
    ['next-router-prefetch', '1'],
    ['next-router-segment-prefetch', '/_tree'],
    ['next-router-state-tree', '%5B%22%22%2C%7B%7D%5D'],
    ['next-hmr-refresh', '1'],
    ['next-url', '/sign-in'],
    ['next-action', '0'.repeat(42)],
    ['next-instant-navigation-testing-prefetch', '1'],
    ['rsc', '1'],
    ['x-nextjs-data', '1'],
    ['x-nextjs-rewrite', '/sign-in'],
    ['x-middleware-subrequest', 'proxy:proxy:proxy:proxy:proxy'],
    ['x-middleware-subrequest', 'src/middleware:middleware'],
    ['x-middleware-prefetch', '1'],
    ['x-middleware-next', '1'],
    ['x-middleware-skip', '1'],
    ['x-middleware-rewrite', '/sign-in'],
    ['x-middleware-set-cookie', 'a=b'],
    ['x-middleware-override-headers', 'authorization'],
    ['x-middleware-invoke', '1'],
    ['x-invoke-path', '/sign-in'],
    ['x-invoke-status', '200'],
    ['x-matched-path', '/sign-in'],
    ['x-prerender-revalidate', 'x'],
    ['x-not-found', '1'],
    ['x-nonce', 'evil'],
    ['content-security-policy', "script-src 'unsafe-inline'"],
    ['x-http-method', 'DELETE'],
    ['x-http-method-override', 'OPTIONS'],
    ['x-method-override', 'HEAD'],
    ['x-original-url', '/sign-in'],
    ['x-rewrite-url', '/sign-in'],
    ['x-forwarded-for', '127.0.0.1'],
    ['x-forwarded-host', 'evil.example'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-port', '443'],
    ['x-forwarded-prefix', '/sign-in'],
    ['x-forwarded-uri', '/sign-in'],
    ['forwarded', 'for=127.0.0.1;host=evil.example;proto=https'],
    ['x-real-ip', '127.0.0.1'],
    ['early-data', '1'],
    ['range', 'bytes=0-9'],
    ['if-none-match', '*'],
    ['if-modified-since', 'Fri, 01 Jan 2100 00:00:00 GMT'],
    ['cache-control', 'only-if-cached'],
    ['upgrade-insecure-requests', '1'],
    ['service-worker', 'script'],
    ['sec-fetch-dest', 'image'],
    ['sec-fetch-site', 'same-origin'],
    ['x-requested-with', 'XMLHttpRequest'],
    ['expect', '100-continue'],
    ['upgrade', 'websocket'],
    ['te', 'trailers'],
    ['max-forwards', '0'],
    ['cookie', '__prerender_bypass=x; __next_preview_data=x; a=%; chill_space_session=a.b.9999999999.c'],
    ['host', 'evil.example'],
  ];
  const SECURITY = [
    'content-security-policy',
    'x-content-type-options',
    'referrer-policy',
    'cross-origin-opener-policy',
    'permissions-policy',
    'x-frame-options',
    'access-control-allow-origin',
  ];

  /** What must not depend on a header. A nonce is another one each time. */
  function decisionOf(path: string, { status, headers }: Got, names: readonly string[] = SECURITY): unknown {
    const security = names.map((name) => [name, String(headers[name]).replace(/'nonce-[^']+'/g, "'nonce'")]);
    // What the client says to have already, or wants a part of, it was allowed to have. Next puts
    // a mark into the address of data.
    const isMarked = status === 307 && headers.location === `${path}?_rsc`;
    const isElsewhere = OF_ACCOUNTS.has(path) && status === 307 && headers.location === '/';
    const isServed = [206, 304, 416].includes(status) || isMarked || isElsewhere;
    const what = isServed ? { status: 200 } : { status, location: headers.location };
    return { ...what, ...Object.fromEntries(security) };
  }

  async function differences(
    path: string,
    headers: Record<string, string>,
    special: readonly (readonly [name: string, value: string])[] = SPECIAL,
  ): Promise<string[]> {
    const plain = await asker.ask({ path, headers });
    // Browsers take this one from a host that is loopback, or over TLS, and complain of it
    // elsewhere.
    const elsewhere = SECURITY.filter((name) => name !== 'cross-origin-opener-policy');
    const list = special.map(([name, value]) => ({ path, headers: { ...headers, [name]: value } }));
    return await asker.all(list, (asked, got) => {
      const names = asked.headers?.host === undefined ? SECURITY : elsewhere;
      const without = JSON.stringify(decisionOf(path, plain, names));
      const decision = JSON.stringify(decisionOf(path, got, names));
      if (decision === without && !got.headers['content-security-policy']?.includes('evil')) return [];
      return [`${path} ${JSON.stringify(asked.headers)}: ${decision} and not ${without}`];
    });
  }

  it.each(['text/html', '*/*'])(
    'opens an address that asks for a key (accept: %s)',
    async (accept) => {
      const found: string[] = [];
      for (const { path } of addresses) found.push(...(await differences(path, { accept })));
      expect(found).toEqual([]);
    },
    120_000,
  );

  it('changes what pages are sent with', async () => {
    const found: string[] = [];
    const pages = addresses.filter(({ kind }) => kind === 'page');
    // Each at a third of the pages: what pages are sent with is decided before them.
    for (const [index, { path }] of pages.entries()) {
      const special = SPECIAL.filter((_, place) => place % 3 === index % 3);
      found.push(...(await differences(path, { accept: 'text/html', authorization }, special)));
    }
    expect(pages.length).toBeGreaterThan(9);
    expect(found).toEqual([]);
  }, 120_000);

  it('changes who reads from a route', async () => {
    const found: string[] = [];
    for (const address of addresses)
      if (address.kind === 'route' && address.operations.some(({ method }) => method === 'get'))
        found.push(...(await differences(address.path, { authorization })));
    expect(found).toEqual([]);
  }, 120_000);
});
