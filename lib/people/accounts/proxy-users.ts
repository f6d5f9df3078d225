import { LRUCache } from 'lru-cache';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { auditStatement } from '#lib/http/audit';
import { PROXY_PROVIDER } from '#lib/people/accounts/identity-loader';
import { isAllowedDomain } from '#lib/people/accounts/oidc-policy';
import { newToken } from '#lib/people/secret-token';
import { singleton } from '#lib/singletons';
import type { Store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { MINUTE_MS } from '#lib/units';

/** People that an authenticating proxy names in `TRUSTED_USER_HEADER`, as accounts. */

/** Of names that are no addresses. Mail to it goes nowhere (RFC 2606). */
const NO_MAIL_DOMAIN = '@proxy.invalid';

/** Whether mail to the address of an account could arrive. */
export function hasMailbox(email: string): boolean {
  return !email.endsWith(NO_MAIL_DOMAIN);
}

/** The log has one line for each name and reason in this time. */
const WARN_INTERVAL_MS = MINUTE_MS;
const MAX_WARNED = 1_000;

type Refusal = 'account_exists' | 'sign_up_closed' | 'domain' | 'disabled';

/** What the person reads, who can change nothing of it. */
const REFUSALS: Record<Refusal, (name: string) => string> = {
  account_exists: (name) =>
    `${name} has an account here already, which was not made for this sign-in. Ask an administrator of this server.`,
  sign_up_closed: (name) => `${name} has no account here, and sign-up is closed. Ask an administrator of this server.`,
  domain: (name) => `${name} has no account here, and its domain may not join. Ask an administrator of this server.`,
  disabled: (name) => `The account of ${name} is disabled. Ask an administrator of this server.`,
};

/** What the log advises. */
const ADVICE: Record<Refusal, string> = {
  account_exists:
    'an account with this address was made by hand: delete it, and the next request makes one for the proxy (docs/operations.md, "Behind a proxy that signs people in")',
  sign_up_closed: 'SIGN_UP=closed: people whom the proxy names join with SIGN_UP=invite',
  domain: 'SIGN_UP_DOMAINS does not have the domain of this name',
  disabled: 'an administrator disabled the account',
};

/** Writes why the proxy's person is refused into the log, and returns the error. */
function refused(name: string, reason: Refusal): AppError {
  const warned = singleton(
    'people.refused-proxy-users',
    () => new LRUCache<string, true>({ max: MAX_WARNED, ttl: WARN_INTERVAL_MS }),
  );
  const entry = `${reason} ${name}`;
  if (!warned.has(entry)) {
    warned.set(entry, true);
    log().warn({ user: name, reason }, `refused a person whom the proxy names: ${ADVICE[reason]}`);
  }
  return new AppError('unauthorized', REFUSALS[reason](name));
}

/**
 * Makes the person of a name a member, or gives the name to the person with this address. Throws
 * `unauthorized` if the account is disabled, SIGN_UP is closed, the domain may not join, or the
 * address belongs to a person who may have chosen it freely: with SIGN_UP=open, or by an invitation
 * for any address. That person could be another one.
 */
export async function admitProxyUser(
  store: Store,
  name: string,
  settings: Pick<Config, 'SIGN_UP' | 'SIGN_UP_DOMAINS'>,
): Promise<void> {
  const email = (name.includes('@') ? name : `${name}${NO_MAIL_DOMAIN}`).toLowerCase();
  const named = await store.db
    .selectFrom('credentials')
    .select('id')
    .where('providerId', '=', PROXY_PROVIDER)
    .where('accountId', '=', name)
    .executeTakeFirst();
  // A disabled person has the name already.
  if (named !== undefined) throw refused(name, 'disabled');
  const existing = await store.db
    .selectFrom('users')
    .select(['id', 'emailVerified'])
    .where('email', '=', email)
    .executeTakeFirst();
  if (existing !== undefined && (settings.SIGN_UP === 'open' || !existing.emailVerified))
    throw refused(name, 'account_exists');
  if (existing === undefined && settings.SIGN_UP === 'closed') throw refused(name, 'sign_up_closed');
  if (name.includes('@') && !isAllowedDomain(email, settings.SIGN_UP_DOMAINS)) throw refused(name, 'domain');
  const now = new Date().toISOString();
  const times = { createdAt: now, updatedAt: now };
  const userId = existing?.id ?? newToken().slice(0, 32);
  const credential = store.db.insertInto('credentials').values({
    id: newToken().slice(0, 32),
    accountId: name,
    providerId: PROXY_PROVIDER,
    userId,
    accessToken: null,
    refreshToken: null,
    idToken: null,
    scope: null,
    password: null,
    ...times,
  });
  const person = store.db.insertInto('users').values({
    id: userId,
    name,
    email,
    emailVerified: 1,
    image: null,
    role: 'member',
    banReason: null,
    groupId: null,
    ...times,
  });
  const record = auditStatement(
    store,
    { caller: `user:${userId}`, name, address: undefined, requestId: undefined },
    { action: 'user.join', target: userId, summary: `The proxy signed ${name} in for the first time` },
  );
  try {
    await store.writeAll([...(existing === undefined ? [person] : []), credential, record]);
  } catch (error) {
    // Another request of the same person was first; the next look-up finds it.
    log().debug({ err: error }, 'a person of the proxy was made at the same time');
  }
}
