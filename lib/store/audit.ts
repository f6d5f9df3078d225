import { randomUUID } from 'node:crypto';
import { store } from '#lib/store/store';
import type { AuditLogTable } from '#lib/store/tables/audit-log';

/** What somebody with rights over others did. */
export interface AuditInput {
  /** `Principal.caller`. */
  actor: string;
  actorName?: string | undefined;
  /** `user.disable`, `setting.change`: the kind of the target, a dot, a verb. */
  action: string;
  target?: string | undefined;
  /** What it was and what it became. Never a secret. */
  detail?: Readonly<Record<string, unknown>> | undefined;
  address?: string | undefined;
  requestId?: string | undefined;
}

/** Adds to the audit log. Resolves when it is on disk, rejects with `StoreUnavailable`. */
export async function recordAudit(entry: AuditInput, nowMs = Date.now()): Promise<void> {
  const opened = await store();
  const row: AuditLogTable = {
    id: auditId(nowMs),
    at: nowMs,
    actor: entry.actor,
    actor_name: entry.actorName ?? null,
    action: entry.action,
    target: entry.target ?? null,
    detail: entry.detail === undefined ? null : JSON.stringify(entry.detail),
    address: entry.address ?? null,
    request_id: entry.requestId ?? null,
  };
  await opened.write(opened.db.insertInto('audit_log').values(row));
}

export interface AuditPage {
  /** Newest first. */
  rows: AuditLogTable[];
  /** `before` of the next page, undefined on the last. */
  next: string | undefined;
}

/** A page of the audit log, newest first. `before` is the `next` of the page before it. */
export async function readAudit(
  filter: { actor?: string; action?: string; target?: string; before?: string },
  limit: number,
): Promise<AuditPage> {
  const { db } = await store();
  let query = db
    .selectFrom('audit_log')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (filter.before !== undefined) query = query.where('id', '<', filter.before);
  for (const column of ['actor', 'action', 'target'] as const) {
    const value = filter[column];
    if (value !== undefined) query = query.where(column, '=', value);
  }
  const rows = await query.execute();
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? page.at(-1)?.id : undefined };
}

/** Nine digits of base 36 hold milliseconds until the year 5188, so that ids sort by time. */
function auditId(nowMs: number): string {
  return `${Math.max(0, nowMs).toString(36).padStart(9, '0')}-${randomUUID()}`;
}
