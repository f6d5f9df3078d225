import { type CompiledQuery, type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import { addDays, isoDay, monthOf, nextMonth } from '#lib/calendar';
import type { UsageNames } from '#lib/people/usage/usage-names';
import { MAX_REPORT_ROWS, type UsageFilter, type UsageQuestion } from '#lib/people/usage/usage-question';
import type { UsageTableName } from '#lib/people/usage/usage-statements';
import type { Database } from '#lib/store/schema';
import type { UsageTable } from '#lib/store/tables/usage';
import {
  isNamedUsageGroup,
  USAGE_FIGURES,
  type UsageFigures,
  type UsageGroup,
  type UsageReport,
  type UsageReportRow,
} from '#lib/wire/usage';

type Column = Exclude<keyof UsageTable, keyof UsageFigures>;

const COLUMNS: Readonly<Record<Exclude<UsageGroup, 'month'>, Column>> = {
  day: 'day',
  user: 'user_id',
  group: 'group_id',
  key: 'key_id',
  model: 'model',
  server: 'server',
  language: 'language',
  outcome: 'outcome',
};

/** One row more than may be shown, so that a longer report is recognised. */
export function usageQuery(db: Kysely<Database>, question: UsageQuestion): CompiledQuery<Record<string, unknown>> {
  const { groupBy } = question;
  const columns = groupBy.map((group) => columnOf(group));
  const sums = USAGE_FIGURES.map((figure) => sql<number>`sum(${sql.ref(figure)})`.as(figure));
  return db
    .selectFrom(partsOf(db, question).as('usage'))
    .select(groupBy.map((group, index) => (columns[index] ?? sql<number>`day`).as(`by_${group}`)))
    .select(sums)
    .groupBy(columns)
    .orderBy(sql.join(columns))
    .limit(MAX_REPORT_ROWS + 1)
    .compile();
}

/** Rows have a name next to each id: null for one that `names` does not have. */
export function usageReport(
  { from, to, groupBy }: UsageQuestion,
  found: readonly Record<string, unknown>[],
  names: UsageNames = {},
): UsageReport {
  const total = figuresOf({});
  const rows = found.map((row): UsageReportRow => {
    const figures = figuresOf(row);
    for (const figure of USAGE_FIGURES) total[figure] += figures[figure];
    const members = groupBy.flatMap((group): [string, string | null][] => {
      const value = groupValue(group, row[`by_${group}`]);
      const member: [string, string] = [group, value];
      return isNamedUsageGroup(group) ? [member, [`${group}_name`, names[group]?.get(value) ?? null]] : [member];
    });
    return { ...Object.fromEntries(members), ...figures };
  });
  return { from: isoDay(from), to: isoDay(to), group_by: [...groupBy], total, rows };
}

/** Postgres returns sums as texts. */
function figuresOf(row: Record<string, unknown>): UsageFigures {
  const figure = (name: keyof UsageFigures) => Number(row[name] ?? 0);
  return {
    requests: figure('requests'),
    cached: figure('cached'),
    joined: figure('joined'),
    prompt_tokens: figure('prompt_tokens'),
    completion_tokens: figure('completion_tokens'),
    tokens_saved: figure('tokens_saved'),
    generation_ms: figure('generation_ms'),
    queue_ms: figure('queue_ms'),
    errors: figure('errors'),
    code_runs: figure('code_runs'),
    code_cpu_ms: figure('code_cpu_ms'),
  };
}

function groupValue(group: UsageGroup, value: unknown): string {
  if (group === 'day') return isoDay(Number(value));
  if (group === 'month') return isoDay(Number(value) * 100 + 1).slice(0, 7);
  return String(value ?? '');
}

function columnOf(group: UsageGroup) {
  return group === 'month' ? sql<number>`day / 100` : sql<number | string>`${sql.ref(COLUMNS[group])}`;
}

/**
 * The rows that a report adds up, from the smallest tables that have them. Whole months are read
 * from the sums of months, unless the report shows days or one caller has few rows by day.
 */
function partsOf(db: Kysely<Database>, question: UsageQuestion) {
  const { from, to, groupBy, filter } = question;
  const table = smallestTable(groupBy, filter);
  const byDay = rowsOf(db, table, question);
  // The table of everything has no index by caller.
  const isOfOneCaller = table !== 'usage_days' && (filter.user !== undefined || filter.key !== undefined);
  if (table === 'usage_models' || groupBy.includes('day') || isOfOneCaller) return byDay;
  const firstMonth = from === monthOf(from) ? from : nextMonth(from);
  const afterLast = monthOf(addDays(to, 1));
  if (firstMonth >= afterLast) return byDay;
  const between = (first: number, last: number) => ({ ...question, from: first, to: last });
  let parts = rowsOf(db, 'usage_months', between(firstMonth, addDays(afterLast, -1)));
  if (from < firstMonth) parts = parts.unionAll(rowsOf(db, table, between(from, addDays(firstMonth, -1))));
  if (afterLast <= to) parts = parts.unionAll(rowsOf(db, table, between(afterLast, to)));
  return parts;
}

function smallestTable(groupBy: readonly UsageGroup[], filter: UsageFilter): UsageTableName {
  const names: ReadonlySet<string> = new Set([...groupBy, ...Object.keys(filter)]);
  const needsCaller = names.has('user') || names.has('key');
  if (!needsCaller) return 'usage_models';
  if (!names.has('server') && !names.has('outcome')) return 'usage_callers';
  return names.has('model') || names.has('language') ? 'usage_days' : 'usage_servers';
}

/** The first columns of the primary key after the day, in its order: whose usage it is. */
const CALLER_COLUMNS: readonly Column[] = ['user_id', 'key_id', 'group_id'];

/**
 * The rows of some days. Where only months and callers are asked for, they are added up by the
 * first columns of the primary key, in whose order SQLite reads them: a tenth is left to be sorted.
 */
function rowsOf(
  db: Kysely<Database>,
  table: UsageTableName,
  { from, to, groupBy, filter }: Pick<UsageQuestion, 'from' | 'to' | 'groupBy' | 'filter'>,
) {
  const conditions: Expression<SqlBool>[] = (['user', 'key', 'group', 'model'] as const).flatMap((name) => {
    const value = filter[name];
    return value === undefined ? [] : [sql<SqlBool>`${sql.ref(COLUMNS[name])} = ${value}`];
  });
  const rows = db
    .selectFrom(table)
    .where('day', '>=', from)
    .where('day', '<=', to)
    .where((build) => build.and(conditions));
  const needed = [...new Set(groupBy.map((group): Column => (group === 'month' ? 'day' : COLUMNS[group])))];
  // By day, they come in the order of the groups already.
  if (groupBy.includes('day') || needed.some((name) => name !== 'day' && !CALLER_COLUMNS.includes(name)))
    return rows.select([...needed, ...USAGE_FIGURES]);
  const last = Math.max(...needed.map((name) => CALLER_COLUMNS.indexOf(name)));
  const columns: readonly Column[] = ['day', ...CALLER_COLUMNS.slice(0, last + 1)];
  const sums = USAGE_FIGURES.map((figure) => sql<number>`sum(${sql.ref(figure)})`.as(figure));
  return rows.select(columns).select(sums).groupBy(columns);
}
