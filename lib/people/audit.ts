import type { Principal } from '#lib/http/principal';
import * as audit from '#lib/store/audit';
import type { Store } from '#lib/store/store';

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
export function auditStatement(store: Pick<Store, 'db'>, actor: AuditActor, record: AuditRecord) {
  return audit.auditStatement(store, entryOf(actor, record));
}

/** Records what is done already, and is no change of the database. A failure is logged. */
export function recordAudit(store: Pick<Store, 'db' | 'write'>, actor: AuditActor, record: AuditRecord): void {
  audit.recordAudit(store, entryOf(actor, record));
}

function entryOf(
  { caller, name, address, requestId }: AuditActor,
  { action, target, summary, changes }: AuditRecord,
): audit.AuditInput {
  return { actor: caller, actorName: name, action, target, detail: { summary, ...changes }, address, requestId };
}
