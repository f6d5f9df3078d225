import { randomUUID } from 'node:crypto';
import type { Compilable } from 'kysely';
import { AppError } from '#lib/errors';
import { type AuditActor, actorOf, auditStatement } from '#lib/http/audit';
import { revoke } from '#lib/http/open-work';
import { type Principal, type Role, type Scope, scopesOf } from '#lib/http/principal';
import { accountIdentities, KEY_PREFIX } from '#lib/people/accounts/account-identities';
import { readNames, readScopes, roleOf } from '#lib/people/accounts/identity-loader';
import { groupName } from '#lib/people/accounts/members';
import { peopleLimits } from '#lib/people/limits/index';
import type { LimitActor } from '#lib/people/limits/limit-rows';
import { type PageRequest, pageOf } from '#lib/people/page-cursor';
import { newToken, tokenHash } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';
import { DAY_MS } from '#lib/units';
import type { KeyRequest } from '#lib/wire/accounts';
import { type KeyLimits, LIMIT_NAMES, storedLimitsSchema } from '#lib/wire/limits';
import type { AccessKey, CreatedKey, KeyList } from '#lib/wire/people';

/** Keys that begin with `cs_`, of a person or of a group. The database has their hashes only. */

const MAX_KEYS_PER_OWNER = 100;
/** Characters that are kept to recognise a key: the prefix and 36 of its 256 random bits. */
const SHOWN_CHARS = 9;
const DEFAULT_SCOPES: readonly Scope[] = ['chat', 'code', 'gateway', 'stats'];

/** A key with the limits that are set for it, by /api/keys or by /api/admin/limits. */
type LimitedKey = AccessKey & { limits: KeyLimits | null };

export interface KeyOwner {
  readonly userId: string | null;
  /** The group of a service key. */
  readonly groupId: string | null;
}

/** Throws `forbidden` for scopes that the maker does not have. */
export function checkScopes(asked: readonly Scope[], allowed: ReadonlySet<Scope>): void {
  const missing = asked.filter((scope) => !allowed.has(scope));
  if (missing.length > 0)
    throw new AppError(
      'forbidden',
      `A key cannot have more rights than its owner: leave out the scope ${missing.join(', ')}.`,
      { details: [{ field: 'scopes', message: `may not have ${missing.join(', ')}` }] },
    );
}

/**
 * Makes a key and returns it with its secret, which is shown once. `save` writes its statements in
 * one transaction, with others of the same change.
 */
export async function createKey(
  store: Store,
  owner: KeyOwner,
  request: KeyRequest & { readonly trust_end_user?: boolean | null | undefined },
  maker: Pick<Principal, 'userId' | 'role'>,
  actor: AuditActor,
  save: (id: string, statements: readonly Compilable[]) => Promise<void> = (_id, statements) =>
    store.writeAll(statements),
): Promise<CreatedKey> {
  const scopes = [...new Set(request.scopes ?? DEFAULT_SCOPES)];
  // A service key belongs to a group and has the rights of a member.
  checkScopes(scopes, scopesOf(owner.userId === null ? 'member' : maker.role));
  const owned = await store.db
    .selectFrom('access_keys')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where(owner.userId === null ? 'group_id' : 'user_id', '=', owner.userId ?? owner.groupId)
    .executeTakeFirstOrThrow();
  if (Number(owned.count) >= MAX_KEYS_PER_OWNER)
    throw new AppError('conflict', `There are ${MAX_KEYS_PER_OWNER} keys already. Revoke one that is not used.`);
  const key = KEY_PREFIX + newToken();
  const nowMs = Date.now();
  const days = request.expires_in_days ?? null;
  const row = {
    id: randomUUID(),
    hash: tokenHash(key),
    name: request.name,
    prefix: key.slice(0, SHOWN_CHARS),
    user_id: owner.userId,
    group_id: owner.groupId,
    scopes: JSON.stringify(scopes),
    models: request.models == null ? null : JSON.stringify(request.models),
    trust_end_user: request.trust_end_user === true ? 1 : 0,
    created_at: nowMs,
    created_by: maker.userId ?? null,
    expires_at: days === null ? null : nowMs + days * DAY_MS,
    last_used_at: null,
  };
  await save(row.id, [
    store.db.insertInto('access_keys').values(row),
    auditStatement(store, actor, {
      action: 'key.create',
      target: row.id,
      summary: `made the key "${row.name}"`,
      changes: { name: row.name, scopes, expires_at: row.expires_at, group: owner.groupId },
    }),
  ]);
  return { ...toKey({ ...row, owner: null, groupName: null, keyLimits: null }), key };
}

interface KeyFilter {
  readonly userId?: string | undefined;
  /** Service keys of the group, and keys of its members. */
  readonly groupId?: string | undefined;
}

function keyQuery({ db }: Pick<Store, 'db'>) {
  return db
    .selectFrom('access_keys')
    .leftJoin('users', 'users.id', 'access_keys.user_id')
    .leftJoin('groups', 'groups.id', 'access_keys.group_id')
    .leftJoin('limits', (join) => join.onRef('limits.scope_id', '=', 'access_keys.id').on('limits.scope', '=', 'key'))
    .selectAll('access_keys')
    .select(['users.name as owner', 'groups.name as groupName', 'limits.limits as keyLimits']);
}

