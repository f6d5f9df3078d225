import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import type { MailFailure } from '#lib/people/mail/mail-failure';
import { mailReadiness } from '#lib/people/mail/mail-readiness';
import { Mailer } from '#lib/people/mail/mailer';
import { resetSingleton, singleton } from '#lib/singletons';
import { type Logger, log } from '#lib/telemetry/log';
import { MINUTE_MS } from '#lib/units';
import { type MailServer, makeCertificate, startMailServer, startSilentServer } from '../support/mail-server.ts';

/** The mailer against a server of the real protocol. */

const MAIL = { to: 'bo@school.example', subject: 'Grüße', text: 'Ein Link:\n\nhttps://chat.school.example/join\n' };
const PASSWORD = 'hunter/2 über';

let server: MailServer | undefined;
const trusted = makeCertificate('localhost');
const before = getCACertificates('default');

beforeAll(() => setDefaultCACertificates([...before, trusted.cert]));
afterAll(() => setDefaultCACertificates(before));
afterEach(async () => {
  await server?.close();
  server = undefined;
});

function mailerFor(url: string, more: Record<string, string> = {}): Mailer {
  return new Mailer(
    readConfig({
      SMTP_URL: url,
      MAIL_FROM: 'Chill Space <chat@school.example>',
      PUBLIC_URL: 'https://chat.school.example',
      ...more,
    }),
  );
}

async function start(options: SMTPServerOptions = {}): Promise<MailServer> {
  server = await startMailServer(options);
  return server;
}

/** Accepts `ada` with `PASSWORD` alone. */
const SIGN_IN: SMTPServerOptions = {
  authOptional: false,
  onAuth: ({ username = '', password = '' }, _session, callback) => {
    if (username === 'ada' && password === PASSWORD) callback(null, { user: username });
    else callback(new Error(`no such user: ${password}`));
  },
};
const credentials = (password: string) => `ada:${encodeURIComponent(password)}`;

describe('a mail server that works', () => {
  it('gets a plain text mail without TLS on this machine', async () => {
    const { port, next } = await start({ disabledCommands: ['STARTTLS', 'AUTH'] });
    expect(await mailerFor(`smtp://127.0.0.1:${port}`).send(MAIL)).toEqual({ sent: true });
    const mail = await next();
    expect(mail).toMatchObject({ from: 'chat@school.example', to: ['bo@school.example'], isEncrypted: false });
    expect(mail.source).toContain('From: Chill Space <chat@school.example>');
    expect(mail.source).toContain('Content-Type: text/plain; charset=utf-8');
    expect(mail.source).toContain('Auto-Submitted: auto-generated');
    expect(mail.source).toContain('Ein Link:');
    expect(mail.source).not.toMatch(/multipart|text\/html/);
  });

  it('is signed in to after STARTTLS, with its certificate verified', async () => {
    const { port, next } = await start({ ...SIGN_IN, ...trusted });
    const mailer = mailerFor(`smtp://${credentials(PASSWORD)}@localhost:${port}`, { SMTP_TLS: 'verify' });
    expect(await mailer.send(MAIL)).toEqual({ sent: true });
    expect(await next()).toMatchObject({ user: 'ada', isEncrypted: true });
  });

  it('is signed in to over TLS from the first byte', async () => {
    const { port, next } = await start({ ...SIGN_IN, ...trusted, secure: true });
    expect(await mailerFor(`smtps://${credentials(PASSWORD)}@localhost:${port}`).send(MAIL)).toEqual({ sent: true });
    expect(await next()).toMatchObject({ user: 'ada', isEncrypted: true });
  });

  it('may have any certificate with SMTP_TLS=unverified', async () => {
    const { port } = await start(makeCertificate('mail.other.example'));
    const mailer = mailerFor(`smtp://localhost:${port}`, { SMTP_TLS: 'unverified' });
    expect(await mailer.send(MAIL)).toEqual({ sent: true });
  });
});

