import type { RequestContext } from '#lib/http/route';
import { recordAudit } from '#lib/store/audit';
import { log } from '#lib/telemetry/log';

interface Change {
  readonly action: string;
  readonly target?: string;
  readonly summary: string;
}

/**
 * Records in the audit log what an administrator did to models or caches. A failure is logged,
 * because the change is made by then.
 */
export function recordChange(
  { principal, address, requestId }: Pick<RequestContext, 'principal' | 'address' | 'requestId'>,
  { action, target, summary }: Change,
): void {
  const actorName = principal.name ?? principal.email;
  recordAudit({ actor: principal.caller, actorName, action, target, detail: { summary }, address, requestId }).catch(
    (error: unknown) => log().error({ err: error, action, target }, 'a change is missing in the audit log'),
  );
}
