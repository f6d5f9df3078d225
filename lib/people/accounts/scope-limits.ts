import { config } from '#lib/config/config';
import { apiKeys } from '#lib/http/api-keys';
import { ownerOfKey } from '#lib/people/accounts/access-keys';
import { peopleLimits } from '#lib/people/limits/index';
import { limitOf } from '#lib/people/limits/limit-definitions';
import type { LimitActor } from '#lib/people/limits/limit-rows';
import type { ScopeDirectory } from '#lib/people/limits/scope-directory';
import { type Store, store } from '#lib/store/store';
import { type KeyLimits, LIMIT_NAMES, type LimitScope, type StoredLimits } from '#lib/wire/limits';

/** Limits of people, groups and keys: which of these there are, and what ends with them. */

export const accountScopes: ScopeDirectory = {
  groupOf: async ({ kind, id }) => {
    const opened = await store();
    if (kind === 'key') return await groupOfKey(opened, id);
    if (kind === 'user') {
      const person = await opened.db.selectFrom('users').select('groupId').where('id', '=', id).executeTakeFirst();
      return person?.groupId ?? (person === undefined ? undefined : null);
    }
    return (await opened.db.selectFrom('groups').select('id').where('id', '=', id).executeTakeFirst())?.id;
  },
};

async function groupOfKey(opened: Store, id: string): Promise<string | null | undefined> {
  const owner = await ownerOfKey(opened, id);
  if (owner !== undefined) return owner.groupId;
  return apiKeys(config().API_KEYS).some((key) => key.id === id) ? null : undefined;
}

/** Sets the limits of a new key. All of them refuse: a key is no share of what people have. */
export async function setKeyLimits(
  id: string,
  given: KeyLimits | null | undefined,
  actor: LimitActor,
): Promise<KeyLimits | null> {
  const limits: StoredLimits = {};
  for (const name of LIMIT_NAMES) {
    const limit = given?.[name];
    if (limit !== undefined) limits[name] = limitOf(name, limit, 'hard');
  }
  if (given == null || Object.keys(limits).length === 0) return null;
  await peopleLimits().change({ kind: 'key', id }, () => limits, actor);
  return given;
}

export async function removeLimits(scopes: readonly LimitScope[], actor: LimitActor): Promise<void> {
  for (const scope of scopes) await peopleLimits().delete(scope, actor);
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
