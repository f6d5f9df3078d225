import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_REPORT_ROWS, reportDays, type UsageQuestion } from '#lib/people/usage/usage-question';
import { usageQuery, usageReport } from '#lib/people/usage/usage-report';
import { usageStatements } from '#lib/people/usage/usage-statements';
import type { UsageRow } from '#lib/people/usage/usage-totals';
import { migrate } from '#lib/store/migrate';
import type { OpenStore } from '#lib/store/open-store';
import { RetentionSweeper } from '#lib/store/retention';
import { retentionRules } from '#lib/store/retention-rules';
import type { UsageTables } from '#lib/store/tables/usage';
import type { UsageReport } from '#lib/wire/usage';
import { usageRow } from '../../../test/support/usage.ts';
import { USAGE_ENGINES } from '../../../test/support/usage-engines.ts';

/** Days around the ends of months, so that reports have whole months and parts of months. */
const DAYS = [20260930, 20261001, 20261031, 20261101, 20261115, 20261130, 20261201];
const ROWS: UsageRow[] = DAYS.flatMap((day, index) => [
  usageRow({ day, user_id: 'ann', group_id: 'lab', model: 'a', server: 's', requests: 2 ** index, prompt_tokens: 3 }),
  usageRow({ day, user_id: 'ann', key_id: 'k', group_id: 'lab', model: 'b', server: 's', requests: 100 }),
  usageRow({ day, user_id: 'bob', group_id: 'class', model: 'a', server: 't', requests: 1_000, cached: 7 }),
  usageRow({ day, key_id: 'service', group_id: 'class', model: 'a', requests: 10_000, errors: 1 }),
  usageRow({ day, user_id: 'bob', group_id: 'class', language: 'c', outcome: 'success', code_runs: 1, code_cpu_ms: 9 }),
  usageRow({ day, user_id: 'bob', group_id: 'class', language: 'c', outcome: 'timeout', code_runs: 1, code_cpu_ms: 5 }),
]);

describe.each(USAGE_ENGINES)('a usage report on %s', (_, open) => {
  let store: OpenStore;
  let close: () => Promise<void>;

  beforeAll(async () => {
    ({ store, close } = await open());
    // Each row twice, of which the second is added to the first, in transactions with equal keys.
    for (const rows of [ROWS, ROWS.toReversed()])
      for (let first = 0; first < rows.length; first += 16)
        await store.writeAll(usageStatements(store.db, rows.slice(first, first + 16)));
  });

  afterAll(() => close());

  async function ask(question: Partial<UsageQuestion>): Promise<UsageReport> {
    const whole = { from: 20260101, to: 20261231, groupBy: ['user'], filter: {}, ...question } as const;
    return usageReport(whole, await store.report(usageQuery(store.db, whole)));
  }

  it('adds up the rows of all days, whatever it is grouped by', async () => {
    const total = {
      requests: 2 * (127 + 700 + 7_000 + 70_000),
      cached: 98,
      prompt_tokens: 42,
      errors: 14,
      code_runs: 28,
      code_cpu_ms: 196,
    };
    const groups = ['day', 'month', 'user', 'group', 'key', 'model', 'server', 'language', 'outcome'] as const;
    for (const first of groups) {
      expect((await ask({ groupBy: [first] })).total, first).toMatchObject(total);
      for (const second of groups)
        if (second !== first)
          expect((await ask({ groupBy: [first, second] })).total, `${first}, ${second}`).toMatchObject(total);
    }
  });

  it.each([
    ['a whole month', 20261101, 20261130, 8 + 16 + 32],
    ['parts of two months', 20261115, 20261201, 16 + 32 + 64],
    ['the end of a month', 20261031, 20261130, 4 + 8 + 16 + 32],
    ['the begin of a month', 20261101, 20261201, 8 + 16 + 32 + 64],
    ['months and parts of months', 20260930, 20261201, 127],
    ['one day', 20261115, 20261115, 16],
    ['no day', 20261116, 20261129, 0],
  ])('of %s has its days and no others, from each table', async (_name, from, to, requests) => {
    for (const groupBy of [
      ['user', 'key', 'model'],
      ['user', 'key', 'model', 'server'],
      ['day', 'user', 'key', 'model'],
    ] as const) {
      const { rows } = await ask({ from, to, groupBy });
      const own = rows.filter((row) => row.user === 'ann' && row.key === '');
      expect(
        own.reduce((sum, row) => sum + row.requests, 0),
        groupBy.join(),
      ).toBe(2 * requests);
    }
  });

  it('has rows in the order of its groups, with only the members that were asked for', async () => {
    const { rows, group_by } = await ask({ groupBy: ['month', 'group'] });
    expect(group_by).toEqual(['month', 'group']);
    expect(rows.map(({ month, group }) => [month, group])).toEqual(
      ['2026-09', '2026-10', '2026-11', '2026-12'].flatMap((month) => [
        [month, 'class'],
        [month, 'lab'],
      ]),
    );
    expect(Object.keys(rows[0] ?? {}).slice(0, 4)).toEqual(['month', 'group', 'group_name', 'requests']);
    expect((await ask({ groupBy: ['day'] })).rows[0]).toMatchObject({ day: '2026-09-30', requests: 2 * 11_101 });
  });

  it('is filtered by user, key, group and model', async () => {
    const models = async (filter: UsageQuestion['filter']) =>
      (await ask({ groupBy: ['user', 'key', 'model'], filter })).rows.map(({ user, key, model }) => [user, key, model]);
    expect(await models({ user: 'ann' })).toEqual([
      ['ann', '', 'a'],
      ['ann', 'k', 'b'],
    ]);
    expect(await models({ user: '', key: 'service' })).toEqual([['', 'service', 'a']]);
    expect(await models({ group: 'lab', model: 'b' })).toEqual([['ann', 'k', 'b']]);
    expect(await models({ user: "ann' or '1'='1" })).toEqual([]);
  });

  it('finds the sums by model server of usage that was written before there were any', async () => {
    const sums = () => store.db.selectFrom('usage_servers').selectAll().execute();
    const written = await sums();
    expect(written.length).toBeGreaterThan(DAYS.length);
    await store.db.schema.dropTable('usage_servers').execute();
    await sql`delete from kysely_migration where name = '0010-usage-servers'`.execute(store.db);
    await migrate(store.db);
    const order = (rows: typeof written) => rows.map((row) => JSON.stringify(row)).toSorted();
    expect(order(await sums())).toEqual(order(written));
  });

  it('of one caller has the same sums by model server as by model', async () => {
    const total = async (groupBy: UsageQuestion['groupBy'], from: number) =>
      (await ask({ from, to: 20261201, groupBy, filter: { user: 'ann' } })).total;
    for (const from of [20260930, 20261031]) {
      const expected = await total(['model'], from);
      expect(expected.requests).toBeGreaterThan(0);
      for (const groupBy of [['server'], ['outcome', 'day'], ['model', 'server'], ['model', 'server', 'day']] as const)
        expect(await total(groupBy, from), groupBy.join()).toEqual(expected);
    }
  });

  it('reads one row more than it may show', async () => {
    const many = Array.from({ length: MAX_REPORT_ROWS + 5 }, (_row, index) =>
      usageRow({ day: 20250101, user_id: `user-${index}`, requests: 1 }),
    );
    for (let first = 0; first < many.length; first += 500)
      await store.writeAll(usageStatements(store.db, many.slice(first, first + 500)));
    expect((await ask({ from: 20250101, to: 20250102 })).rows).toHaveLength(MAX_REPORT_ROWS + 1);
  });
});

