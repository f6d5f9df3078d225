import type { Store } from '#lib/store/store';

/**
 * Ends every link with which a person could set a password, after one was set. Devices that need no
 * second factor need it again.
 */
export async function endResetLinks({ db }: Pick<Store, 'db'>, userId: string): Promise<void> {
  await db.deleteFrom('verifications').where('value', '=', userId).execute();
}
