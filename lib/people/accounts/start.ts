import { provideTrustedUsers, registerIdentitySource } from '#lib/http/identity';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { accountScopes } from '#lib/people/accounts/scope-limits';
import { startSetUp } from '#lib/people/accounts/set-up';
import { registerScopeDirectory } from '#lib/people/limits/scope-directory';
import { store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';

/** Lets people sign in: registers where their sessions, keys and groups are looked up. */
export function registerAccounts(): void {
  const identities = accountIdentities();
  registerIdentitySource(identities);
  registerScopeDirectory(accountScopes);
  provideTrustedUsers((name, nowMs) => identities.trustedUser(name, nowMs));
}

/**
 * The line with the link that makes the first administrator, or undefined if there is one. It is
 * for the operator, and not part of the log that may be shipped elsewhere.
 */
export async function setUpLine(origin: string): Promise<string | undefined> {
  try {
    const token = await startSetUp(await store(), Date.now());
    return token === undefined ? undefined : `set-up: ${origin}/setup?${new URLSearchParams({ token })}`;
  } catch (error) {
    log().error({ err: error }, 'the database of accounts cannot be opened');
    return undefined;
  }
}
