import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createSession, SESSION_COOKIE } from '#lib/http/auth';
import { forgetProcessWide } from '#lib/process';
import { firstModels, firstStats, type PageData, providePageData } from '#lib/server/page-data';
import type { Models } from '#lib/wire/models';

const MODELS: Models = { models: [], default_model: 'small', providers: [], notice: 'The small one answers.' };
const READER = new Headers();
const never = () => new Promise<never>(() => undefined);
const fail = () => Promise.reject(new Error('away'));

function provide(part: Partial<PageData>): void {
  providePageData({ models: fail, runnerHealth: fail, stats: fail, gatewayStats: fail, ...part });
}

beforeEach(() => forgetProcessWide('config'));

afterEach(() => {
  vi.unstubAllEnvs();
  for (const name of ['page-data', 'config']) forgetProcessWide(name);
});

it('is nothing where no server told it, as in development', async () => {
  expect(await firstModels(READER)).toBeUndefined();
});

it('is what the server knows', async () => {
  provide({ models: async () => MODELS });
  expect(await firstModels(READER)).toEqual(MODELS);
});

it('is nothing where the server cannot tell: the page asks, and says so', async () => {
  provide({});
  expect(await firstStats(READER)).toBeUndefined();
  provide({ models: async () => MODELS });
  await firstModels(READER);
  provide({});
  expect(await firstModels(READER)).toBeUndefined();
});

it('does not keep a page waiting, and is then what was known before', async () => {
  provide({ models: never });
  expect(await firstModels(READER)).toBeUndefined();
  provide({ models: async () => MODELS });
  await firstModels(READER);
  provide({ models: never });
  expect(await firstModels(READER)).toEqual(MODELS);
});

it('is nothing for a request that shows no key where one is asked for, whatever let it come this far', async () => {
  const key = 'a-key-of-sixteen-characters';
  vi.stubEnv('API_KEYS', key);
  provide({ models: async () => MODELS });
  expect(await firstModels(new Headers({ purpose: 'prefetch' }))).toBeUndefined();
  expect(await firstModels(new Headers({ authorization: 'Bearer wrong' }))).toBeUndefined();
  const cookie = `${SESSION_COOKIE}=${createSession(key, Date.now())}`;
  expect(await firstModels(new Headers({ cookie }))).toEqual(MODELS);
  expect(await firstModels(new Headers({ authorization: `Bearer ${key}` }))).toEqual(MODELS);
});
