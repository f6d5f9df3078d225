import { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import { singleton } from '#lib/singletons';
import type { LimitScope } from '#lib/wire/limits';

/** Knows the groups, users and keys that limits are set for. Registered by accounts. */
export interface ScopeDirectory {
  /** Undefined if there is no such group, user or key; null if it is in no group. */
  groupOf(scope: LimitScope): Promise<string | null | undefined>;
}

export function registerScopeDirectory(directory: ScopeDirectory): void {
  holder().current = directory;
}

/** Whether a principal may set the limits of a scope: all, or those of its group. */
export async function mayManage(principal: Principal, scope: LimitScope): Promise<boolean> {
  if (principal.role === 'admin') return true;
  if (principal.role !== 'manager' || principal.groupId === undefined || scope.kind === 'default') return false;
  if (scope.kind === 'group') return scope.id === principal.groupId;
  return (await holder().current?.groupOf(scope)) === principal.groupId;
}

/**
 * Throws `forbidden` for a scope outside of the principal's group, whether it exists or not, and
 * `not_found` to administrators for one that does not exist, unless it has stored limits, which can
 * be read and removed. Everyone here may read the defaults.
 */
export async function requireScope(
  principal: Principal,
  scope: LimitScope,
  { isRead = false, isStored = false }: { isRead?: boolean; isStored?: boolean } = {},
): Promise<void> {
  if (scope.kind === 'default' && isRead) return;
  if (!(await mayManage(principal, scope)))
    throw new AppError('forbidden', 'Managers set the limits of their own group, its members and its keys only.');
  if (scope.kind === 'default' || isStored) return;
  const directory = holder().current;
  if (directory === undefined || (await directory.groupOf(scope)) !== undefined) return;
  throw new AppError('not_found', `There is no ${scope.kind} with this id.`);
}

function holder(): { current: ScopeDirectory | undefined } {
  return singleton('people.scope-directory', () => ({ current: undefined }));
}
