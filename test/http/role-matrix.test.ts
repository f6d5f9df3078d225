import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { checkPageAccess, pageRight } from '#lib/http/page-access';
import type { Right } from '#lib/http/principal';
import type { RouteHandler } from '#lib/http/route';
import { findRouteFiles, type RouteFile } from '#lib/server/route-table';
import { resetSingleton, singleton } from '#lib/singletons';
import { PAGE_RIGHTS } from '#lib/wire/page-paths';
import { asPerson, registerPeople } from '../support/people.ts';

/** Every route, every method, every role, from the route files themselves. */

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const PERSON: readonly Right[] = [
  'open',
  'signed-in',
  'account',
  'chat',
  'code',
  'gateway',
  'stats',
  'models-read',
  'queue-read',
];
const KEY: readonly Right[] = ['open', 'signed-in'];

/** What each role may do; anything else is refused. */
const ROLES: Record<string, readonly Right[]> = {
  member: PERSON,
  manager: [...PERSON, 'warm', 'group-admin'],
  admin: [...PERSON, 'warm', 'cache-admin', 'manage', 'group-admin', 'admin'],
  'key for chat': [...KEY, 'chat', 'models-read', 'queue-read'],
  'key for code': [...KEY, 'code'],
  'key for gateway': [...KEY, 'gateway'],
  'key for stats': [...KEY, 'stats', 'models-read', 'queue-read'],
  "administrator's key for chat": [...KEY, 'chat', 'models-read', 'queue-read'],
};
const UNKNOWN = ['anonymous', 'disabled'];

/** Routes without authentication. Another one is a decision: it belongs here. */
const OPEN = [
  'DELETE /api/session',
  'GET /api/auth/[...all]',
  'GET /api/diagrams/[...file]',
  'GET /api/executors/[language]/health',
  'GET /api/join',
  'GET /api/microservices/health',
  'GET /api/ready',
  'GET /api/session',
  'GET /api/setup',
  'GET /api/v1/health',
  'GET /gateway-health',
  'GET /health',
  'POST /api/auth/[...all]',
  'POST /api/join',
  'POST /api/session',
  'POST /api/setup',
];

/** What only administrators may do. */
const ADMINISTRATORS = [
  'DELETE /api/delete',
  'HEAD /api/blobs/[digest]',
  'POST /api/blobs/[digest]',
  'POST /api/copy',
  'POST /api/create',
  'POST /api/pull',
  'POST /api/push',
];

/** Served by the gateway, which asks for its scope itself. */
const GATEWAY_PATTERNS: ReadonlySet<string> = new Set(['/[...path]', '/gateway/[...path]']);

type RouteModule = Partial<Record<string, RouteHandler>>;

const routes: RouteFile<RouteModule>[] = await findRouteFiles(
  join(process.cwd(), 'app'),
  async (file) => (await import(pathToFileURL(file).href)) as RouteModule,
);

const STATE = ['config', 'http.identities', 'http.failed-keys', 'models', 'chat', 'runner', 'gateway'];

beforeAll(() => {
  for (const name of STATE) resetSingleton(name);
  singleton('config', () =>
    readConfig({
      AUTH: 'accounts',
      API_KEYS: 'an-administrators-key',
      MODEL_PROVIDER: 'embedded',
      OLLAMA_MANAGE: 'true',
      LOG_LEVEL: 'silent',
      RATE_LIMIT_CHAT: '0',
      RATE_LIMIT_CODE: '0',
      RATE_LIMIT_CHECKS: '0',
      RATE_LIMIT_EMBEDDINGS: '0',
    }),
  );
  registerPeople();
});

afterAll(() => {
  for (const name of STATE) resetSingleton(name);
});

/** Statuses of refusals for want of a right. */
const REFUSALS: readonly number[] = [401, 403];

async function statusOf(route: RouteFile<RouteModule>, method: string, headers: Record<string, string>) {
  const path = route.pattern.replace('[language]', 'python').replaceAll(/\[[^\]]+\]/g, 'x');
  const request = new Request(`http://localhost${path}`, { method, headers });
  const params = { language: 'python', id: 'x', digest: 'x', model: ['x'], file: ['x'], path: ['x'] };
  const response = await route.value[method]?.(request, { params, peerAddress: '192.0.2.1' });
  await response?.body?.cancel();
  return response?.status;
}

/** The right of a method, as its route file states it. */
function rightsOf({ pattern, value }: RouteFile<RouteModule>): [string, Right | undefined][] {
  return METHODS.map((method) => [method, GATEWAY_PATTERNS.has(pattern) ? 'gateway' : value[method]?.right]);
}

