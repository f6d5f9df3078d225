import { z } from 'zod';
import { maxPriorityOf, type Principal, ROLES, type Role, SCOPES, type Scope, scopesOf } from '#lib/http/principal';
import { tokenHash } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';

/** A person or key as the database has it, and what invalidates it. */
export interface LoadedIdentity {
  readonly principal: Principal;
  readonly expiresAtMs: number;
  readonly userId?: string;
  readonly keyId?: string;
  readonly groupId?: string;
  /** When the person was last seen, 0 for never; absent for a key that belongs to no person. */
  readonly personSeenAtMs?: number;
  /** When the key was last used, 0 for never; absent without one. */
  readonly keySeenAtMs?: number;
}

const scopeListSchema = z.array(z.enum(SCOPES));
const nameListSchema = z.array(z.string());

/** A role as it is stored. Anything else than a role is that of a member. */
export function roleOf(stored: string | null): Role {
  return ROLES.find((role) => role === stored) ?? 'member';
}

export function readScopes(stored: string): Scope[] {
  return scopeListSchema.parse(JSON.parse(stored));
}

export function readNames(stored: string | null): string[] | null {
  return stored === null ? null : nameListSchema.parse(JSON.parse(stored));
}

/** The person of a session, unless the session has ended or the person is disabled. */
export async function loadSession(store: Store, token: string, nowMs: number): Promise<LoadedIdentity | undefined> {
  const row = await store.db
    .selectFrom('user_sessions')
    .innerJoin('users', 'users.id', 'user_sessions.userId')
    .leftJoin('groups', 'groups.id', 'users.groupId')
    .where('user_sessions.token', '=', token)
    .select(['user_sessions.expiresAt', 'users.id', 'users.name', 'users.email', 'users.role', 'users.groupId'])
    .select(['users.banned', 'users.lastSeenAt', 'groups.name as groupName'])
    .executeTakeFirst();
  if (row === undefined || row.banned) return undefined;
  const expiresAtMs = new Date(row.expiresAt).getTime();
  if (expiresAtMs <= nowMs) return undefined;
  const principal: Principal = { ...personPrincipal(row), session: tokenHash(token) };
  return {
    principal,
    expiresAtMs,
    userId: row.id,
    personSeenAtMs: row.lastSeenAt ?? 0,
    ...(row.groupId === null ? {} : { groupId: row.groupId }),
  };
}

interface PersonColumns {
  id: string;
  name: string;
  email: string;
  role: string | null;
  groupId: string | null;
  groupName: string | null;
}

/** The principal of a person that is signed in. */
export function personPrincipal({ id, name, email, role: stored, groupId, groupName }: PersonColumns): Principal {
  const role = roleOf(stored);
  return {
    caller: `user:${id}`,
    role,
    scopes: scopesOf(role),
    userId: id,
    name,
    email,
    maxPriority: maxPriorityOf(role),
    ...groupMembers(groupId, groupName),
  };
}

function groupMembers(groupId: string | null, groupName: string | null): Pick<Principal, 'groupId' | 'groupName'> {
  return groupId === null ? {} : { groupId, ...(groupName === null ? {} : { groupName }) };
}

/** How a proxy's name for a person is stored, next to the other ways to sign in. */
export const PROXY_PROVIDER = 'proxy';

/** The person that a trusted proxy names, unless it is unknown or disabled. */
export async function loadProxyUser(store: Store, name: string): Promise<LoadedIdentity | undefined> {
  const row = await store.db
    .selectFrom('credentials')
    .innerJoin('users', 'users.id', 'credentials.userId')
    .leftJoin('groups', 'groups.id', 'users.groupId')
    .where('credentials.providerId', '=', PROXY_PROVIDER)
    .where('credentials.accountId', '=', name)
    .select(['users.id', 'users.name', 'users.email', 'users.role', 'users.groupId', 'users.banned'])
    .select(['users.lastSeenAt', 'groups.name as groupName'])
    .executeTakeFirst();
  if (row === undefined || row.banned) return undefined;
  return {
    principal: personPrincipal(row),
    expiresAtMs: Number.POSITIVE_INFINITY,
    userId: row.id,
    personSeenAtMs: row.lastSeenAt ?? 0,
    ...(row.groupId === null ? {} : { groupId: row.groupId }),
  };
}

/** The principal of a person, unless it was deleted or is disabled. */
export async function loadPerson(store: Store, id: string): Promise<Principal | undefined> {
  const row = await store.db
    .selectFrom('users')
    .leftJoin('groups', 'groups.id', 'users.groupId')
    .where('users.id', '=', id)
    .select(['users.id', 'users.name', 'users.email', 'users.role', 'users.groupId', 'users.banned'])
    .select('groups.name as groupName')
    .executeTakeFirst();
  return row === undefined || row.banned ? undefined : personPrincipal(row);
}

/** The principal of a key, unless it has expired or its owner is disabled. */
export function loadKey(store: Store, hash: string, nowMs: number): Promise<LoadedIdentity | undefined> {
  return readKey(keyQuery(store).where('access_keys.hash', '=', hash), nowMs);
}

export function loadKeyById(store: Store, id: string, nowMs: number): Promise<LoadedIdentity | undefined> {
  return readKey(keyQuery(store).where('access_keys.id', '=', id), nowMs);
}

function keyQuery(store: Store) {
  return store.db
    .selectFrom('access_keys')
    .leftJoin('users', 'users.id', 'access_keys.user_id')
    .leftJoin('groups', (join) =>
      join.on((expression) =>
        expression.or([
          expression('groups.id', '=', expression.ref('access_keys.group_id')),
          expression('groups.id', '=', expression.ref('users.groupId')),
        ]),
      ),
    )
    .select(['access_keys.id', 'access_keys.name', 'access_keys.user_id', 'access_keys.group_id', 'access_keys.scopes'])
    .select(['access_keys.models', 'access_keys.trust_end_user', 'access_keys.expires_at', 'access_keys.last_used_at'])
    .select(['users.name as owner', 'users.email', 'users.role', 'users.groupId', 'users.banned'])
    .select(['users.lastSeenAt', 'groups.name as groupName']);
}

async function readKey(query: ReturnType<typeof keyQuery>, nowMs: number): Promise<LoadedIdentity | undefined> {
  const row = await query.executeTakeFirst();
  if (row === undefined || row.banned) return undefined;
  if (row.expires_at !== null && row.expires_at <= nowMs) return undefined;
  const role = roleOf(row.role);
  const allowed = scopesOf(role);
  const groupId = row.user_id === null ? row.group_id : row.groupId;
  const models = readNames(row.models);
  const person = row.user_id === null ? {} : { userId: row.user_id };
  const group = groupId === null ? {} : { groupId };
  const principal: Principal = {
    caller: `key:${row.id}`,
    role,
    scopes: new Set(readScopes(row.scopes).filter((scope) => allowed.has(scope))),
    keyId: row.id,
    name: row.owner ?? row.name,
    maxPriority: maxPriorityOf(role),
    ...person,
    ...groupMembers(groupId, row.groupName),
    ...(row.email === null ? {} : { email: row.email }),
    ...(models === null ? {} : { models: new Set(models) }),
    ...(row.trust_end_user === 0 ? {} : { trustsEndUser: true }),
  };
  return {
    principal,
    expiresAtMs: row.expires_at ?? Number.POSITIVE_INFINITY,
    keyId: row.id,
    keySeenAtMs: row.last_used_at ?? 0,
    ...(row.user_id === null ? {} : { personSeenAtMs: row.lastSeenAt ?? 0 }),
    ...person,
    ...group,
  };
}
