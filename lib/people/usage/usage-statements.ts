import type { Compilable, ExpressionBuilder, Kysely } from 'kysely';
import { monthOf } from '#lib/calendar';
import { NO_FIGURES, type UsageKey, type UsageRow } from '#lib/people/usage/usage-totals';
import type { Database } from '#lib/store/schema';
import type { UsageTables } from '#lib/store/tables/usage';
import { USAGE_FIGURES } from '#lib/wire/usage';

export type UsageTableName = keyof UsageTables;

const KEY_COLUMNS = ['day', 'user_id', 'key_id', 'group_id', 'model', 'server', 'language', 'outcome'] as const;

/** The part of a key that each table has. The rest is empty there. */
const KEYS: Readonly<Record<UsageTableName, (key: UsageKey) => UsageKey>> = {
  usage_days: (key) => key,
  usage_months: (key) => ({ ...key, day: monthOf(key.day) }),
  usage_callers: (key) => ({ ...key, server: '', outcome: '' }),
  usage_servers: (key) => ({ ...key, model: '', language: '' }),
  usage_models: (key) => ({ ...key, user_id: '', key_id: '' }),
};
const TABLE_NAMES = ['usage_days', 'usage_months', 'usage_callers', 'usage_servers', 'usage_models'] as const;

/** Statements that add rows to all tables. They belong into one transaction. */
export function usageStatements(db: Kysely<Database>, rows: readonly UsageRow[]): Compilable[] {
  return TABLE_NAMES.map((table) => addTo(db, table, mergeRows(rows, KEYS[table])));
}

/** Adds the figures of rows that have the same key in a table: a statement has each key once. */
function mergeRows(rows: readonly UsageRow[], keyOf: (key: UsageKey) => UsageKey): UsageRow[] {
  const merged = new Map<string, UsageRow>();
  for (const row of rows) {
    const key = keyOf(row);
    const name = KEY_COLUMNS.map((column) => key[column]).join('\n');
    const found = merged.get(name);
    const target = found ?? { ...row, ...pick(key), ...NO_FIGURES };
    if (found === undefined) merged.set(name, target);
    for (const figure of USAGE_FIGURES) target[figure] += Math.round(row[figure]);
  }
  // Servers that share a database lock the rows in the same order.
  return [...merged].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
}

function addTo(db: Kysely<Database>, table: UsageTableName, rows: readonly UsageRow[]): Compilable {
  return db
    .insertInto(table)
    .values(rows)
    .onConflict((conflict) => conflict.columns(KEY_COLUMNS).doUpdateSet((build) => sums(build, table)));
}

type Conflict = Database & { excluded: UsageTables['usage_days'] };

function sums(build: ExpressionBuilder<Conflict, UsageTableName | 'excluded'>, table: UsageTableName) {
  const sum = (figure: (typeof USAGE_FIGURES)[number]) =>
    build(`${table}.${figure}`, '+', build.ref(`excluded.${figure}`));
  return {
    requests: sum('requests'),
    cached: sum('cached'),
    joined: sum('joined'),
    prompt_tokens: sum('prompt_tokens'),
    completion_tokens: sum('completion_tokens'),
    tokens_saved: sum('tokens_saved'),
    generation_ms: sum('generation_ms'),
    queue_ms: sum('queue_ms'),
    errors: sum('errors'),
    code_runs: sum('code_runs'),
    code_cpu_ms: sum('code_cpu_ms'),
  };
}

function pick({ day, user_id, key_id, group_id, model, server, language, outcome }: UsageKey): UsageKey {
  return { day, user_id, key_id, group_id, model, server, language, outcome };
}
