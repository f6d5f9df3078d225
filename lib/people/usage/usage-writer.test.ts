import type { Compilable } from 'kysely';
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { expect, it } from 'vitest';
import { UsageTotals } from '#lib/people/usage/usage-totals';
import { UsageWriter } from '#lib/people/usage/usage-writer';
import type { Database } from '#lib/store/schema';
import { person, usageEvent } from '../../../test/support/usage.ts';

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
  const writer = new UsageWriter({
    totals,
    open: async () => ({ db, writeAll: write }),
    statements: () => import('#lib/people/usage/usage-statements'),
    onError: (error) => errors.push(error),
  });
  return { totals, writer, errors };
}

it('keeps what could not be written, reports one outage once, and writes all of it later', async () => {
  let isDown = true;
  const written: (readonly Compilable[])[] = [];
  const { totals, writer, errors } = writerOver(async (statements) => {
    if (isDown) throw new Error('the disk is full');
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