describe('a mail server that does not', () => {
  const refuse = (code: number) => (_address: unknown, _session: unknown, callback: (error: Error) => void) =>
    callback(Object.assign(new Error('not here'), { responseCode: code }));

  it.each<[MailFailure, string, SMTPServerOptions, Record<string, string>]>([
    ['address_refused', 'smtp://127.0.0.1', { onRcptTo: refuse(550) }, {}],
    ['refused', 'smtp://127.0.0.1', { onRcptTo: refuse(451) }, {}],
    ['refused', 'smtp://127.0.0.1', { onMailFrom: refuse(554) }, {}],
    ['sign_in_refused', `smtp://${credentials('wrong')}@localhost`, { ...SIGN_IN, ...trusted }, { SMTP_TLS: 'verify' }],
    ['tls_failed', 'smtp://localhost', makeCertificate('mail.other.example'), { SMTP_TLS: 'verify' }],
    ['tls_failed', 'smtps://localhost', { ...makeCertificate('localhost'), secure: true }, {}],
    ['tls_failed', 'smtp://localhost', { disabledCommands: ['STARTTLS'] }, { SMTP_TLS: 'verify' }],
  ])('is %s: %s', async (failure, url, options, more) => {
    const { port, mails } = await start(options);
    expect(await mailerFor(`${url}:${port}`, more).send(MAIL)).toEqual({ sent: false, failure });
    expect(mails).toEqual([]);
  });

  it('is unreachable where no one listens, and where the name does not exist', async () => {
    const { port, close } = await startSilentServer();
    await close();
    expect(await mailerFor(`smtp://127.0.0.1:${port}`).send(MAIL)).toEqual({ sent: false, failure: 'unreachable' });
    const unknown = mailerFor('smtp://mail.school.invalid', { SMTP_TLS: 'off' });
    expect(await unknown.send(MAIL)).toEqual({ sent: false, failure: 'unreachable' });
  });

  it('is given up where it never greets', async () => {
    const { port, close } = await startSilentServer();
    const mailer = mailerFor(`smtp://127.0.0.1:${port}`);
    const startedMs = performance.now();
    const sending = mailer.send(MAIL);
    expect(mailer.isBusy).toBe(true);
    expect(await sending).toEqual({ sent: false, failure: 'timeout' });
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect(mailer.isBusy).toBe(false);
    await close();
  }, 30_000);

  it('holds a bounded number of mails', async () => {
    const { port, close } = await startSilentServer();
    const mailer = mailerFor(`smtp://127.0.0.1:${port}`);
    const outcomes = Array.from({ length: 110 }, () => mailer.send(MAIL));
    expect(await outcomes.at(-1)).toEqual({ sent: false, failure: 'busy' });
    await close();
    // Those that have their turn end with the connection, and the others find no one.
    expect(new Set((await Promise.all(outcomes)).map((outcome) => !outcome.sent && outcome.failure))).toEqual(
      new Set(['busy', 'unreachable']),
    );
  }, 30_000);
});

