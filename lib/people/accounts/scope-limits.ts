import type { Compilable } from 'kysely';
import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { apiKeys } from '#lib/http/api-keys';
import type { Principal } from '#lib/http/principal';
import { ownerOfKey } from '#lib/people/accounts/access-keys';
import { roleOf } from '#lib/people/accounts/identity-loader';
import { peopleLimits } from '#lib/people/limits/index';
import { limitOf } from '#lib/people/limits/limit-definitions';
import type { LimitActor } from '#lib/people/limits/limit-rows';
import { type ScopeDirectory, type ScopeOwner, scopeKey } from '#lib/people/limits/scope-directory';
import { type Store, store } from '#lib/store/store';
import {
  type KeyLimits,
  type KeyLimitsChange,
  LIMIT_NAMES,
  type LimitScope,
  type StoredLimits,
} from '#lib/wire/limits';

/** Limits of people, groups and keys: which of these there are, and what ends with them. */

export const accountScopes: ScopeDirectory = {
  ownerOf: async ({ kind, id }) => {
    const opened = await store();
    if (kind === 'key') return await ownerOfScopedKey(opened, id);
    if (kind === 'user') {
      const person = await opened.db
        .selectFrom('users')
        .select(['groupId', 'role'])
        .where('id', '=', id)
        .executeTakeFirst();
      return person && { groupId: person.groupId, role: roleOf(person.role), userId: id };
    }
    const group = await opened.db.selectFrom('groups').select('id').where('id', '=', id).executeTakeFirst();
    return group && { groupId: group.id, role: 'member', userId: null };
  },
  ownersIn: async (groupId) => {
    const { db } = await store();
    const people = await db.selectFrom('users').select(['id', 'role']).where('groupId', '=', groupId).execute();
    const keys = await db
      .selectFrom('access_keys')
      .leftJoin('users', 'users.id', 'access_keys.user_id')
      .where((expression) =>
        expression.or([
          expression('access_keys.group_id', '=', groupId),
          expression.and([expression('access_keys.group_id', 'is', null), expression('users.groupId', '=', groupId)]),
        ]),
      )
      .select(['access_keys.id', 'access_keys.user_id', 'users.role'])
      .execute();
    return new Map<string, ScopeOwner>([
      ...people.map(({ id, role }): [string, ScopeOwner] => [
        scopeKey({ kind: 'user', id }),
        { groupId, role: roleOf(role), userId: id },
      ]),
      ...keys.map(({ id, user_id: userId, role }): [string, ScopeOwner] => [
        scopeKey({ kind: 'key', id }),
        { groupId, role: roleOf(role), userId },
      ]),
    ]);
  },
};

async function ownerOfScopedKey(opened: Store, id: string): Promise<ScopeOwner | undefined> {
  const owner = await ownerOfKey(opened, id);
  if (owner !== undefined) return owner;
  const isOfSettings = apiKeys(config().API_KEYS).some((key) => key.id === id);
  return isOfSettings ? { groupId: null, role: 'admin', userId: null } : undefined;
}

/**
 * Throws `invalid_request` for limits of a person's key that are above the person's: they would
 * promise what the person does not have.
 */
export function requireOwnLimits(owner: Principal, given: KeyLimitsChange | null | undefined): void {
  const [own] = peopleLimits().table.setsOf(owner);
  const above = LIMIT_NAMES.flatMap((name) => {
    const most = own?.limits[name]?.limit;
    return most !== undefined && (given?.[name] ?? 0) > most ? [{ name, most }] : [];
  });
  const [first] = above;
  if (first === undefined) return;
  const sentence = ({ most }: { most: number }) => `must be at most ${most}, which is your own limit`;
  throw new AppError('invalid_request', `limits.${first.name} ${sentence(first)}.`, {
    details: above.map((one) => ({ field: `limits.${one.name}`, message: sentence(one) })),
  });
}

/** The limits of a request for a key; null if it names none. */
export function givenLimits(given: KeyLimits | null | undefined): KeyLimits | null {
  return given == null || LIMIT_NAMES.every((name) => given[name] === undefined) ? null : given;
}

/**
 * How a new key is saved with its limits: both or none. All of them refuse: a key is no share of
 * what people have.
 */
export function saveWithLimits(given: KeyLimits | null | undefined, actor: LimitActor) {
  const limits: StoredLimits = {};
  for (const name of LIMIT_NAMES) {
    const limit = given?.[name];
    if (limit !== undefined) limits[name] = limitOf(name, limit, 'hard');
  }
  return async (id: string, statements: readonly Compilable[]): Promise<void> => {
    await peopleLimits().change(
      { kind: 'key', id },
      () => limits,
      actor,
      () => statements,
    );
  };
}

/** Changes the limits of a key that are named; null removes one. A new one refuses. */
export async function changeKeyLimits(id: string, changes: KeyLimitsChange, actor: LimitActor): Promise<void> {
  await peopleLimits().change(
    { kind: 'key', id },
    (current) => {
      const limits: StoredLimits = { ...current };
      for (const name of LIMIT_NAMES) {
        const change = changes[name];
        if (change === null) delete limits[name];
        else if (change !== undefined) limits[name] = limitOf(name, change, current[name]?.kind ?? 'hard');
      }
      return limits;
    },
    actor,
  );
}

/** The scopes that end with a person or a group: its own, and those of its keys. */
export async function scopesOf(opened: Store, kind: 'user' | 'group', id: string): Promise<LimitScope[]> {
  const keys = await opened.db
    .selectFrom('access_keys')
    .select('id')
    .where(kind === 'user' ? 'user_id' : 'group_id', '=', id)
    .execute();
  return [{ kind, id }, ...keys.map((key): LimitScope => ({ kind: 'key', id: key.id }))];
}

/** Ids of the keys among scopes, which the audit log has of what ended with its owner. */
export function keysIn(scopes: readonly LimitScope[]): string[] {
  return scopes.flatMap(({ kind, id }) => (kind === 'key' ? [id] : []));
}
