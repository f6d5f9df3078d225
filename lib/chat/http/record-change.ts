import type { RequestContext } from '#lib/http/route';
import { recordAudit } from '#lib/store/audit';
import { store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';

export interface Change {
  readonly action: string;
  readonly target?: string;
  readonly summary: string;
  /** What else the audit log has of it. Never a secret, nor the text of a request. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/**
 * Records in the audit log what an administrator or a manager did to models, caches or a request
 * of another caller. A failure is logged, because the change is made by then.
 */
export function recordChange(
  { principal, address, requestId }: Pick<RequestContext, 'principal' | 'address' | 'requestId'>,
  { action, target, summary, detail }: Change,
): void {
  const actorName = principal.name ?? principal.email;
  const entry = {
    actor: principal.caller,
    actorName,
    action,
    target,
    detail: { summary, ...detail },
    address,
    requestId,
  };
  store().then(
    (opened) => recordAudit(opened, entry),
    (error: unknown) => log().error({ err: error, action, target }, 'a change is missing in the audit log'),
  );
}
