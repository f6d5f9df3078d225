import { z } from 'zod';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { HAS_NUL, withoutNul } from '#lib/wire/without-nul';

/** Paging of lists: `?limit=` and `?cursor=`, where a cursor names the last row of a page. */

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

export interface PageRequest {
  readonly limit: number;
  /** Sort keys of the last row of the page before; undefined for the first page. */
  readonly after: readonly [string | number, string] | undefined;
  readonly query: URLSearchParams;
}

/** What a list is sorted by before the id: nothing, milliseconds since 1970, or an ISO time. */
const SORT_KEYS = { none: z.literal(''), ms: z.int(), time: z.iso.datetime() } as const;
export type SortKey = keyof typeof SORT_KEYS;
const idSchema = withoutNul(z.string().max(600));

/**
 * Throws `invalid_request` for a limit that is none, for a cursor that is not one of a list with
 * this sort key, and for a text that no database can compare.
 */
export function readPage({ url }: Pick<HttpRequest, 'url'>, sortKey: SortKey = 'none'): PageRequest {
  const query = new URL(url).searchParams;
  for (const [name, text] of query)
    if (text.includes('\0'))
      throw new AppError('invalid_request', `The request is not valid: ${name} ${HAS_NUL}.`, {
        details: [{ field: name, message: HAS_NUL }],
      });
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new AppError('invalid_request', `limit must be a whole number from 1 to ${MAX_LIMIT}.`);
  const cursor = query.get('cursor');
  return { limit, after: cursor === null ? undefined : parseCursor(cursor, sortKey), query };
}

/** The rows of a page out of one more than it has, and the cursor of the next. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  keysOf: (row: Row) => readonly [string | number, string],
): { rows: readonly Row[]; next_cursor: string | null } {
  if (rows.length <= limit) return { rows, next_cursor: null };
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, next_cursor: last === undefined ? null : cursorOf(...keysOf(last)) };
}

/** A page of a list in memory, which is sorted by a key that no two of its rows share. */
export function pageOfAll<Row>(
  all: readonly Row[],
  { limit, after }: PageRequest,
  keyOf: (row: Row) => string,
): { rows: readonly Row[]; next_cursor: string | null } {
  const sorted = all.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const rest = after === undefined ? sorted : sorted.filter((row) => keyOf(row) > after[1]);
  return pageOf(rest.slice(0, limit + 1), limit, (row) => ['', keyOf(row)]);
}

/** The cursor of the page after a row with these sort keys. */
export function cursorOf(key: string | number, id: string): string {
  return Buffer.from(JSON.stringify([key, id])).toString('base64url');
}

function parseCursor(cursor: string, sortKey: SortKey): readonly [string | number, string] {
  try {
    return z.tuple([SORT_KEYS[sortKey], idSchema]).parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    throw new AppError('invalid_request', 'cursor is not one of this list. Ask for the first page without it.');
  }
}