describe('what is known of a mail server', () => {
  it('is up after a check, which sends no mail', async () => {
    const { port, mails } = await start({ ...SIGN_IN, ...trusted });
    const mailer = mailerFor(`smtp://${credentials(PASSWORD)}@localhost:${port}`, { SMTP_TLS: 'verify' });
    expect(mailReadiness(mailer)).toEqual({ state: 'up', detail: 'The mail server is being checked.' });
    expect(await mailer.check()).toEqual({ sent: true });
    expect(mailReadiness(mailer)).toEqual({ state: 'up' });
    expect(mails).toEqual([]);
  });

  it('is what stops every mail, without an address, until one is sent', async () => {
    const { port, close } = await startMailServer({});
    await close();
    const mailer = mailerFor(`smtp://127.0.0.1:${port}`);
    expect(await mailer.check()).toEqual({ sent: false, failure: 'unreachable' });
    expect(mailReadiness(mailer)).toEqual({
      state: 'unavailable',
      detail: 'The mail server cannot be reached. Links are shown to be copied; the log says more.',
    });
    const back = await startMailServer({}, port);
    try {
      expect(await mailer.send(MAIL)).toEqual({ sent: true });
      expect(mailReadiness(mailer)).toEqual({ state: 'up' });
    } finally {
      await back.close();
    }
  });

  it('says that the sign-in is refused, and nothing of a refused address', async () => {
    const { port } = await start({ ...SIGN_IN, ...trusted });
    const mailer = mailerFor(`smtp://${credentials('wrong')}@localhost:${port}`, { SMTP_TLS: 'verify' });
    expect(await mailer.send(MAIL)).toEqual({ sent: false, failure: 'sign_in_refused' });
    expect(mailReadiness(mailer)).toMatchObject({ state: 'unavailable', detail: expect.stringContaining('password') });
    const other = await startMailServer({
      onRcptTo: (_address, _session, callback) =>
        callback(Object.assign(new Error('no such user'), { responseCode: 550 })),
    });
    try {
      const refused = mailerFor(`smtp://127.0.0.1:${other.port}`);
      expect(await refused.send(MAIL)).toEqual({ sent: false, failure: 'address_refused' });
      expect(mailReadiness(refused)).toEqual({ state: 'up' });
    } finally {
      await other.close();
    }
  });

  it('is checked again when it is old, by one check for all who ask', async () => {
    let checks = 0;
    const aged = (failure: MailFailure | undefined, ageMs: number) => ({
      health: { failure, atMs: performance.now() - ageMs },
      check: async () => {
        checks += 1;
        return { sent: true } as const;
      },
    });
    mailReadiness(aged(undefined, 30 * MINUTE_MS));
    mailReadiness(aged('unreachable', MINUTE_MS));
    expect(checks).toBe(0);
    mailReadiness(aged(undefined, 61 * MINUTE_MS));
    mailReadiness(aged('unreachable', 6 * MINUTE_MS));
    expect(checks).toBe(2);
    const { port } = await start();
    const mailer = mailerFor(`smtp://127.0.0.1:${port}`);
    expect(mailer.check()).toBe(mailer.check());
    await mailer.check();
  });
});

it('begins no second header, whatever a caller names', async () => {
  const { port, mails } = await start();
  const mailer = mailerFor(`smtp://127.0.0.1:${port}`);
  for (const wrong of [
    { ...MAIL, to: 'bo@school.example\r\nBcc: eve@school.example' },
    { ...MAIL, to: 'bo@school.example\nBcc: eve@school.example' },
    { ...MAIL, subject: 'Hello\r\nBcc: eve@school.example' },
  ])
    expect(await mailer.send(wrong)).toEqual({ sent: false, failure: 'address_refused' });
  // Several addresses, and a name with another one.
  for (const to of ['bo@school.example, eve@school.example', '"eve@school.example" <bo@school.example>'])
    await mailer.send({ ...MAIL, to });
  expect(mails.flatMap(({ to }) => to)).not.toContain('eve@school.example');
});

it('never logs a password, not even one that the server repeats', async () => {
  const { port } = await start({ ...SIGN_IN, ...trusted });
  const lines: string[] = [];
  const logged: Logger = log();
  resetSingleton('log');
  singleton('log', () => ({
    ...logged,
    warn: (...args: unknown[]) => lines.push(JSON.stringify(args)),
  }));
  try {
    const secret = 'kept-from-the-log';
    await mailerFor(`smtp://${credentials(secret)}@localhost:${port}`, { SMTP_TLS: 'verify' }).send(MAIL);
    expect(lines.join()).toContain('sign_in_refused');
    expect(lines.join()).toContain(`localhost:${port}`);
    expect(lines.join()).not.toContain(secret);
    expect(lines.join()).not.toContain(Buffer.from(`\0ada\0${secret}`).toString('base64'));
  } finally {
    resetSingleton('log');
  }
});
