import type { ExpressionBuilder } from 'kysely';
import type { Database } from '#lib/store/schema';

/** Actions on what a person owns: their records have the person as `owner`. */
const OWNED_ACTIONS = ['request.cancel', 'key.revoke', 'limits.change', 'limits.delete'];

/**
 * The entries of the audit log about a person: its account, its limits, its requests and its keys,
 * those that were revoked included.
 */
export function isAboutPerson(
  { eb, or, and }: ExpressionBuilder<Database, 'audit_log'>,
  { userId, keyIds }: { readonly userId: string; readonly keyIds: readonly string[] },
) {
  return or([
    // Limits are recorded with the kind of whom they hold for.
    eb('target', 'in', [userId, `user:${userId}`, ...keyIds, ...keyIds.map((id) => `key:${id}`)]),
    // A `_` of an id matches itself alone: ids are random.
    and([eb('action', 'in', OWNED_ACTIONS), eb('detail', 'like', `%"owner":"user:${userId}"%`)]),
  ]);
}
