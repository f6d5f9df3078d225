import { type AuthSettings, authMode } from '#lib/config/auth-mode';
import { isLoopback } from '#lib/config/loopback';
import { parseSmtpUrl, type SmtpTls, smtpTls } from '#lib/config/smtp-url';

interface MailSettings {
  readonly SMTP_URL?: string | undefined;
  readonly SMTP_TLS?: SmtpTls | undefined;
  readonly MAIL_FROM?: unknown;
  readonly PUBLIC_URL?: string | undefined;
}

/** Whether this server sends mails: with accounts, and a mail server. */
export function sendsMail(settings: MailSettings & AuthSettings): boolean {
  return authMode(settings) === 'accounts' && settings.SMTP_URL !== undefined;
}

/** Contradictions between the settings of mail, as sentences for the operator. */
export function mailProblems({ SMTP_URL, SMTP_TLS, MAIL_FROM, PUBLIC_URL }: MailSettings): string[] {
  const address = parseSmtpUrl(SMTP_URL ?? '');
  if (address === undefined) return [];
  const problems: string[] = [];
  if (MAIL_FROM === undefined)
    problems.push('MAIL_FROM must be set where SMTP_URL is, such as Chill Space <chat@school.example>');
  if (PUBLIC_URL === undefined)
    problems.push(
      'PUBLIC_URL must be set where SMTP_URL is, such as https://chat.school.example: links in mails begin with it, because any client may write another name into its request',
    );
  const isOff = smtpTls(address, SMTP_TLS) === 'off';
  if (isOff && address.isImplicitTls)
    problems.push('SMTP_TLS is off although SMTP_URL begins with smtps://, which is TLS: write smtp://');
  else if (isOff && address.credentials !== undefined && !isLoopback(address.host))
    problems.push(
      'SMTP_TLS must not be off where SMTP_URL has a password for another machine, which any machine between would see',
    );
  return problems;
}
