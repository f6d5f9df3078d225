import { afterEach, expect, it, vi } from 'vitest';
import { GROUP_SOURCE, membersOf, PERSON_SOURCE } from './search-source.ts';

afterEach(() => void vi.unstubAllGlobals());

const replies = (body: object) => vi.stubGlobal('fetch', async () => Response.json(body));

it('asks the server for what matches, and for the first of all without words', () => {
  expect(GROUP_SOURCE.path('9b & c', 20)).toMatch(/\/api\/admin\/groups\?search=9b\+%26\+c&limit=20$/);
  expect(PERSON_SOURCE.path('', 20)).toMatch(/\/api\/admin\/users\?limit=20$/);
  expect(membersOf('g 1').path('ann', 5)).toMatch(/\/api\/admin\/users\?group_id=g\+1&search=ann&limit=5$/);
});

it('says that more match than are shown', async () => {
  const group = { id: 'a', name: 'Class 9a', members: 1, manager: null, created_at: '' };
  replies({ groups: [group], next_cursor: 'next' });
  expect(await GROUP_SOURCE.fetch('/')).toEqual({ options: [{ value: 'a', label: 'Class 9a' }], hasMore: true });
  replies({ groups: [group], next_cursor: null });
  expect((await GROUP_SOURCE.fetch('/')).hasMore).toBe(false);
});
