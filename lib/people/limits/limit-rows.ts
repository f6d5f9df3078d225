import type { Compilable } from 'kysely';
import { calendarDay } from '#lib/calendar';
import { actorOf, auditStatement } from '#lib/http/audit';
import type { RequestContext } from '#lib/http/route';
import { isCountedLimit } from '#lib/people/limits/limit-definitions';
import type { ScopeEntry } from '#lib/people/limits/limit-table';
import type { CounterPeriod, CounterRow, CounterRows, SavedCount } from '#lib/people/limits/usage-counters';
import { flushUsage } from '#lib/people/usage/usage-service';
import type { Store } from '#lib/store/store';
import {
  LIMIT_NAMES,
  type LimitScope,
  limitScopeSchema,
  type StoredLimits,
  storedLimitsSchema,
} from '#lib/wire/limits';

/** All stored limits. Rows that this version cannot read are left out. */
export async function readLimits({ db }: Store): Promise<ScopeEntry[]> {
  const rows = await db.selectFrom('limits').selectAll().execute();
  return rows.flatMap((row) => {
    const scope = limitScopeSchema.safeParse({ kind: row.scope, id: row.scope_id });
    const limits = storedLimitsSchema.safeParse(parseJson(row.limits));
    if (!scope.success || !limits.success) return [];
    return [{ scope: scope.data, limits: limits.data, updatedAt: Number(row.updated_at) }];
  });
}

/** Who changes limits, and from where; for the audit log. */
export type LimitActor = Pick<RequestContext, 'principal' | 'address' | 'requestId'>;

/** For the record of a change: by whom, and whose the key is, if the limits are those of one. */
export interface LimitRecord {
  readonly actor: LimitActor;
  /** `user:` or `group:` and an id. */
  readonly owner: string | undefined;
}

/** Resolves when the limits, `others` and the record of their change are on disk: all or none. */
export async function writeLimits(
  store: Store,
  { scope, limits, updatedAt }: ScopeEntry,
  before: StoredLimits,
  record: LimitRecord,
  others: readonly Compilable[] = [],
): Promise<void> {
  const values = { limits: JSON.stringify(limits), updated_at: updatedAt ?? 0 };
  await store.writeAll([
    ...others,
    store.db
      .insertInto('limits')
      .values({ scope: scope.kind, scope_id: scope.id, ...values })
      .onConflict((conflict) => conflict.columns(['scope', 'scope_id']).doUpdateSet(values)),
    changeRecord(store, 'limits.change', scope, { before, after: limits }, record),
  ]);
}

/** The statements that remove the limits of a scope, with the record of it. */
export function limitRemoval(store: Store, { scope, limits }: ScopeEntry, record: LimitRecord): Compilable[] {
  return [
    store.db.deleteFrom('limits').where('scope', '=', scope.kind).where('scope_id', '=', scope.id),
    changeRecord(store, 'limits.delete', scope, { before: limits }, record),
  ];
}

function changeRecord(
  store: Store,
  action: string,
  { kind, id }: LimitScope,
  states: Readonly<Record<string, unknown>>,
  { actor, owner }: LimitRecord,
): Compilable {
  const target = id === '' ? kind : `${kind}:${id}`;
  const whose = kind === 'default' ? 'everyone' : target;
  const summary = `${action === 'limits.delete' ? 'removed' : 'changed'} the limits of ${whose}`;
  const changes = owner === undefined ? states : { ...states, owner };
  return auditStatement(store, actorOf(actor), { action, target, summary, changes });
}

/** The counts in the database, which is opened with the first of them. */
export class StoredCounters implements CounterRows {
  readonly #open: () => Promise<Store>;

  constructor(open: () => Promise<Store>) {
    this.#open = open;
  }

  async read(subject: string, periods: readonly string[]): Promise<readonly SavedCount[]> {
    const { db } = await this.#open();
    const rows = await db
      .selectFrom('limit_counters')
      .select(['name', 'period', 'used'])
      .where('subject', '=', subject)
      .where('period', 'in', [...periods])
      .execute();
    return rows.flatMap(({ name, period, used }) => {
      const known = LIMIT_NAMES.find((one) => one === name);
      return known !== undefined && isCountedLimit(known) ? [{ name: known, period, used: Number(used) }] : [];
    });
  }

  async add(rows: readonly CounterRow[]): Promise<void> {
    const store = await this.#open();
    await store.writeAll(
      rows.map(({ subject, period, name, used, endsAt }) =>
        store.db
          .insertInto('limit_counters')
          .values({ subject, period, name, used, ends_at: endsAt })
          .onConflict((conflict) =>
            conflict
              .columns(['subject', 'period', 'name'])
              .doUpdateSet(({ ref, eb }) => ({ used: eb('limit_counters.used', '+', ref('excluded.used')) })),
          ),
      ),
    );
  }

  /** Of a person or a key; the usage of end users and of addresses is not kept by their name. */
  async usage(subject: string, periods: readonly CounterPeriod[]): Promise<readonly CounterRow[]> {
    const [, kind, id] = /^(user|key):([^/]+)$/.exec(subject) ?? [];
    if (kind === undefined || id === undefined) return [];
    // What finished a moment ago is in memory only.
    await flushUsage();
    const { db } = await this.#open();
    return await Promise.all(
      periods.map(async ({ name, period }) => {
        const row = await db
          .selectFrom('usage_callers')
          .select(({ fn }) => [fn.sum('prompt_tokens').as('prompt'), fn.sum('completion_tokens').as('completion')])
          .select(({ fn }) => fn.sum('code_cpu_ms').as('cpu'))
          .where(kind === 'user' ? 'user_id' : 'key_id', '=', id)
          .where('day', '>=', calendarDay(period.startMs).day)
          .where('day', '<', calendarDay(period.endMs).day)
          .executeTakeFirst();
        const tokens = Number(row?.prompt ?? 0) + Number(row?.completion ?? 0);
        const used = name === 'code_seconds_per_day' ? Number(row?.cpu ?? 0) : tokens;
        return { subject, name, period: period.id, endsAt: period.endMs, used };
      }),
    );
  }

  /** One statement each, so that servers that do it at the same time do not add up. */
  async raise(rows: readonly CounterRow[]): Promise<void> {
    const store = await this.#open();
    await store.writeAll(
      rows.map(({ subject, period, name, used, endsAt }) =>
        store.db
          .insertInto('limit_counters')
          .values({ subject, period, name, used, ends_at: endsAt })
          .onConflict((conflict) =>
            conflict
              .columns(['subject', 'period', 'name'])
              .doUpdateSet(({ ref }) => ({ used: ref('excluded.used') }))
              .where(({ eb, ref }) => eb('limit_counters.used', '<', ref('excluded.used'))),
          ),
      ),
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
