import { AppError } from '#lib/errors';
import type { RequestContext } from '#lib/http/route';
import { authLibrary } from '#lib/people/accounts/auth-library';
import type { Person } from '#lib/people/accounts/http/person-of';
import { passwordThrottle } from '#lib/people/accounts/password-throttle';
import type { Store } from '#lib/store/store';

/**
 * Checks the password of a person before a change that someone at an unlocked computer must not
 * make. False for a person who has none here, and signs in at the provider alone. Throws
 * `forbidden` for a wrong one, and `rate_limited` after too many.
 */
export async function requirePassword(
  opened: Store,
  { userId, caller }: Person,
  password: string | undefined,
  { address }: RequestContext,
): Promise<boolean> {
  const credential = await opened.db
    .selectFrom('credentials')
    .select('password')
    .where('userId', '=', userId)
    .where('providerId', '=', 'credential')
    .executeTakeFirst();
  const hash = credential?.password ?? null;
  if (hash === null) return false;
  await passwordThrottle().begin(address, caller);
  const library = await authLibrary();
  if (password === undefined || !(await library.isPassword(hash, password)))
    throw new AppError('forbidden', 'The password is wrong. Enter your current one.', { data: { reason: 'password' } });
  passwordThrottle().succeed(address, caller);
  return true;
}
