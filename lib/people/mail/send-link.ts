import { type AuditActor, recordAudit } from '#lib/http/audit';
import { MAIL_FAILURES, type MailFailure } from '#lib/people/mail/mail-failure';
import { type Mail, type MailOutcome, mailer } from '#lib/people/mail/mailer';
import type { Store } from '#lib/store/store';
import { type MailKind, metrics } from '#lib/telemetry/metrics';
import { SECOND_MS } from '#lib/units';
import type { MailReport } from '#lib/wire/people';

/** How long a response waits for the mail server, which goes on without it. */
export const REPORT_MS = 5 * SECOND_MS;

interface LinkMail {
  readonly mail: Mail;
  readonly kind: MailKind;
  /** What the link is for: `an invitation`. */
  readonly what: string;
  /** Of the record: `invitation.mail`. */
  readonly action: string;
  readonly target: string;
}

/**
 * Sends a mail with a link, and records who sent which to whom once it is known whether it was
 * taken. Never rejects.
 */
export async function sendLink(store: Store, actor: AuditActor, link: LinkMail): Promise<MailOutcome> {
  const { mail, kind, what, action, target } = link;
  const outcome = await mailer().send(mail);
  metrics().mails.inc({ kind, outcome: outcome.sent ? 'sent' : 'failed' });
  recordAudit(store, actor, {
    action,
    target,
    summary: `${outcome.sent ? 'sent' : 'could not send'} ${what} to ${mail.to}`,
    changes: { to: mail.to, sent: outcome.sent, ...(outcome.sent ? {} : { failure: outcome.failure }) },
  });
  return outcome;
}

/** As `sendLink`, with what is known after `REPORT_MS`. */
export async function sendAndReport(store: Store, actor: AuditActor, link: LinkMail): Promise<MailReport> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<MailOutcome>((resolve) => {
    timer = setTimeout(resolve, REPORT_MS, { sent: false, failure: 'timeout' });
  });
  const outcome = await Promise.race([sendLink(store, actor, link), late]);
  clearTimeout(timer);
  return outcome.sent ? outcome : notSent(outcome.failure);
}

export function notSent(failure: MailFailure): MailReport {
  return { sent: false, code: failure, message: MAIL_FAILURES[failure] };
}
