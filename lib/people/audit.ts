import { randomUUID } from 'node:crypto';
import type { Compilable } from 'kysely';
import type { Principal } from '#lib/http/principal';
import type { Store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';

/** The record of what people and administrators changed. Rows are only added. */

/** Who did something, and from where. */
export interface AuditActor {
  /** `Principal.caller`, or `server`. */
  readonly caller: string;
  readonly name: string | null;
  readonly address: string | undefined;
  readonly requestId: string | undefined;
}

export interface AuditRecord {
  /** The kind of the target, a dot, a verb: `user.disable`. */
  readonly action: string;
  /** Id of what was changed. */
  readonly target?: string;
  /** A sentence for people. Never a secret. */
  readonly summary: string;
  /** What it was and what it became. Never a secret. */
  readonly changes?: Readonly<Record<string, unknown>>;
}

/** The actor of a request. */
export function actorOf(context: {
  readonly principal: Principal;
  readonly address: string | undefined;
  readonly requestId: string;
}): AuditActor {
  const { principal, address, requestId } = context;
  return { caller: principal.caller, name: principal.name ?? principal.email ?? null, address, requestId };
}

/** The insert of one record, for the transaction of the change. */
export function auditStatement(store: Store, actor: AuditActor, record: AuditRecord): Compilable {
  const nowMs = Date.now();
  return store.db.insertInto('audit_log').values({
    id: auditId(nowMs),
    at: nowMs,
    actor: actor.caller,
    actor_name: actor.name,
    action: record.action,
    target: record.target ?? null,
    detail: JSON.stringify({ summary: record.summary, ...record.changes }),
    address: actor.address ?? null,
    request_id: actor.requestId ?? null,
  });
}

/** Records a change that is saved already. A failure is logged, with what it was about. */
export function recordAudit(store: Store, actor: AuditActor, record: AuditRecord): void {
  store.write(auditStatement(store, actor, record)).catch((error: unknown) => {
    log().error({ err: error, action: record.action, target: record.target }, 'a change is missing in the audit log');
  });
}

/** The format of lib/store/audit.ts, so that all ids sort by time. */
function auditId(nowMs: number): string {
  return `${Math.max(0, nowMs).toString(36).padStart(9, '0')}-${randomUUID()}`;
}
