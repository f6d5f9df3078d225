import { isRecord } from '#lib/browser/type-guards';
import { authRequest } from '../people/auth-api.ts';

/** Linking the own account to the one at the organisation's sign-in page. */

const LINKED = 'linked';
const ERROR = 'error';
/** For a provider that names no address to go to. */
export const PROVIDER_ERROR = 'failed';

/** The address of the provider's page, which leads back to the account page. */
export async function providerLinkUrl(): Promise<string | undefined> {
  const callbackURL = `/account?${new URLSearchParams({ [LINKED]: '1' })}`;
  const body = await authRequest('/link-social', { provider: 'oidc', callbackURL });
  return isRecord(body) && typeof body.url === 'string' ? body.url : undefined;
}

export async function unlinkProvider(password: string): Promise<void> {
  await authRequest('/unlink-provider', { password });
}

/** What the provider's page led back with. */
export type LinkResult = { isLinked: true } | { isLinked: false; error: string };

/** The result in the address, which is removed from it: a reload does not repeat it. */
export function takeLinkResult(): LinkResult | undefined {
  const url = new URL(window.location.href);
  const result = linkResult(url.searchParams);
  if (result === undefined) return undefined;
  for (const name of [LINKED, ERROR, 'error_description']) url.searchParams.delete(name);
  window.history.replaceState(window.history.state, '', url);
  return result;
}

export function linkResult(query: URLSearchParams): LinkResult | undefined {
  const error = query.get(ERROR);
  if (error !== null) return { isLinked: false, error };
  return query.has(LINKED) ? { isLinked: true } : undefined;
}
