import { describe, expect, it } from 'vitest';
import { type ConfigError, readConfig } from '#lib/config/config';
import { parseSmtpUrl, smtpTls } from '#lib/config/smtp-url';

const MAIL = { MAIL_FROM: 'chat@school.example', PUBLIC_URL: 'https://chat.school.example' };

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

describe('parseSmtpUrl', () => {
  it.each([
    ['smtps://mail.school.example', { host: 'mail.school.example', port: 465, isImplicitTls: true }],
    ['smtp://mail.school.example/', { host: 'mail.school.example', port: 587, isImplicitTls: false }],
    ['smtp://127.0.0.1:2525', { host: '127.0.0.1', port: 2525, isImplicitTls: false }],
    ['smtp://[::1]:25', { host: '::1', port: 25, isImplicitTls: false }],
    [
      'smtps://ada%40school.example:p%2Fa%23s@mail.school.example:4650',
      { port: 4650, credentials: { user: 'ada@school.example', pass: 'p/a#s' } },
    ],
  ])('reads %s', (text, address) => {
    expect(parseSmtpUrl(text)).toMatchObject(address);
  });

  it.each([
    'mail.school.example',
    'http://mail.school.example',
    'smtp://',
    'smtp://user@mail.school.example',
    'smtp://:password@mail.school.example',
    'smtp://user:%zz@mail.school.example',
    'smtp://user:pass%0D%0AQUIT@mail.school.example',
    'smtp://mail.school.example/box',
    'smtp://mail.school.example?tls=no',
    'smtp://mail.school.example:0',
    'smtp://mail_school!.example',
  ])('refuses %s', (text) => {
    expect(parseSmtpUrl(text)).toBeUndefined();
  });

  it('needs TLS unless a server on this machine is named', () => {
    const tls = (url: string, given?: 'verify' | 'off') => {
      const address = parseSmtpUrl(url);
      return address === undefined ? undefined : smtpTls(address, given);
    };
    expect(tls('smtp://mail.school.example')).toBe('verify');
    expect(tls('smtp://localhost:25')).toBe('off');
    expect(tls('smtps://localhost')).toBe('verify');
    expect(tls('smtp://localhost:25', 'verify')).toBe('verify');
    expect(tls('smtp://relay.internal:25', 'off')).toBe('off');
  });
});

describe('the settings of mail', () => {
  it('takes a sender with and without a name', () => {
    const from = (MAIL_FROM: string) => readConfig({ ...MAIL, MAIL_FROM }).MAIL_FROM;
    expect(from('chat@school.example')).toEqual({ name: '', address: 'chat@school.example' });
    expect(from('Chill Space <chat@school.example>')).toEqual({ name: 'Chill Space', address: 'chat@school.example' });
    expect(from('"Class, 9b" <chat@school.example>')).toEqual({ name: 'Class, 9b', address: 'chat@school.example' });
  });

  it.each([
    [{ MAIL_FROM: 'Chill Space' }, /^MAIL_FROM must be an address/],
    [{ MAIL_FROM: 'a@b.example\r\nBcc: c@d.example' }, /^MAIL_FROM must be an address/],
    [{ PUBLIC_URL: 'https://school.example/chat' }, /^PUBLIC_URL must be a URL without a path/],
    [{ PUBLIC_URL: 'chat.school.example' }, /^PUBLIC_URL must be a URL/],
    [{ MAIL_FROM: '' }, /^MAIL_FROM must be set where SMTP_URL is/],
    [{ PUBLIC_URL: '' }, /^PUBLIC_URL must be set where SMTP_URL is/],
    [{ SMTP_URL: 'smtps://mail.school.example', SMTP_TLS: 'off' }, /^SMTP_TLS is off although/],
    [{ SMTP_URL: 'smtp://ada:secret@mail.school.example', SMTP_TLS: 'off' }, /^SMTP_TLS must not be off/],
    [{ SMTP_TLS: 'no' }, /^SMTP_TLS must be verify, unverified or off/],
  ])('says what is wrong with %j', (wrong, sentence) => {
    const problems = problemsOf({ ...MAIL, SMTP_URL: 'smtp://localhost:25', ...wrong });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(sentence);
  });

  it.each(['smtps://ada:hunter/2@mail.school.example', 'smtp:/ada:hunter/2@mail.school.example'])(
    'never shows a password: %s',
    (SMTP_URL) => {
      const problems = problemsOf({ ...MAIL, SMTP_URL });
      expect(problems).toHaveLength(1);
      expect(problems.join(' ')).not.toContain('hunter');
      expect(problems.join(' ')).toContain('not written here');
    },
  );
});
