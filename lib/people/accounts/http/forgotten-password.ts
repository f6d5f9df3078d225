import { setTimeout as sleep } from 'node:timers/promises';
import { sendsMail } from '#lib/config/mail-settings';
import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { type AuthLibrary, authLibrary } from '#lib/people/accounts/auth-library';
import { linkOrigin } from '#lib/people/accounts/http/auth-request';
import { mailThrottle, readLink } from '#lib/people/accounts/password-throttle';
import { endOfResetLink, resetUrl } from '#lib/people/accounts/reset-links';
import { resetMail } from '#lib/people/mail/account-mails';
import { mailer } from '#lib/people/mail/mailer';
import { sendLink } from '#lib/people/mail/send-link';
import { type Store, store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { KIB, SECOND_MS } from '#lib/units';
import { forgottenPasswordSchema, type OpenResetLink, resetLinkCheckSchema } from '#lib/wire/accounts';

const MAX_BODY_BYTES = KIB;
/** The work begins at a random moment of this time after the reply. */
const MAX_WAIT_MS = SECOND_MS;

/**
 * Mails a link to set a password to the person with this address. The reply is the same for every
 * address, and is sent before the address is looked up, so neither its content nor its time says
 * who has an account. Throws `rate_limited` and `not_configured`.
 */
export async function requestPasswordReset(request: HttpRequest, context: RequestContext): Promise<Reply> {
  if (!sendsMail(context.settings))
    throw new AppError('not_configured', 'This server sends no mail. Ask an administrator for a link.');
  const { email } = parseBody(forgottenPasswordSchema, await readJson(request, MAX_BODY_BYTES));
  await mailThrottle().begin(context.address, `email:${email}`);
  const library = await authLibrary();
  const origin = linkOrigin(request, context);
  mailer()
    .hold(async () => {
      await sleep(Math.random() * MAX_WAIT_MS);
      await mailLink(library, context, email, origin);
    })
    .catch((error: unknown) => log().error({ err: error }, 'a link to set a password was not sent'));
  return json({ status: true, message: 'If an account with this address has a password, a link was sent to it.' });
}

/**
 * When a link ends, for its page: the token is in the body, because addresses are logged. Uses
 * nothing up. Throws `not_found` for a link that sets no password any more.
 */
export async function checkResetLink(request: HttpRequest, { address }: RequestContext): Promise<Reply> {
  const { token } = parseBody(resetLinkCheckSchema, await readJson(request, MAX_BODY_BYTES));
  const opened = await store();
  const end = await readLink(address, async () => {
    const found = await endOfResetLink(opened, token, Date.now());
    if (found !== undefined) return found;
    throw new AppError('not_found', 'This link was used, has expired, or is not complete. Ask for a new one.', {
      data: { reason: 'reset_link' },
    });
  });
  return json({ expires_at: end.toISOString() } satisfies OpenResetLink);
}

/** Nothing for an unknown address, a disabled person, and one who has no password here. */
async function mailLink(
  { store, createResetToken }: AuthLibrary,
  { address, requestId }: RequestContext,
  email: string,
  origin: string,
): Promise<void> {
  const userId = await findOwner(store, email);
  if (userId === undefined) return;
  const url = resetUrl(origin, await createResetToken(userId, undefined));
  await sendLink(
    store,
    { caller: 'server', name: null, address, requestId },
    {
      mail: resetMail({ to: email, url, isOwnRequest: true }),
      kind: 'password',
      what: 'a link to set a password, which the sign-in page was asked for,',
      action: 'account.reset_mail',
      target: userId,
    },
  );
}

async function findOwner({ db }: Store, email: string): Promise<string | undefined> {
  const found = await db
    .selectFrom('users')
    .innerJoin('credentials', 'credentials.userId', 'users.id')
    .where('users.email', '=', email)
    .where('credentials.providerId', '=', 'credential')
    .where('credentials.password', 'is not', null)
    .select(['users.id', 'users.banned'])
    .executeTakeFirst();
  return found === undefined || found.banned ? undefined : found.id;
}
