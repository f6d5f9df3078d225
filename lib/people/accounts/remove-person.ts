import type { Compilable } from 'kysely';
import { applyChange, deletePerson, inRoleTransaction, runAll } from '#lib/people/accounts/role-changes';
import { keysIn, scopesOf } from '#lib/people/accounts/scope-limits';
import { peopleLimits } from '#lib/people/limits/index';
import type { LimitActor } from '#lib/people/limits/limit-rows';
import type { Store } from '#lib/store/store';

/**
 * Deletes a person with its sessions, keys and limits, all or nothing, and with the record that
 * `recordOf` makes of it, out of the ids of the keys. Throws as `deletePerson`.
 */
export async function removePerson(
  opened: Store,
  userId: string,
  actor: LimitActor,
  recordOf: (keys: readonly string[]) => Compilable,
): Promise<void> {
  const scopes = await scopesOf(opened, 'user', userId);
  const made = await peopleLimits().deleteWith(scopes, actor, (statements) =>
    inRoleTransaction(opened, async (queries) => {
      const change = await deletePerson(queries, userId);
      await runAll(queries, [...statements, recordOf(keysIn(scopes))]);
      return change;
    }),
  );
  applyChange(made);
}
