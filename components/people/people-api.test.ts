import { afterEach, expect, it, vi } from 'vitest';
import { fetchKeys } from './people-api.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

it('asks for all keys that a person may have at once', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    return Promise.resolve(Response.json({ keys: [], next_cursor: null }));
  });
  expect(await fetchKeys()).toEqual({ keys: [], next_cursor: null });
  expect(asked.map((url) => url.replace(/^.*\/api/, ''))).toEqual(['/keys?limit=100']);
});
