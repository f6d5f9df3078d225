import { type AuthSettings, authMode } from '#lib/config/auth-mode';
import { hasRight, isOwnedBy, type Principal } from '#lib/http/principal';

/** The owner of a request. `principal` is unknown for one of before a restart. */
export interface RequestOwner {
  readonly caller: string;
  readonly principal?: Principal | undefined;
}

/** Whether `caller` may read a request: its own, or any without authentication. */
export function mayRead(owner: RequestOwner, caller: string, settings: AuthSettings): boolean {
  return isOwnedBy(owner.caller, caller) || authMode(settings) === 'none';
}

/** Whether a principal has sent a request: itself, or for a person also by one of its keys. */
export function isOwnRequest(owner: RequestOwner, principal: Principal, settings: AuthSettings): boolean {
  if (mayRead(owner, principal.caller, settings)) return true;
  const { userId, keyId } = principal;
  return userId !== undefined && keyId === undefined && owner.principal?.userId === userId;
}

/**
 * Whether a principal may see that a request is there, and cancel it: the owner, the manager of
 * the owner's group, and administrators. Reading what it says is for its sender alone.
 */
export function mayControl(owner: RequestOwner, principal: Principal, settings: AuthSettings): boolean {
  if (isOwnRequest(owner, principal, settings) || hasRight(principal, 'admin')) return true;
  const { groupId } = principal;
  return groupId !== undefined && groupId === owner.principal?.groupId && hasRight(principal, 'group-admin');
}
