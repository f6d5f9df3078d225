import { authMode } from '#lib/config/auth-mode';
import type { Config } from '#lib/config/config';
import type { Principal } from '#lib/http/principal';
import { hasProvider, OIDC_PROVIDER } from '#lib/people/accounts/auth-options';
import { type Store, store } from '#lib/store/store';
import type { Me } from '#lib/wire/people';

/** How a person may sign in: `has_password` and `provider` of GET /api/me. */
export type SignInWays = Pick<Me, 'has_password' | 'provider'>;

/**
 * The ways of the caller. Null without accounts and for keys. Rejects with `not_saved` if the
 * database cannot be opened.
 */
export async function signInWays({ userId, keyId }: Principal, settings: Config): Promise<SignInWays> {
  if (authMode(settings) !== 'accounts' || userId === undefined || keyId !== undefined)
    return { has_password: null, provider: null };
  const { hasPassword, isLinked } = await waysOf(await store(), userId);
  return {
    has_password: hasPassword,
    provider: hasProvider(settings) ? { name: settings.OIDC_NAME, linked: isLinked } : null,
  };
}

/** Whether a person has a password, and an account at the provider. */
export async function waysOf(
  { db }: Pick<Store, 'db'>,
  userId: string,
): Promise<{ hasPassword: boolean; isLinked: boolean }> {
  const ways = await db
    .selectFrom('credentials')
    .select(['providerId', 'password'])
    .where('userId', '=', userId)
    .execute();
  return {
    hasPassword: ways.some(({ providerId, password }) => providerId === 'credential' && password !== null),
    isLinked: ways.some(({ providerId }) => providerId === OIDC_PROVIDER),
  };
}