function routesWith(right: Right): string[] {
  return routes
    .flatMap((route) => rightsOf(route).map(([method, own]) => ({ method, own, pattern: route.pattern })))
    .filter(({ own, method, pattern }) => own === right && method !== 'OPTIONS' && !isHeadOfGet(method, pattern))
    .map(({ method, pattern }) => `${method} ${pattern}`)
    .sort();
}

/** HEAD has the right of GET, and is no separate entry. */
function isHeadOfGet(method: string, pattern: string): boolean {
  return method === 'HEAD' && routes.find((route) => route.pattern === pattern)?.value.GET?.right !== undefined;
}

/** The banner is for everyone who sees the pages. */
const isBannerRead = ({ pattern }: { pattern: string }, method: string) =>
  pattern === '/api/admin/banner' && (method === 'GET' || method === 'HEAD');

describe('the route table', () => {
  it('has exactly the open routes that are meant to be open', () => {
    expect(routesWith('open')).toEqual(OPEN);
  });

  it('leaves the management of models to administrators', () => {
    expect(routesWith('manage')).toEqual(ADMINISTRATORS);
  });

  it('leaves everything below /api/admin to administrators and managers', () => {
    const administration = routes.filter(({ pattern }) => pattern.startsWith('/api/admin'));
    for (const route of administration)
      for (const [method, right] of rightsOf(route))
        if (right !== undefined && method !== 'OPTIONS' && !isBannerRead(route, method))
          expect(['admin', 'group-admin']).toContain(right);
  });

  it.each(routes.map((route) => [route.pattern, route] as const))(
    'lets every role do at %s what it has the right to, and nothing else',
    async (pattern, route) => {
      const isOpen = rightsOf(route).some(([method, right]) => method !== 'OPTIONS' && right === 'open');
      for (const [method, right] of rightsOf(route)) {
        if (method === 'OPTIONS' && !GATEWAY_PATTERNS.has(pattern)) {
          expect([method, await statusOf(route, method, {})]).toEqual([method, 204]);
          continue;
        }
        for (const person of UNKNOWN) {
          const headers = person === 'anonymous' ? {} : asPerson(person);
          const status = await statusOf(route, method, headers);
          if (right === 'open') expect(REFUSALS).not.toContain(status);
          else if (right === undefined && isOpen) expect(status).toBe(405);
          else expect([method, person, status]).toEqual([method, person, 401]);
        }
        for (const [person, allowed] of Object.entries(ROLES)) {
          const status = await statusOf(route, method, asPerson(person));
          const seen = [method, person, status];
          if (right === undefined) expect(seen).toEqual([method, person, 405]);
          else if (allowed.includes(right)) expect(REFUSALS, seen.join(' ')).not.toContain(status);
          else expect(seen).toEqual([method, person, 403]);
        }
      }
    },
    60_000,
  );

  it('lets a key of API_KEYS do everything that administrators do', async () => {
    const headers = { authorization: 'Bearer an-administrators-key' };
    for (const route of routes)
      for (const [method, right] of rightsOf(route)) {
        if (right === undefined || right === 'account') continue;
        const status = await statusOf(route, method, headers);
        expect(REFUSALS, `${method} ${route.pattern} ${status}`).not.toContain(status);
      }
  }, 60_000);
});

describe('the pages', () => {
  const open = async (path: string, headers: Record<string, string>) => {
    const reader = {
      method: 'GET',
      target: path,
      headers: new Headers({ accept: 'text/html', ...headers }),
      peerAddress: '192.0.2.1',
      address: '192.0.2.1',
    };
    return (
      await checkPageAccess(
        reader,
        'page',
        singleton('config', () => readConfig({})),
        Date.now(),
      )
    )?.status;
  };

  it.each([...PAGE_RIGHTS])('open %s for those who have the right %s', async (path, right) => {
    for (const headers of [{}, asPerson('disabled')])
      expect(await open(path, headers)).toBe(right === 'open' ? undefined : 307);
    for (const [person, allowed] of Object.entries(ROLES)) {
      const expected = allowed.includes(right) ? undefined : 403;
      for (const slow of [{}, { 'x-test-slow': '1' }])
        expect([person, await open(path, { ...asPerson(person), ...slow })]).toEqual([person, expected]);
    }
  });

  it('below /admin are for signed-in people: they hold no data, and say who may see it', () => {
    for (const [path, right] of PAGE_RIGHTS)
      if (path === '/admin' || path.startsWith('/admin/')) expect([path, right]).toEqual([path, 'signed-in']);
  });

  it.each(['/dashboard/', '//dashboard', '/%64ashboard', '/dashboard/x', '/unknown', '/sign-in/x'])(
    'are not opened without authentication by the spelling %s',
    (path) => {
      expect(pageRight(path)).toBe('signed-in');
    },
  );
});
