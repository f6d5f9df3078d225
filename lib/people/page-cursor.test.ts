import { expect, it } from 'vitest';
import { pageOfAll, readPage } from './page-cursor.ts';

const page = (query: string) => readPage({ url: `http://localhost/list?${query}` });

it('pages through a list in memory in the order of its keys, also if a row was removed', () => {
  const all = ['c', 'a', 'e', 'b', 'd'];
  const first = pageOfAll(all, page('limit=2'), (row) => row);
  expect(first.rows).toEqual(['a', 'b']);
  const cursor = new URLSearchParams({ limit: '2', cursor: first.next_cursor ?? '' });
  const second = pageOfAll(['a', 'c', 'd', 'e'], page(cursor.toString()), (row) => row);
  expect(second.rows).toEqual(['c', 'd']);
  cursor.set('cursor', second.next_cursor ?? '');
  expect(pageOfAll(all, page(cursor.toString()), (row) => row)).toEqual({ rows: ['e'], next_cursor: null });
});

it('has no further page after exactly as many rows as a page has', () => {
  expect(pageOfAll(['a', 'b'], page('limit=2'), (row) => row).next_cursor).toBeNull();
});
