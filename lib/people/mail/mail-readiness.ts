import type { MailFailure } from '#lib/people/mail/mail-failure';
import { type Mailer, mailer } from '#lib/people/mail/mailer';
import { log } from '#lib/telemetry/log';
import { HOUR_MS, MINUTE_MS } from '#lib/units';
import type { ReadinessPart } from '#lib/wire/health';

/** How old what is known of the mail server may be while it works, and while it does not. */
const CHECK_UP_MS = HOUR_MS;
const CHECK_DOWN_MS = 5 * MINUTE_MS;

/** Without a name or an address: anyone may read them. */
const SENTENCES: Readonly<Partial<Record<MailFailure, string>>> = {
  timeout: 'The mail server does not reply in time.',
  unreachable: 'The mail server cannot be reached.',
  tls_failed: 'The mail server offers no connection that this server trusts.',
  sign_in_refused: 'The mail server refuses the user or the password of this server.',
};

/**
 * Whether mails can be sent, as last heard. Never waits: what is old is checked in the background.
 * A server that sends no mail is as ready as before, so it is never `down`.
 */
export function mailReadiness(mails: Pick<Mailer, 'health' | 'check'> = mailer()): ReadinessPart {
  const { health } = mails;
  const isFailing = health?.failure !== undefined;
  if (health === undefined || performance.now() - health.atMs > (isFailing ? CHECK_DOWN_MS : CHECK_UP_MS))
    void mails.check();
  if (health === undefined) return { state: 'up', detail: 'The mail server is being checked.' };
  if (health.failure === undefined) return { state: 'up' };
  const sentence = SENTENCES[health.failure] ?? 'The mail server takes no mail.';
  return { state: 'unavailable', detail: `${sentence} Links are shown to be copied; the log says more.` };
}

/** Checks the mail server after the start. The log has a line of the result. Never rejects. */
export async function checkMailAtStart(): Promise<void> {
  const { sent: isUp } = await mailer().check();
  if (isUp) log().info('the mail server is reached and takes mails');
}
