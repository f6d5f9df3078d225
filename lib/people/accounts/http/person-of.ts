import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { isOverTls, sessionHeaders } from '#lib/http/over-tls';
import type { Principal } from '#lib/http/principal';
import type { RequestContext } from '#lib/http/route';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { countsAsSession, shownSessions, signedTextOf } from '#lib/people/accounts/auth-cookies';
import { authSecret } from '#lib/people/accounts/server-secret';
import type { Store } from '#lib/store/store';

export type Person = Principal & { readonly userId: string };

/**
 * The person of a session cookie, for routes that are open. Keys do not count: what is behind this
 * is for people who have signed in. Throws `unauthorized`.
 */
export async function personOf(request: Pick<HttpRequest, 'headers'>, context: SessionContext): Promise<Person> {
  const person = await findPerson(request, context);
  if (person === undefined) throw new AppError('unauthorized', 'Sign in first.');
  return person;
}

/** What a session is found by, apart from the headers. */
type SessionContext = Pick<RequestContext, 'address' | 'peerAddress' | 'settings'>;

export async function findPerson(
  { headers }: Pick<HttpRequest, 'headers'>,
  { address, peerAddress, settings }: SessionContext,
): Promise<Person | undefined> {
  const isSecure = isOverTls(headers, peerAddress, settings);
  const principal = await accountIdentities().verify(sessionHeaders(headers), address, Date.now(), false, isSecure);
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
  { peerAddress, settings }: SessionContext,
): Promise<string | undefined> {
  const secret = await authSecret(store, settings.AUTH_SECRET);
  const isSecure = isOverTls(headers, peerAddress, settings);
  for (const shown of shownSessions(headers.get('cookie'))) {
    if (!countsAsSession(shown, isSecure)) continue;
    const token = signedTextOf(shown.value, secret);
    if (token !== undefined) return token;
  }
  return undefined;
}
