import { shownChallenge, signedTextOf } from '#lib/people/accounts/auth-cookies';
import { authSecret } from '#lib/people/accounts/server-secret';
import { tokenHash } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';

interface ShownCookies {
  readonly cookies: string | null;
  /** Whether the browser speaks TLS. */
  readonly isSecure: boolean;
  /** `AUTH_SECRET`. */
  readonly configuredSecret: string | undefined;
}

/**
 * Id of the person whose second factor a sign-in still needs: better-auth gives the browser a
 * signed cookie after the right password, and keeps its hash. Undefined if there is no such cookie,
 * or an expired one: no code is right then.
 */
export async function challengedPerson(
  store: Store,
  { cookies, isSecure, configuredSecret }: ShownCookies,
): Promise<string | undefined> {
  const shown = shownChallenge(cookies, isSecure);
  if (shown === undefined) return undefined;
  const identifier = signedTextOf(shown, await authSecret(store, configuredSecret));
  if (identifier === undefined) return undefined;
  const challenge = await store.db
    .selectFrom('verifications')
    .select('value')
    .where('identifier', '=', tokenHash(identifier))
    .executeTakeFirst();
  return challenge?.value;
}