interface KeyColumns {
  id: string;
  name: string;
  prefix: string;
  scopes: string;
  models: string | null;
  trust_end_user: number;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  user_id: string | null;
  group_id: string | null;
  owner: string | null;
  groupName: string | null;
  keyLimits: string | null;
}

function toKey(row: KeyColumns): LimitedKey {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: readScopes(row.scopes),
    models: readNames(row.models),
    created_at: new Date(row.created_at).toISOString(),
    expires_at: isoOrNull(row.expires_at),
    last_used_at: isoOrNull(row.last_used_at),
    trust_end_user: row.trust_end_user !== 0,
    limits: row.keyLimits === null ? null : readLimits(row.keyLimits),
    owner: groupName(row.user_id, row.owner),
    group: groupName(row.group_id, row.groupName),
  };
}

function readLimits(text: string): KeyLimits {
  const stored = storedLimitsSchema.parse(JSON.parse(text));
  const limits: KeyLimits = {};
  for (const name of LIMIT_NAMES) if (stored[name] !== undefined) limits[name] = stored[name].limit;
  return limits;
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** The newest first. */
export async function listKeys(store: Store, page: PageRequest, { userId, groupId }: KeyFilter): Promise<KeyList> {
  let query = keyQuery(store);
  if (userId !== undefined) query = query.where('access_keys.user_id', '=', userId);
  if (groupId !== undefined)
    query = query.where(({ eb, or }) =>
      or([eb('access_keys.group_id', '=', groupId), eb('users.groupId', '=', groupId)]),
    );
  const { after, limit } = page;
  if (after !== undefined)
    query = query.where(({ eb, or, and }) =>
      or([
        eb('access_keys.created_at', '<', Number(after[0])),
        and([eb('access_keys.created_at', '=', Number(after[0])), eb('access_keys.id', '<', after[1])]),
      ]),
    );
  const rows = await query
    .orderBy('access_keys.created_at', 'desc')
    .orderBy('access_keys.id', 'desc')
    .limit(limit + 1)
    .execute();
  const { rows: shown, next_cursor } = pageOf(rows, limit, ({ created_at, id }) => [created_at, id]);
  return { keys: shown.map(toKey), next_cursor };
}

/** All keys of a person, without a page. */
export async function keysOf(store: Store, userId: string): Promise<AccessKey[]> {
  const rows = await keyQuery(store)
    .where('access_keys.user_id', '=', userId)
    .orderBy('access_keys.created_at', 'desc')
    .limit(MAX_KEYS_PER_OWNER)
    .execute();
  return rows.map(toKey);
}

/** A key; of another group than `groupId` likewise undefined. */
export async function findKey(
  store: Store,
  id: string,
  { groupId }: Pick<KeyFilter, 'groupId'>,
): Promise<AccessKey | undefined> {
  const row = await keyQuery(store)
    .select('users.groupId as ownerGroup')
    .where('access_keys.id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const isReached = groupId === undefined || row.group_id === groupId || row.ownerGroup === groupId;
  return isReached ? toKey(row) : undefined;
}

/** A key, and the person or group that it belongs to. */
export interface OwnedKey {
  /** Of the key. */
  name: string;
  userId: string | null;
  /** Of a service key, or of the person. */
  groupId: string | null;
  role: Role;
  /** Name of the person or of the group. */
  owner: string | null;
}

/** Whose a key is; undefined if it does not exist. */
export async function ownerOfKey(store: Store, id: string): Promise<OwnedKey | undefined> {
  const row = await keyQuery(store)
    .select(['users.groupId as ownerGroup', 'users.role as ownerRole'])
    .where('access_keys.id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    name: row.name,
    userId: row.user_id,
    groupId: row.group_id ?? row.ownerGroup,
    role: roleOf(row.ownerRole),
    owner: row.owner ?? row.groupName,
  };
}

/**
 * Revokes a key at once, with its limits and what it has in progress. The record of another one's
 * key has its owner, whose export has the record too.
 */
export async function revokeKey(store: Store, id: string, key: OwnedKey, context: LimitActor): Promise<void> {
  const actor = actorOf(context);
  const { name, userId, groupId } = key;
  const owner = userId === null ? `group:${groupId}` : `user:${userId}`;
  const of = owner === actor.caller || key.owner === null ? '' : ` of ${key.owner}`;
  await peopleLimits().deleteWith([{ kind: 'key', id }], context, (statements) =>
    store.writeAll([
      store.db.deleteFrom('access_keys').where('id', '=', id),
      ...statements,
      auditStatement(store, actor, {
        action: 'key.revoke',
        target: id,
        summary: `revoked the key "${name}"${of}`,
        changes: { name, owner },
      }),
    ]),
  );
  accountIdentities().forgetKey(id);
  revoke([`key:${id}`]);
}

export function keyNotFound(): AppError {
  return new AppError('not_found', 'There is no key with this id.');
}
