import { afterEach, expect, it } from 'vitest';
import { forgetProcessWide } from '#lib/process';
import { firstModels, firstStats, type PageData, providePageData } from '#lib/server/page-data';
import type { Models } from '#lib/wire/models';

const MODELS: Models = { models: [], default_model: 'small', providers: [], notice: 'The small one answers.' };
const never = () => new Promise<never>(() => undefined);
const fail = () => Promise.reject(new Error('away'));

function provide(part: Partial<PageData>): void {
  providePageData({ models: fail, runnerHealth: fail, stats: fail, gatewayStats: fail, ...part });
}

afterEach(() => forgetProcessWide('page-data'));

it('is nothing where no server told it, as in development', async () => {
  expect(await firstModels()).toBeUndefined();
});

it('is what the server knows', async () => {
  provide({ models: async () => MODELS });
  expect(await firstModels()).toEqual(MODELS);
});

it('is nothing where the server cannot tell: the page asks, and says so', async () => {
  provide({});
  expect(await firstStats()).toBeUndefined();
  provide({ models: async () => MODELS });
  await firstModels();
  provide({});
  expect(await firstModels()).toBeUndefined();
});

it('does not keep a page waiting, and is then what was known before', async () => {
  provide({ models: never });
  expect(await firstModels()).toBeUndefined();
  provide({ models: async () => MODELS });
  await firstModels();
  provide({ models: never });
  expect(await firstModels()).toEqual(MODELS);
});
