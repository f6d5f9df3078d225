import type { SmtpAddress } from '#lib/config/smtp-url';

/** Why a mail was not sent, for programs and as a sentence that says what to do. */

export const MAIL_FAILURES = {
  not_configured: 'This server sends no mail. Copy the link and send it yourself, or set SMTP_URL.',
  disabled: 'This account is disabled, so no mail was sent. Enable it first.',
  sign_up_closed: 'No one can join this server (SIGN_UP=closed), so no mail was sent. Let people join first.',
  no_mailbox: 'This account has no e-mail address. Copy the link and send it another way.',
  busy: 'Too many mails wait for the mail server. Copy the link and send it yourself, or try again in a minute.',
  timeout:
    'The mail server has not replied in time; the mail may still arrive. Ask whether it did, or copy the link and send it yourself.',
  unreachable: 'The mail server was not reached. Copy the link and send it yourself; the server’s log has the reason.',
  tls_failed:
    'The mail server offered no connection that this server trusts. Copy the link and send it yourself; the server’s log has the reason.',
  sign_in_refused:
    'The mail server refused the user or the password of this server. Copy the link and send it yourself, and correct SMTP_URL.',
  address_refused: 'The mail server refused this address. Check its spelling, or copy the link and send it yourself.',
  refused: 'The mail server refused the mail. Copy the link and send it yourself; the server’s log has the reason.',
} as const;

export type MailFailure = keyof typeof MAIL_FAILURES;

/** Permanent refusals of a mailbox: RFC 5321 section 4.2.3. */
const NO_MAILBOX: ReadonlySet<number> = new Set([550, 551, 553]);

/** The failure of an error of nodemailer. */
export function failureOf(error: unknown): MailFailure {
  const { code, command, responseCode, message, isAborted } = partsOf(error);
  if (isAborted || code === 'ETIMEDOUT') return 'timeout';
  if (code === 'EAUTH') return 'sign_in_refused';
  if (code === 'ETLS' || isTlsMessage(message)) return 'tls_failed';
  if (code === 'EENVELOPE' && command === 'RCPT TO' && NO_MAILBOX.has(responseCode ?? 0)) return 'address_refused';
  if (responseCode !== undefined) return 'refused';
  return code === 'EDNS' || code === 'ESOCKET' || code === 'ECONNECTION' ? 'unreachable' : 'refused';
}

/** Members of the log: what happened, where, and the server's own words. Never a credential. */
export function describeMailError(error: unknown, { host, port, credentials }: SmtpAddress): Record<string, unknown> {
  const { code, originalCode, command, responseCode, message } = partsOf(error);
  return {
    mail_server: `${host}:${port}`,
    code,
    originalCode,
    command: command?.split(' ', 2).join(' '),
    responseCode,
    reason: withoutSecrets(message, credentials).slice(0, MAX_REASON_CHARS),
  };
}

const MAX_REASON_CHARS = 300;

/** Some servers repeat what they were sent. */
function withoutSecrets(message: string, credentials: SmtpAddress['credentials']): string {
  if (credentials === undefined) return message;
  const { user, pass } = credentials;
  const forms = [`\0${user}\0${pass}`, pass].map((text) => Buffer.from(text).toString('base64'));
  return [...forms, pass].reduce((text, secret) => text.replaceAll(secret, '…'), message);
}

/** Node's codes and OpenSSL's words for certificates and handshakes. */
function isTlsMessage(message: string): boolean {
  return /certificate|SSL routines|altnames|TLS/.test(message);
}

function partsOf(error: unknown) {
  const members = new Map<string, unknown>(error instanceof Error ? Object.entries(error) : []);
  const text = (name: string) => {
    const value = members.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const responseCode = members.get('responseCode');
  return {
    code: text('code'),
    originalCode: text('originalCode'),
    command: text('command'),
    responseCode: typeof responseCode === 'number' ? responseCode : undefined,
    message: error instanceof Error ? error.message : String(error),
    isAborted: error instanceof Error && /^(?:Abort|Timeout)Error$/.test(error.name),
  };
}
