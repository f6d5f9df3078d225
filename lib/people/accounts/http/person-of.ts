import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import type { Principal } from '#lib/http/principal';
import type { RequestContext } from '#lib/http/route';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { sessionCookieValues, sessionTokenOf } from '#lib/people/accounts/auth-cookies';
import { authSecret } from '#lib/people/accounts/server-secret';
import type { Store } from '#lib/store/store';

export type Person = Principal & { readonly userId: string };

/**
 * The person of a session cookie, for routes that are open. Keys do not count: what is behind this
 * is for people who have signed in. Throws `unauthorized`.
 */
export async function personOf(
  { headers }: Pick<HttpRequest, 'headers'>,
  { address }: Pick<RequestContext, 'address'>,
): Promise<Person> {
  const person = await findPerson(headers, address);
  if (person === undefined) throw new AppError('unauthorized', 'Sign in first.');
  return person;
}

export async function findPerson(
  headers: HttpRequest['headers'],
  address: string | undefined,
): Promise<Person | undefined> {
  const cookies = { get: (name: string) => (name === 'cookie' ? headers.get(name) : null) };
  const principal = await accountIdentities().verify(cookies, address, Date.now(), false);
  return principal === undefined ? undefined : asPerson(principal);
}

/** The principal of a route with the right `account`. */
export function asPerson(principal: Principal): Person {
  const { userId } = principal;
  if (userId === undefined) throw new AppError('forbidden', 'This is for a signed-in person.');
  return { ...principal, userId };
}

/** The token of the session that a request shows, if its cookie is ours. */
export async function currentSessionToken(
  { headers }: Pick<HttpRequest, 'headers'>,
  store: Store,
  configuredSecret: string | undefined,
): Promise<string | undefined> {
  const secret = await authSecret(store, configuredSecret);
  for (const value of sessionCookieValues(headers.get('cookie'))) {
    const token = sessionTokenOf(value, secret);
    if (token !== undefined) return token;
  }
  return undefined;
}