describe('the dates of a report', () => {
  it.each([
    [{}, { from: 20261031, to: 20261129 }],
    [{ to: '2026-03-01' }, { from: 20260131, to: 20260301 }],
    [{ from: '2026-11-29' }, { from: 20261129, to: 20261129 }],
    [{ from: '2026-12-24' }, { from: 20261224, to: 20261224 }],
    [
      { from: '2025-01-01', to: '2025-12-31' },
      { from: 20250101, to: 20251231 },
    ],
  ])('%j are %j', (dates, expected) => {
    expect(reportDays(dates, 20261129)).toEqual(expected);
  });
});

describe('the retention of usage', () => {
  it.each(USAGE_ENGINES)('deletes days on %s, and a month when none of its days is left', async (_name, open) => {
    const { store, close } = await open();
    try {
      const days = [20251024, 20251025, 20251026, 20251101, 20261129];
      await store.writeAll(
        usageStatements(
          store.db,
          days.map((day) => usageRow({ day, user_id: 'ann', requests: 1 })),
        ),
      );
      const noon = new Date(2026, 10, 29, 12).getTime();
      const clock = { now: () => noon, monotonic: () => noon };
      const sweeper = new RetentionSweeper(store, retentionRules(), clock);
      await sweeper.sweep();
      const daysOf = async (table: keyof UsageTables) =>
        (await store.db.selectFrom(table).select('day').orderBy('day').execute()).map(({ day }) => day);
      for (const table of ['usage_days', 'usage_callers', 'usage_servers', 'usage_models'] as const)
        expect(await daysOf(table), table).toEqual([20251025, 20251026, 20251101, 20261129]);
      expect(await daysOf('usage_months')).toEqual([20251001, 20251101, 20261101]);
      const later = new Date(2026, 11, 8, 12).getTime();
      await new RetentionSweeper(store, retentionRules(), { now: () => later, monotonic: () => later }).sweep();
      expect(await daysOf('usage_months')).toEqual([20251101, 20261101]);
    } finally {
      await close();
    }
  });
});
