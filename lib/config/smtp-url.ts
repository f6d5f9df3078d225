import { isLoopback } from '#lib/config/loopback';

/** Where a mail server is, and how to sign in to it. */
export interface SmtpAddress {
  readonly host: string;
  readonly port: number;
  /** `smtps://`: TLS from the first byte. Otherwise STARTTLS (RFC 3207). */
  readonly isImplicitTls: boolean;
  readonly credentials: { readonly user: string; readonly pass: string } | undefined;
}

/** The forms that a setting may have, for its error message. */
export const SMTP_URL_FORMS =
  'must be smtps://user:password@mail.example.org, or smtp:// for STARTTLS, with an optional port and nothing behind it; write the characters @ : / ? # % of a user or a password as %40 %3A %2F %3F %23 %25';

/** Ports of RFC 8314: submission over TLS, and with STARTTLS. */
const SMTPS_PORT = 465;
const SUBMISSION_PORT = 587;
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i;

/** Undefined for a text in none of `SMTP_URL_FORMS`. */
export function parseSmtpUrl(text: string): SmtpAddress | undefined {
  const url = URL.parse(text);
  if (url === null || !/^smtps?:$/.test(url.protocol) || !HOST.test(url.hostname) || url.port === '0') return undefined;
  if (!['', '/'].includes(url.pathname) || /[?#]/.test(text)) return undefined;
  const credentials = credentialsOf(url);
  if (credentials === null) return undefined;
  const isImplicitTls = url.protocol === 'smtps:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isImplicitTls ? SMTPS_PORT : SUBMISSION_PORT) : Number(url.port),
    isImplicitTls,
    credentials,
  };
}

/** Undefined without any; null where they are not a user and a password. */
function credentialsOf({ username, password }: URL): SmtpAddress['credentials'] | null {
  if (username === '' && password === '') return undefined;
  try {
    const credentials = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
    const isUsable = Object.values(credentials).every((part) => part !== '' && !/\p{Cc}/u.test(part));
    return isUsable ? credentials : null;
  } catch {
    return null;
  }
}

/** How the connection is protected. */
export type SmtpTls = 'verify' | 'unverified' | 'off';

/** `SMTP_TLS`, or its default: TLS is needed unless a mail server on this machine is named. */
export function smtpTls({ host, isImplicitTls }: SmtpAddress, given: SmtpTls | undefined): SmtpTls {
  return given ?? (isLoopback(host) && !isImplicitTls ? 'off' : 'verify');
}
