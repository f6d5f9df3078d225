import type { Config } from '#lib/config/config';
import { isAllowedDomain } from '#lib/people/accounts/oidc-policy';
import { auditStatement } from '#lib/people/audit';
import { newToken } from '#lib/people/secret-token';
import type { Store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';

/** People that an authenticating proxy names in `TRUSTED_USER_HEADER`, as accounts. */

const PROXY = 'proxy';
/** Of names that are no addresses. Mail to it goes nowhere (RFC 2606). */
const NO_MAIL_DOMAIN = '@proxy.invalid';

/** Whether mail to the address of an account could arrive. */
export function hasMailbox(email: string): boolean {
  return !email.endsWith(NO_MAIL_DOMAIN);
}

/**
 * Makes the person of a name a member, or gives the name to the person with this address. Nothing
 * happens where SIGN_UP is closed, or the address belongs to a person who may have chosen it
 * freely: with SIGN_UP=open, or by an invitation for any address. That person could be another one.
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
    .where('providerId', '=', PROXY)
    .where('accountId', '=', name)
    .executeTakeFirst();
  // A disabled person has the name already.
  if (named !== undefined) return;
  const existing = await store.db
    .selectFrom('users')
    .select(['id', 'emailVerified'])
    .where('email', '=', email)
    .executeTakeFirst();
  if (existing !== undefined && (settings.SIGN_UP === 'open' || !existing.emailVerified)) return;
  if (existing === undefined && settings.SIGN_UP === 'closed') return;
  if (name.includes('@') && !isAllowedDomain(email, settings.SIGN_UP_DOMAINS)) return;
  const now = new Date().toISOString();
  const times = { createdAt: now, updatedAt: now };
  const userId = existing?.id ?? newToken().slice(0, 32);
  const credential = store.db.insertInto('credentials').values({
    id: newToken().slice(0, 32),
    accountId: name,
    providerId: PROXY,
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
