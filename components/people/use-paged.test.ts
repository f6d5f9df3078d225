import { expect, it } from 'vitest';
import { pageUrl } from './use-paged.ts';

it('asks for the first page without a cursor, and for the next with that of the page before', () => {
  expect(pageUrl('/api/admin/users', 0, null)).toBe('/api/admin/users');
  expect(pageUrl('/api/admin/users', 1, { next_cursor: 'a/b' })).toBe('/api/admin/users?cursor=a%2Fb');
  expect(pageUrl('/api/admin/users?search=ada', 1, { next_cursor: 'x' })).toBe('/api/admin/users?search=ada&cursor=x');
});

it('ends after a page without a cursor', () => {
  expect(pageUrl('/api/keys', 1, { next_cursor: null })).toBeNull();
  expect(pageUrl('/api/keys', 1, {})).toBeNull();
});
