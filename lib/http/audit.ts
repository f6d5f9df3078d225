import type { Principal } from '#lib/http/principal';
import { type AuditInput, auditInsert } from '#lib/store/audit';
import { type Store, store } from '#lib/store/store';
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
  /** What it was and what it became. Never a secret, nor the text of a request. */
  readonly changes?: Readonly<Record<string, unknown>>;
}

interface ActingRequest {
  readonly principal: Principal;
  readonly address: string | undefined;
  readonly requestId: string;
}

/** The actor of a request. */
export function actorOf({ principal, address, requestId }: ActingRequest): AuditActor {
  return { caller: principal.caller, name: principal.name ?? principal.email ?? null, address, requestId };
}

/** The insert of one record, for the transaction of the change. */
export function auditStatement(opened: Pick<Store, 'db'>, actor: AuditActor, record: AuditRecord) {
  return auditInsert(opened, entryOf(actor, record));
}

/**
 * Records what is done already, and is no change of the database. A failure is logged, with what it
 * was about.
 */
export function recordAudit(opened: Pick<Store, 'db' | 'write'>, actor: AuditActor, record: AuditRecord): void {
  opened.write(auditStatement(opened, actor, record)).catch((error: unknown) => logMissing(error, record));
}

/** As `recordAudit`, for what a request did: opens the database if it is not open. */
export function recordChange(request: ActingRequest, record: AuditRecord): void {
  const actor = actorOf(request);
  store().then(
    (opened) => recordAudit(opened, actor, record),
    (error: unknown) => logMissing(error, record),
  );
}

function logMissing(error: unknown, { action, target }: AuditRecord): void {
  log().error({ err: error, action, target }, 'a change is missing in the audit log');
}

function entryOf(
  { caller, name, address, requestId }: AuditActor,
  { action, target, summary, changes }: AuditRecord,
): AuditInput {
  return { actor: caller, actorName: name, action, target, detail: { summary, ...changes }, address, requestId };
}
