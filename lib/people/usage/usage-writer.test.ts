import type { Compilable } from 'kysely';
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { expect, it } from 'vitest';
import { UsageTotals } from '#lib/people/usage/usage-totals';
import { UsageWriter } from '#lib/people/usage/usage-writer';
import { StoreUnavailable } from '#lib/store/errors';
import type { Database } from '#lib/store/schema';
import { person, usageEvent } from '../../../test/support/usage.ts';
import { USAGE_ENGINES } from '../../../test/support/usage-engines.ts';

/** Compiles statements, and runs none. */
const db = new Kysely<Database>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (own) => new SqliteIntrospector(own),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

function writerOver(write: (statements: readonly Compilable[]) => Promise<void>) {
  const totals = new UsageTotals({ now: Date.now });
  const errors: unknown[] = [];
  const refused: number[] = [];
  const writer = new UsageWriter({
    totals,
    open: async () => ({ db, writeAll: write }),
    statements: () => import('#lib/people/usage/usage-statements'),
    onError: (error) => errors.push(error),
    onRefused: (_error, count) => refused.push(count),
  });
  return { totals, writer, errors, refused };
}

it('keeps what could not be written, reports one outage once, and writes all of it later', async () => {
  let isDown = true;
  const written: (readonly Compilable[])[] = [];
  const { totals, writer, errors } = writerOver(async (statements) => {
    if (isDown) throw new StoreUnavailable('full');
    written.push(statements);
  });
  totals.finished(usageEvent());
  await writer.flush();
  totals.finished(usageEvent());
  await writer.flush();
  expect(errors).toHaveLength(1);
  expect(totals.size).toBe(1);
  isDown = false;
  await writer.flush();
  expect(written).toHaveLength(1);
  expect(written[0]?.map((statement) => statement.compile().parameters.at(8))).toEqual([2, 2, 2, 2, 2]);
  expect(totals.size).toBe(0);
  await writer.close();
});

it('writes each row once, in small transactions, and what comes meanwhile with the next flush', async () => {
  let rows = 0;
  const { totals, writer } = writerOver(async ([days]) => {
    rows += (days?.compile().parameters.length ?? 0) / 19;
    if (rows <= 16) totals.finished(usageEvent({ principal: person('late') }));
  });
  for (let index = 0; index < 100; index++) totals.finished(usageEvent({ principal: person(`user-${index}`) }));
  await Promise.all([writer.flush(), writer.flush()]);
  expect(rows).toBe(101);
  await writer.close();
  expect(rows).toBe(101);
});

it('drops a row that the database refuses, and writes the others', async () => {
  const written = new Set<unknown>();
  const { totals, writer, errors, refused } = writerOver(async ([days]) => {
    const { parameters = [] } = days?.compile() ?? {};
    if (parameters.includes('bad')) throw new Error('a constraint is broken');
    for (const value of parameters) if (`${value}`.startsWith('user-')) written.add(value);
  });
  for (const user of ['user-1', 'user-2', 'bad', 'user-3', 'user-4', 'user-5', 'user-6', 'user-7'])
    totals.finished(usageEvent({ principal: person(user) }));
  await writer.close();
  expect(written.size).toBe(7);
  expect(refused).toEqual([1]);
  expect(errors).toEqual([]);
  expect(totals.size).toBe(0);
});

it('writes no row twice if the database fails while rows are written one by one', async () => {
  let writes = 0;
  const written: unknown[] = [];
  const { totals, writer } = writerOver(async ([days]) => {
    const { parameters = [] } = days?.compile() ?? {};
    writes += 1;
    if (writes === 1) throw new Error('a constraint is broken');
    if (writes === 3) throw new StoreUnavailable('unreachable');
    written.push(...parameters.filter((value) => `${value}`.startsWith('user-')));
  });
  for (const user of ['user-1', 'user-2', 'user-3']) totals.finished(usageEvent({ principal: person(user) }));
  await writer.flush();
  expect(totals.size).toBe(2);
  await writer.close();
  expect(written.toSorted()).toEqual(['user-1', 'user-2', 'user-3']);
});

it.each(USAGE_ENGINES)('counts on %s what clients call a model, whatever the name', async (_engine, open) => {
  const { store, close } = await open();
  const totals = new UsageTotals({ now: Date.now });
  const errors: unknown[] = [];
  const writer = new UsageWriter({
    totals,
    open: async () => store,
    statements: () => import('#lib/people/usage/usage-statements'),
    onError: (error) => errors.push(error),
    onRefused: (error) => errors.push(error),
  });
  try {
    for (const model of ['a\u0000', 'b\uD800', 'b\uDFFF', '\u0000', 'c', `${'d'.repeat(199)}\u{1F600}`])
      totals.finished(usageEvent({ model }));
    await writer.close();
    expect(errors).toEqual([]);
    const rows = await store.db.selectFrom('usage_days').select(['model', 'requests']).orderBy('requests').execute();
    expect(new Map(rows.map(({ model, requests }) => [model, requests]))).toEqual(
      new Map([
        ['a', 1],
        ['b\uFFFD', 2],
        ['other', 1],
        ['c', 1],
        [`${'d'.repeat(199)}\uFFFD`, 1],
      ]),
    );
  } finally {
    await close();
  }
});
