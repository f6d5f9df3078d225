import { z } from 'zod';
import { setting } from '#lib/config/settings/setting';
import { httpUrl, secret, text } from '#lib/config/settings/value-schemas';
import { parseSmtpUrl, SMTP_URL_FORMS } from '#lib/config/smtp-url';

/** The sender of mails. */
export interface MailSender {
  readonly name: string;
  readonly address: string;
}

const SENDER_FORMS = 'must be an address such as chat@school.example, or Chill Space <chat@school.example>';

/** `name <address>`, or an address. */
const sender = () =>
  text().transform((written, context): MailSender => {
    const [, name = '', bracketed] = /^([^<>\p{Cc}]*)<([^<>]*)>$/u.exec(written) ?? [];
    const address = z
      .email()
      .max(254)
      .safeParse(bracketed ?? written);
    if (address.success) return { name: name.trim().replace(/^"(.*)"$/, '$1'), address: address.data };
    context.addIssue({ code: 'custom', message: SENDER_FORMS });
    return z.NEVER;
  });

/** Without a path. */
const origin = () =>
  httpUrl()
    .refine((url) => {
      const { username, password, pathname, search, hash } = new URL(url);
      return [username, password, search, hash].every((part) => part === '') && pathname === '/';
    }, 'must be a URL without a path, such as https://chat.school.example')
    .transform((url) => new URL(url).origin);

/** Mails with links of accounts, which are optional (docs/contract.md#mail). */
export const MAIL_SETTINGS = {
  SMTP_URL: setting(
    secret()
      .refine((url) => parseSmtpUrl(url) !== undefined, SMTP_URL_FORMS)
      .optional(),
    undefined,
    'The mail server that sends invitations and links for new passwords, with AUTH=accounts: smtps://user:password@mail.school.example (TLS, port 465) or smtp:// (STARTTLS, port 587). Write @ : / ? # % in a user or a password as %40 %3A %2F %3F %23 %25. Default: no mail is sent, links are copied.',
  ),
  SMTP_TLS: setting(
    z.enum(['verify', 'unverified', 'off'], { error: 'must be verify, unverified or off' }).optional(),
    undefined,
    'verify: TLS with a certificate that this machine trusts; NODE_EXTRA_CA_CERTS adds your own authority. unverified: TLS with any certificate. off: no TLS, and no password for another machine. Default: verify; off where smtp:// names this machine.',
  ),
  MAIL_FROM: setting(
    sender().optional(),
    undefined,
    'The sender of mails: chat@school.example, or Chill Space <chat@school.example>. Needed with SMTP_URL.',
  ),
  PUBLIC_URL: setting(
    origin().optional(),
    undefined,
    'Where people reach this server, such as https://chat.school.example: links of invitations and for new passwords begin with it. Needed with SMTP_URL. Default: the address of the request that makes the link.',
  ),
};
