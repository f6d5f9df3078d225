import { AppError } from '#lib/errors';
import type { Store } from '#lib/store/store';

/** Throws `invalid_request` if the `group_id` of a body names no group. */
export async function requireGroup({ db }: Pick<Store, 'db'>, groupId: string): Promise<void> {
  const group = await db.selectFrom('groups').select('id').where('id', '=', groupId).executeTakeFirst();
  if (group === undefined)
    throw new AppError('invalid_request', 'group_id names no group.', {
      details: [{ field: 'group_id', message: 'names no group' }],
    });
}
