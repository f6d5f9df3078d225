import { readFileSync } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { readConfig } from '#lib/config/config';
import { createSession, SESSION_COOKIE } from '#lib/http/session-cookie';
import { type InitialDataSource, initialModels, initialStats, provideInitialData } from '#lib/server/initial-data';
import { findInitialDataReader } from '#lib/server/initial-data-source';
import { resetSingleton } from '#lib/singletons';
import type { Models } from '#lib/wire/models';
import type { ServerStats } from '#lib/wire/server-stats';

const MODELS: Models = { models: [], default_model: 'small', providers: [], notice: 'The small one answers.' };
const READER = new Headers();
const never = () => new Promise<never>(() => undefined);
const fail = () => Promise.reject(new Error('away'));

function provide(part: Partial<InitialDataSource>, keys: readonly string[] = []): void {
  const data = {
    models: fail,
    runnerHealth: fail,
    stats: fail,
    gatewayStats: fail,
    queue: () => {
      throw new Error('away');
    },
    me: () => {
      throw new Error('away');
    },
    history: fail,
    ...part,
  };
  const settings = readConfig({ API_KEYS: keys.join(',') });
  provideInitialData(async () => ({ data, findReader: (headers) => findInitialDataReader(headers, settings) }));
}

afterEach(() => {
  vi.useRealTimers();
  resetSingleton('initial-data');
});

it('is undefined if no server provides it, as in development', async () => {
  expect(await initialModels(READER)).toBeUndefined();
});

it('is what the server provides', async () => {
  provide({ models: async () => MODELS });
  expect(await initialModels(READER)).toEqual(MODELS);
});

it('is undefined after a failure, so that the page requests and reports it', async () => {
  provide({});
  expect(await initialStats(READER)).toBeUndefined();
  provide({ models: async () => MODELS });
  await initialModels(READER);
  provide({});
  expect(await initialModels(READER)).toBeUndefined();
});

it('is the last known value if the next one takes too long', async () => {
  provide({ models: never });
  expect(await initialModels(READER)).toBeUndefined();
  provide({ models: async () => MODELS });
  await initialModels(READER);
  provide({ models: never });
  expect(await initialModels(READER)).toEqual(MODELS);
});

it('has no figures of ten seconds before, which look like present ones', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const stats = { uptime_ms: 1 } as unknown as ServerStats;
  provide({ stats: async () => stats, models: async () => MODELS });
  await initialStats(READER);
  await initialModels(READER);
  provide({ stats: never, models: never });
  vi.advanceTimersByTime(10_000);
  expect(await initialStats(READER)).toBe(stats);
  vi.advanceTimersByTime(1);
  expect(await initialStats(READER)).toBeUndefined();
  expect(await initialModels(READER)).toEqual(MODELS);
});

it('is undefined for a request without a key if keys are set', async () => {
  const key = 'a-key-of-sixteen-characters';
  provide({ models: async () => MODELS }, [key]);
  expect(await initialModels(new Headers({ purpose: 'prefetch' }))).toBeUndefined();
  expect(await initialModels(new Headers({ authorization: 'Bearer wrong' }))).toBeUndefined();
  const cookie = `${SESSION_COOKIE}=${createSession(key, Date.now())}`;
  expect(await initialModels(new Headers({ cookie }))).toEqual(MODELS);
  expect(await initialModels(new Headers({ authorization: `Bearer ${key}` }))).toEqual(MODELS);
});

it('is the only server module that pages bundle, without settings and schemas', () => {
  const reached = new Set<string>();
  const follow = (file: string) => {
    if (reached.has(file)) return;
    reached.add(file);
    // Type imports are erased.
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';/gms))
      if (name?.startsWith('#lib/') === true) follow(`${name.slice(1)}.ts`);
      else if (name !== undefined) reached.add(name);
  };
  follow('lib/server/initial-data.ts');
  expect([...reached].sort()).toEqual([
    'lib/browser/endpoints.ts',
    'lib/server/initial-data.ts',
    'lib/singletons.ts',
    'lib/units.ts',
    'node:timers/promises',
  ]);
});
