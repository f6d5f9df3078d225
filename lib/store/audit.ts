import { randomUUID } from 'node:crypto';
import { storableText } from '#lib/storable-text';
import { type Store, store } from '#lib/store/store';
import type { AuditLogTable } from '#lib/store/tables/audit-log';

/** What somebody with rights over others did. */
export interface AuditInput {
  /** `Principal.caller`. */
  actor: string;
  actorName?: string | null | undefined;
  /** `user.disable`, `setting.change`: the kind of the target, a dot, a verb. */
  action: string;
  target?: string | undefined;
  /** What it was and what it became. Never a secret. */
  detail?: Readonly<Record<string, unknown>> | undefined;
  address?: string | undefined;
  requestId?: string | undefined;
}

/** The insert of an entry, for the transaction of the change. */
export function auditInsert({ db }: Pick<Store, 'db'>, entry: AuditInput, nowMs = Date.now()) {
  return db.insertInto('audit_log').values({
    id: auditId(nowMs),
    at: nowMs,
    actor: entry.actor,
    actor_name: storable(entry.actorName),
    action: entry.action,
    target: storable(entry.target),
    detail: entry.detail === undefined ? null : JSON.stringify(entry.detail),
    address: entry.address ?? null,
    request_id: entry.requestId ?? null,
  });
}

/** Clients name models as they like. JSON escapes what no engine takes. */
function storable(text: string | null | undefined): string | null {
  return text == null ? null : storableText(text);
}

export interface AuditPage {
  /** Newest first. */
  rows: AuditLogTable[];
  /** `before` of the next page, undefined on the last. */
  next: string | undefined;
}

/** Which entries; each that is given must hold. */
export interface AuditFilter {
  readonly actor?: string | undefined;
  /** Part of the name of who did it, in any case. */
  readonly who?: string | undefined;
  /** `user.disable`, or `user` for all actions of that kind. */
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  /** Milliseconds since 1970: the first, and the first that is too late. */
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** The `next` of the page before this one. */
  readonly before?: string | undefined;
}

/**
 * A page of the audit log, newest first. A filter that may read many rows is run in a worker
 * thread.
 */
export async function readAudit(filter: AuditFilter, limit: number): Promise<AuditPage> {
  const database = await store();
  let query = database.db
    .selectFrom('audit_log')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(limit + 1);
  const { actor, who, action, target, fromMs, untilMs, before } = filter;
  if (before !== undefined) query = query.where('id', '<', before);
  if (fromMs !== undefined) query = query.where('id', '>=', timeId(fromMs));
  if (untilMs !== undefined) query = query.where('id', '<', timeId(untilMs));
  if (actor !== undefined) query = query.where('actor', '=', actor);
  if (target !== undefined) query = query.where('target', '=', target);
  if (action !== undefined)
    query = action.includes('.') ? query.where('action', '=', action) : query.where('action', 'like', `${action}.%`);
  if (who !== undefined)
    // SQLite folds ASCII alone: with other letters the spelling itself is found.
    query = query.where(({ eb, fn, or }) =>
      or([eb(fn('lower', ['actor_name']), 'like', `%${who.toLowerCase()}%`), eb('actor_name', 'like', `%${who}%`)]),
    );
  const isSearch = [actor, who, action].some((value) => value !== undefined);
  const rows = isSearch ? await database.report<AuditLogTable>(query.compile()) : await query.execute();
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? page.at(-1)?.id : undefined };
}

function auditId(nowMs: number): string {
  return `${timeId(nowMs)}-${randomUUID()}`;
}

/**
 * The begin of all ids of a time. Nine digits of base 36 hold milliseconds until the year 5188, so
 * that ids sort by time.
 */
function timeId(ms: number): string {
  return Math.max(0, ms).toString(36).padStart(9, '0');
}
