import { randomUUID } from 'node:crypto';
import type { RequestContext } from '#lib/http/route';
import { periodAt } from '#lib/people/limits/calendar';
import { isCountedLimit } from '#lib/people/limits/limit-definitions';
import type { ScopeEntry } from '#lib/people/limits/limit-table';
import type { CounterRow, CounterRows } from '#lib/people/limits/usage-counters';
import type { Store } from '#lib/store/store';
import { DAY_MS } from '#lib/units';
import {
  LIMIT_NAMES,
  type LimitScope,
  limitScopeSchema,
  type StoredLimits,
  storedLimitsSchema,
} from '#lib/wire/limits';

/** Longer than a month: the counts of the current one are needed. */
const KEPT_DAYS = 62;
/** Rows that one statement deletes. */
const DELETED_AT_ONCE = 500;

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

/** Resolves when the limits and the record of their change are on disk. */
export async function writeLimits(
  store: Store,
  { scope, limits, updatedAt }: ScopeEntry,
  before: StoredLimits,
  actor: LimitActor,
): Promise<void> {
  const values = { limits: JSON.stringify(limits), updated_at: updatedAt ?? 0 };
  await store.writeAll([
    store.db
      .insertInto('limits')
      .values({ scope: scope.kind, scope_id: scope.id, ...values })
      .onConflict((conflict) => conflict.columns(['scope', 'scope_id']).doUpdateSet(values)),
    auditEntry(store, 'limits.change', scope, { before, after: limits }, actor),
  ]);
}

export async function deleteLimits(
  store: Store,
  scope: LimitScope,
  before: StoredLimits,
  actor: LimitActor,
): Promise<void> {
  await store.writeAll([
    store.db.deleteFrom('limits').where('scope', '=', scope.kind).where('scope_id', '=', scope.id),
    auditEntry(store, 'limits.delete', scope, { before }, actor),
  ]);
}

function auditEntry(
  { db }: Store,
  action: string,
  { kind, id }: LimitScope,
  detail: object,
  { principal, address, requestId }: LimitActor,
) {
  const at = Date.now();
  return db.insertInto('audit_log').values({
    id: `${String(at).padStart(15, '0')}-${randomUUID()}`,
    at,
    actor: principal.caller,
    actor_name: principal.name ?? principal.email ?? null,
    action,
    target: id === '' ? kind : `${kind}:${id}`,
    detail: JSON.stringify(detail),
    address: address ?? null,
    request_id: requestId,
  });
}

/** The counts in the database, which is opened with the first of them. */
export class StoredCounters implements CounterRows {
  readonly #open: () => Promise<Store>;
  readonly #now: () => number;
  #prunedBefore = '';

  constructor(open: () => Promise<Store>, now: () => number) {
    this.#open = open;
    this.#now = now;
  }

  async read(subject: string, periods: readonly string[]): Promise<readonly CounterRow[]> {
    const { db } = await this.#open();
    const rows = await db
      .selectFrom('limit_counters')
      .select(['name', 'period', 'used'])
      .where('period', 'in', [...periods])
      .where('subject', '=', subject)
      .execute();
    return rows.flatMap(({ name, period, used }) => {
      const known = LIMIT_NAMES.find((one) => one === name);
      return known !== undefined && isCountedLimit(known) ? [{ subject, name: known, period, used: Number(used) }] : [];
    });
  }

  async add(rows: readonly CounterRow[]): Promise<void> {
    const store = await this.#open();
    await store.writeAll(
      rows.map((row) =>
        store.db
          .insertInto('limit_counters')
          .values({ ...row })
          .onConflict((conflict) =>
            conflict
              .columns(['period', 'subject', 'name'])
              .doUpdateSet(({ ref, eb }) => ({ used: eb('limit_counters.used', '+', ref('excluded.used')) })),
          ),
      ),
    );
    void this.#prune(store);
  }

  /** Deletes old counts once a day, in small steps. */
  async #prune(store: Store): Promise<void> {
    const before = periodAt('day', this.#now() - KEPT_DAYS * DAY_MS).id;
    if (before === this.#prunedBefore) return;
    this.#prunedBefore = before;
    try {
      for (;;) {
        const old = await store.db
          .selectFrom('limit_counters')
          .select(['period', 'subject', 'name'])
          .where('period', '<', before)
          .limit(DELETED_AT_ONCE)
          .execute();
        if (old.length === 0) return;
        await store.writeAll(
          old.map(({ period, subject, name }) =>
            store.db
              .deleteFrom('limit_counters')
              .where('period', '=', period)
              .where('subject', '=', subject)
              .where('name', '=', name),
          ),
        );
      }
    } catch {
      // The store reports what it cannot save. It is tried again tomorrow.
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
