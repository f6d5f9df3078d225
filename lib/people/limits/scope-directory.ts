import { AppError } from '#lib/errors';
import type { Principal, Role } from '#lib/http/principal';
import { singleton } from '#lib/singletons';
import type { LimitScope } from '#lib/wire/limits';

/** Whom the limits of a group, user or key hold for. */
export interface ScopeOwner {
  /** Null if it is in no group. */
  readonly groupId: string | null;
  /** Of the user, or of the owner of the key; a service key has that of a member. */
  readonly role: Role;
  /** Id of the user, or of the owner of the key. */
  readonly userId: string | null;
}

/** Knows the groups, users and keys that limits are set for. Registered by accounts. */
export interface ScopeDirectory {
  /** Undefined if there is no such group, user or key. */
  ownerOf(scope: LimitScope): Promise<ScopeOwner | undefined>;
  /** The owners of the users and keys of a group, by `scopeKey`: any number in two queries. */
  ownersIn(groupId: string): Promise<ReadonlyMap<string, ScopeOwner>>;
}

export function scopeKey({ kind, id }: LimitScope): string {
  return `${kind} ${id}`;
}

export function registerScopeDirectory(directory: ScopeDirectory): void {
  holder().current = directory;
}

/**
 * Whether a principal may set the limits of a scope. Administrators: all. Managers: their group,
 * the members of it and their keys, and own keys, whose limits can only lower what a person has.
 */
export async function mayManage(principal: Principal, scope: LimitScope): Promise<boolean> {
  const needsOwner = principal.role === 'manager' && (scope.kind === 'user' || scope.kind === 'key');
  return isManaged(principal, scope, needsOwner ? await holder().current?.ownerOf(scope) : undefined);
}

/** `mayManage` for many scopes: reads the database once for all of them. */
export async function managedScopes(principal: Principal): Promise<(scope: LimitScope) => boolean> {
  const { role, groupId } = principal;
  const owners = role === 'manager' && groupId !== undefined ? await holder().current?.ownersIn(groupId) : undefined;
  return (scope) => isManaged(principal, scope, owners?.get(scopeKey(scope)));
}

function isManaged(principal: Principal, scope: LimitScope, owner: ScopeOwner | undefined): boolean {
  if (principal.role === 'admin') return true;
  if (principal.role !== 'manager' || principal.groupId === undefined || scope.kind === 'default') return false;
  if (scope.kind === 'group') return scope.id === principal.groupId;
  if (owner?.groupId !== principal.groupId) return false;
  return owner.role === 'member' || (scope.kind === 'key' && owner.userId === principal.userId);
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
    throw new AppError('forbidden', 'Managers set the limits of their own group, its members and their keys only.');
  if (scope.kind === 'default' || isStored) return;
  const directory = holder().current;
  if (directory === undefined || (await directory.ownerOf(scope)) !== undefined) return;
  throw new AppError('not_found', `There is no ${scope.kind} with this id.`);
}

/** Whose a key is, as `user:` or `group:` and an id; undefined for anything else. */
export async function ownerOfKeyScope(scope: LimitScope): Promise<string | undefined> {
  if (scope.kind !== 'key') return undefined;
  const owner = await holder().current?.ownerOf(scope);
  if (owner === undefined) return undefined;
  if (owner.userId !== null) return `user:${owner.userId}`;
  return owner.groupId === null ? undefined : `group:${owner.groupId}`;
}

function holder(): { current: ScopeDirectory | undefined } {
  return singleton('people.scope-directory', () => ({ current: undefined }));
}
