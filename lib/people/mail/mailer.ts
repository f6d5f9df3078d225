import pLimit from 'p-limit';
import { type Config, config } from '#lib/config/config';
import { parseSmtpUrl, type SmtpAddress, smtpTls } from '#lib/config/smtp-url';
import { describeMailError, failureOf, type MailFailure } from '#lib/people/mail/mail-failure';
import { delayStopWhile } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';

/** Sends mails over SMTP (RFC 5321). nodemailer is loaded at the first one. */

export interface Mail {
  readonly to: string;
  readonly subject: string;
  /** Plain text. */
  readonly text: string;
}

export type MailOutcome = { readonly sent: true } | { readonly sent: false; readonly failure: MailFailure };

export type MailerSettings = Pick<Config, 'SMTP_URL' | 'SMTP_TLS' | 'MAIL_FROM' | 'PUBLIC_URL'>;

/** Connections to the mail server at the same time. */
const MAX_CONNECTIONS = 4;
/** Mails that wait for one of them. */
const MAX_WAITING_MAILS = 100;
/** Bounds of one mail. A server may greet late on purpose, to keep spam out. */
const DELIVERY_MS = 30 * SECOND_MS;
const DNS_MS = 5 * SECOND_MS;
/** Name, connection, greeting and STARTTLS together. */
const CONNECT_MS = 15 * SECOND_MS;
const SILENCE_MS = 15 * SECOND_MS;

/** What was last heard of the mail server. */
export interface MailServerHealth {
  /** Undefined while it works. */
  readonly failure: MailFailure | undefined;
  /** Of `performance.now()`. */
  readonly atMs: number;
}

/** Failures that say nothing of a mail, and would stop any other one as well. */
const OF_THE_SERVER: ReadonlySet<MailFailure> = new Set(['timeout', 'unreachable', 'tls_failed', 'sign_in_refused']);

export class Mailer {
  readonly #settings: MailerSettings;
  readonly #limit = pLimit(MAX_CONNECTIONS);
  #transport: ReturnType<typeof createTransport> | undefined;
  #open = 0;
  #health: MailServerHealth | undefined;
  #checking: Promise<MailOutcome> | undefined;

  constructor(settings: MailerSettings) {
    this.#settings = settings;
  }

  /** Whether something is being sent, or about to be. */
  get isBusy(): boolean {
    return this.#open > 0;
  }

  /** Undefined before the first mail and the first check. */
  get health(): MailServerHealth | undefined {
    return this.#health;
  }

  /**
   * Connects and signs in to the mail server, without a mail. Never rejects. Ends within
   * `DELIVERY_MS`; a check that runs is shared.
   */
  check(): Promise<MailOutcome> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Sends a mail. Never rejects. Ends within `DELIVERY_MS` of its turn. */
  async send(mail: Mail): Promise<MailOutcome> {
    if (this.#limit.pendingCount >= MAX_WAITING_MAILS) return { sent: false, failure: 'busy' };
    return await this.hold(() => this.#limit(() => this.#deliver(mail)));
  }

  /** Runs a task that ends in a mail. A server that stops waits for it. */
  async hold<T>(task: () => Promise<T>): Promise<T> {
    this.#open += 1;
    try {
      return await task();
    } finally {
      this.#open -= 1;
    }
  }

  async #check(): Promise<MailOutcome> {
    const address = parseSmtpUrl(this.#settings.SMTP_URL ?? '');
    if (address === undefined) return { sent: false, failure: 'not_configured' };
    let timer: NodeJS.Timeout | undefined;
    try {
      this.#transport ??= createTransport(address, this.#settings);
      const transport = await this.#transport;
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new DOMException('no reply in time', 'TimeoutError')), DELIVERY_MS).unref();
      });
      await Promise.race([transport.verify(), late]);
      return this.#note(undefined);
    } catch (error) {
      const failure = failureOf(error);
      log().warn({ failure, ...describeMailError(error, address) }, 'the mail server cannot be used');
      return this.#note(failure);
    } finally {
      clearTimeout(timer);
    }
  }

  #note(failure: MailFailure | undefined): MailOutcome {
    const ofServer = failure !== undefined && OF_THE_SERVER.has(failure) ? failure : undefined;
    this.#health = { failure: ofServer, atMs: performance.now() };
    return failure === undefined ? { sent: true } : { sent: false, failure };
  }

  async #deliver({ to, subject, text }: Mail): Promise<MailOutcome> {
    const address = parseSmtpUrl(this.#settings.SMTP_URL ?? '');
    const { MAIL_FROM: from } = this.#settings;
    if (address === undefined || from === undefined) return { sent: false, failure: 'not_configured' };
    // Callers validate both. A line break would begin another header.
    if (/\p{Cc}/u.test(to + subject)) return { sent: false, failure: 'address_refused' };
    try {
      this.#transport ??= createTransport(address, this.#settings);
      const transport = await this.#transport;
      await transport.sendMail({
        from: { ...from },
        to: { name: '', address: to },
        subject,
        text,
        textEncoding: 'quoted-printable',
        // RFC 3834: no out-of-office reply.
        headers: { 'Auto-Submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal: AbortSignal.timeout(DELIVERY_MS),
      });
      return this.#note(undefined);
    } catch (error) {
      const failure = failureOf(error);
      log().warn({ failure, ...describeMailError(error, address) }, 'a mail was not sent');
      return this.#note(failure);
    }
  }
}

async function createTransport(address: SmtpAddress, { SMTP_TLS, PUBLIC_URL }: MailerSettings) {
  const { createTransport: create } = await import('nodemailer');
  const { host, port, isImplicitTls, credentials } = address;
  const tls = smtpTls(address, SMTP_TLS);
  return create({
    host,
    port,
    secure: isImplicitTls,
    requireTLS: tls !== 'off',
    ignoreTLS: tls === 'off',
    tls: { rejectUnauthorized: tls !== 'unverified', minVersion: 'TLSv1.2' },
    ...(credentials === undefined ? {} : { auth: credentials }),
    // What the server calls itself (EHLO), in place of the name of this machine.
    ...(PUBLIC_URL === undefined ? {} : { name: new URL(PUBLIC_URL).hostname }),
    dnsTimeout: DNS_MS,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** The mailer of this process. */
export function mailer(): Mailer {
  return singleton('people.mailer', () => {
    const made = new Mailer(config());
    delayStopWhile(() => made.isBusy);
    return made;
  });
}
