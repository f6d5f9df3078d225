import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metrics } from '#lib/telemetry/metrics';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  PASSWORD,
  type Received,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';
import { linkOf, type MailServer, startMailServer, startSilentServer } from '../support/mail-server.ts';

/** Invitations and links for new passwords by mail. */

const PUBLIC_URL = 'https://chat.school.example';
const NEW_PASSWORD = 'another pass phrase';

let mail: MailServer;
let server: AccountsServer;
let admin: Browser;

const settingsFor = (port: number) => ({
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  MAIL_FROM: 'Chill Space <chat@school.example>',
  PUBLIC_URL,
});

async function start(more: Record<string, string> = {}): Promise<void> {
  server = await startAccounts({ ...settingsFor(mail.port), ...more });
  admin = await setUpAdministrator(server);
}

beforeEach(async () => {
  mail = await startMailServer({
    onRcptTo: ({ address }, _session, callback) =>
      callback(address.startsWith('nobody@') ? Object.assign(new Error('unknown'), { responseCode: 550 }) : null),
  });
});
afterEach(async () => {
  await server.close();
  await mail.close();
});

const invite = (body: object, by = admin) => by.post('/api/admin/invitations', body);
const idOf = async (name: string) => (await admin.get(`/api/admin/users?search=${name}`)).textAt('users.0.id');
const forget = (email: string, from = '192.0.2.50') =>
  server.browser(from).post('/api/auth/request-password-reset', { email });
const tokenOf = (link: URL) => link.searchParams.get('token') ?? '';
const setPassword = (token: string) =>
  server.browser('192.0.2.60').post('/api/auth/reset-password', { token, newPassword: NEW_PASSWORD });

/** The newest records of an action. */
async function recorded(action: string): Promise<Received> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const entries = await admin.get(`/api/admin/audit?action=${action}`);
    if (entries.at('entries.0') !== undefined) return entries;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no record of ${action}`);
}

it('counts mails by what they are for, and whether they were taken', async () => {
  await start();
  await joinAs(server, admin, 'Bo');
  const counts = async () => {
    const { values } = await metrics().mails.get();
    return Object.fromEntries(values.map(({ labels: { kind, outcome }, value }) => [`${kind} ${outcome}`, value]));
  };
  const before = await counts();
  await invite({ email: 'cy@school.example' });
  await invite({ email: 'nobody@school.example' });
  await admin.post(`/api/admin/users/${await idOf('bo')}/reset-link`, { send_mail: true });
  await forget('bo@school.example');
  await recorded('account.reset_mail');
  const after = await counts();
  expect(Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]))).toEqual(
    {
      'invitation sent': 1,
      'invitation failed': 1,
      'password sent': 2,
      'password failed': 0,
    },
  );
});

describe('an invitation', () => {
  it('is sent to the address that it names, with the link that is shown', async () => {
    await start();
    const group = (await admin.post('/api/admin/groups', { name: 'Class 9b' })).textAt('id');
    const made = await invite({ email: 'Bo@School.example', group_id: group });
    expect([made.status, made.at('mail')]).toEqual([201, { sent: true }]);
    const received = await mail.next();
    expect(received.to).toEqual(['bo@school.example']);
    expect(received.source).toContain('Subject: Invitation to Chill Space at chat.school.example');
    expect(received.source).toContain('Ada invites you to Chill Space at chat.school.example, in the group Class 9b.');
    expect(linkOf(received).href).toBe(made.textAt('url'));
    expect(linkOf(received).origin).toBe(PUBLIC_URL);
    const person = { token: tokenOf(linkOf(received)), name: 'Bo', email: 'bo@school.example', password: PASSWORD };
    expect((await server.browser('192.0.2.3').post('/api/join', person)).status).toBe(201);
    const record = await recorded('invitation.mail');
    expect(record.at('entries.0.actor.name')).toBe('Ada');
    expect(record.at('entries.0.summary')).toBe('sent an invitation to bo@school.example');
    expect(record.at('entries.0.detail.to')).toBe('bo@school.example');
    expect(record.text).not.toContain(made.textAt('token'));
  });

  it('is sent by a manager, for its group', async () => {
    await start();
    const group = (await admin.post('/api/admin/groups', { name: 'Class 9b' })).textAt('id');
    const manager = await joinAs(server, admin, 'Max', { role: 'manager', group_id: group });
    expect((await invite({ email: 'bo@school.example' }, manager)).at('mail')).toEqual({ sent: true });
    expect((await mail.next()).source).toContain('Max invites you');
  });

  it('is not sent where that is not wanted, or it names no address', async () => {
    await start();
    for (const body of [{ email: 'bo@school.example', send_mail: false }, {}, { max_uses: 30 }]) {
      const made = await invite(body);
      expect([made.status, made.at('mail')]).toEqual([201, null]);
    }
    expect(mail.mails).toEqual([]);
  });

  it.each([
    [{ send_mail: true }, 'email is needed'],
    [{ send_mail: true, email: 'bo@school.example', max_uses: 2 }, 'email is one address'],
    [{ email: 'bo@elsewhere.example' }, 'email must be of school.example'],
    [{ email: 'bo@school.example\r\nBcc: eve@school.example' }, 'email must be an e-mail address'],
    [{ email: 'bo@school.example, eve@school.example' }, 'email must be an e-mail address'],
    [{ email: 'Bo <bo@school.example>' }, 'email must be an e-mail address'],
    [{ email: 'bo@school.example', sendMail: 'yes' }, 'send_mail'],
  ])('is neither made nor sent for %j', async (body, sentence) => {
    await start({ SIGN_UP_DOMAINS: 'school.example' });
    const refused = await invite(body);
    expect([refused.status, refused.at('code')]).toEqual([400, 'invalid_request']);
    expect(refused.textAt('error')).toContain(sentence);
    expect((await admin.get('/api/admin/invitations')).at('invitations')).toEqual([]);
    expect(mail.mails).toEqual([]);
  });

  it('is kept where the mail server refuses the address', async () => {
    await start();
    const made = await invite({ email: 'nobody@school.example' });
    expect(made.status).toBe(201);
    expect(made.at('mail')).toMatchObject({ sent: false, code: 'address_refused' });
    expect(made.textAt('mail.message')).toContain('Copy the link'.toLowerCase());
    expect((await server.browser('192.0.2.3').get(`/api/join?token=${made.textAt('token')}`)).status).toBe(200);
    expect((await recorded('invitation.mail')).at('entries.0.summary')).toBe(
      'could not send an invitation to nobody@school.example',
    );
  });

  it('is kept, and replied to within seconds, where the mail server hangs', async () => {
    const silent = await startSilentServer();
    await start(settingsFor(silent.port));
    const startedMs = performance.now();
    const made = await invite({ email: 'bo@school.example' });
    expect(performance.now() - startedMs).toBeLessThan(7_000);
    expect(made.status).toBe(201);
    expect(made.at('mail')).toMatchObject({ sent: false, code: 'timeout' });
    expect((await server.browser('192.0.2.3').get(`/api/join?token=${made.textAt('token')}`)).status).toBe(200);
    await silent.close();
    expect((await recorded('invitation.mail')).at('entries.0.detail.sent')).toBe(false);
  }, 30_000);

  it('says that no mail is sent where none is configured or no one can join', async () => {
    await start({ SMTP_URL: '' });
    expect((await invite({ email: 'bo@school.example' })).at('mail')).toBeNull();
    expect((await invite({ email: 'bo@school.example', send_mail: true })).at('mail.code')).toBe('not_configured');
    await server.restart({ ...settingsFor(mail.port), SIGN_UP: 'closed' });
    expect((await invite({ email: 'bo@school.example' })).at('mail.code')).toBe('sign_up_closed');
    expect(mail.mails).toEqual([]);
  });
});

describe('a reset link of an administrator', () => {
  it('is sent on request, works once, and ends sessions', async () => {
    await start();
    const bo = await joinAs(server, admin, 'Bo');
    const id = await idOf('Bo');
    const path = `/api/admin/users/${id}/reset-link`;
    expect((await admin.post(path)).at('mail')).toBeNull();
    expect((await admin.request('POST', path)).status).toBe(201);
    expect(mail.mails).toEqual([]);
    const made = await admin.post(path, { send_mail: true });
    expect([made.status, made.at('mail')]).toEqual([201, { sent: true }]);
    const received = await mail.next();
    expect(received.to).toEqual(['bo@school.example']);
    expect(received.source).toContain('An administrator of chat.school.example');
    expect(linkOf(received).href).toBe(made.textAt('url'));
    expect((await setPassword(tokenOf(linkOf(received)))).status).toBe(200);
    expect(await bo.isSignedIn()).toBe(false);
    expect((await setPassword(tokenOf(linkOf(received)))).status).toBe(400);
    const record = await recorded('user.reset_mail');
    expect([record.at('entries.0.target'), record.at('entries.0.target_name')]).toEqual([id, 'Bo']);
    expect(record.at('entries.0.summary')).toBe('sent a link to set a password to bo@school.example');
  });

  it('is not sent to a disabled person, and is refused to those who may not make it', async () => {
    await start();
    const bo = await joinAs(server, admin, 'Bo');
    const path = `/api/admin/users/${await idOf('Bo')}/reset-link`;
    expect((await bo.post(path, { send_mail: true })).status).toBe(403);
    expect((await server.browser().post(path, { send_mail: true })).status).toBe(401);
    await admin.patch(path.replace('/reset-link', ''), { disabled: true });
    expect((await admin.post(path, { send_mail: true })).at('mail.code')).toBe('disabled');
    expect(mail.mails).toEqual([]);
  });
});

describe('a forgotten password', () => {
  it('is replaced by a link that works once and ends sessions', async () => {
    await start();
    const bo = await joinAs(server, admin, 'Bo');
    expect((await server.browser().get('/api/auth/options')).at('sends_mail')).toBe(true);
    expect((await forget(' BO@school.example ')).status).toBe(200);
    const received = await mail.next();
    expect(received.to).toEqual(['bo@school.example']);
    // The name is the person's own choice, and the person may be a stranger at this address.
    expect(received.source).not.toContain('Bo ');
    expect(linkOf(received).origin).toBe(PUBLIC_URL);
    expect((await setPassword(tokenOf(linkOf(received)))).status).toBe(200);
    expect(await bo.isSignedIn()).toBe(false);
    expect((await setPassword(tokenOf(linkOf(received)))).status).toBe(400);
    expect((await server.browser('192.0.2.61').signIn('bo@school.example', NEW_PASSWORD)).status).toBe(200);
    const record = await recorded('account.reset_mail');
    expect(record.at('entries.0.actor')).toBeNull();
    expect(record.at('entries.0.target_name')).toBe('Bo');
    expect(record.at('entries.0.address')).toBe('192.0.2.50');
  });

  it('has a link of PUBLIC_URL, whatever host a request names', async () => {
    await start();
    const host = { host: 'evil.example', origin: 'http://evil.example' };
    const stranger = server.browser('192.0.2.50');
    expect(
      (await stranger.post('/api/auth/request-password-reset', { email: 'ada@school.example' }, host)).status,
    ).toBe(200);
    const { source } = await mail.next();
    expect(source).not.toContain('evil');
  });

  it('has the same reply in a similar time for everyone, and a mail only for people with a password', async () => {
    await start();
    await joinAs(server, admin, 'Bo');
    await joinAs(server, admin, 'Off');
    await admin.patch(`/api/admin/users/${await idOf('Off')}`, { disabled: true });
    const replies: string[] = [];
    const times = new Map<string, number[]>();
    for (let round = 0; round < 3; round++)
      for (const email of ['bo@school.example', 'off@school.example', 'stranger@school.example']) {
        const startedMs = performance.now();
        const { status, text } = await forget(email);
        times.set(email, [...(times.get(email) ?? []), performance.now() - startedMs]);
        replies.push(`${status} ${text}`);
      }
    expect(new Set(replies).size).toBe(1);
    const fastest = [...times.values()].map((all) => Math.min(...all));
    expect(Math.max(...fastest) - Math.min(...fastest)).toBeLessThan(20);
    for (let count = 0; count < 3; count++) expect((await mail.next()).to).toEqual(['bo@school.example']);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(mail.mails).toHaveLength(3);
  });

  it('sends nothing to people who sign in at the provider only', async () => {
    await start();
    await joinAs(server, admin, 'Bo');
    const { store } = await import('#lib/store/store');
    const { db } = await store();
    await db
      .updateTable('credentials')
      .set({ providerId: 'oidc', password: null })
      .where('userId', '=', await idOf('Bo'))
      .execute();
    expect((await forget('bo@school.example')).status).toBe(200);
    await forget('ada@school.example');
    expect((await mail.next()).to).toEqual(['ada@school.example']);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(mail.mails).toHaveLength(1);
  });

  it('is limited per address of the mail and per caller, also for addresses without an account', async () => {
    await start();
    for (const email of ['ada@school.example', 'stranger@school.example']) {
      const statuses: number[] = [];
      for (let count = 0; count < 5; count++) statuses.push((await forget(email, `192.0.2.${count}`)).status);
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
    }
    const refused = await forget('ada@school.example');
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(refused.at('data.reason')).toBe('mails');
    const statuses: number[] = [];
    for (let count = 0; count < 31; count++)
      statuses.push((await forget(`person${count}@school.example`, '192.0.2.99')).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(30);
    expect(statuses.at(-1)).toBe(429);
    // Guessing a password is counted apart.
    expect((await server.browser('192.0.2.98').signIn('ada@school.example', PASSWORD)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(mail.mails.every(({ to }) => to[0] === 'ada@school.example')).toBe(true);
    expect(mail.mails).toHaveLength(3);
  });

  it.each([{ email: 'ada' }, { email: 'ada@school.example\nBcc: x@y.example' }, {}, { email: ['a@b.example'] }])(
    'is refused for %j',
    async (body) => {
      await start();
      expect((await server.browser().post('/api/auth/request-password-reset', body)).status).toBe(400);
    },
  );

  it('needs a mail server', async () => {
    await start({ SMTP_URL: '' });
    const refused = await forget('ada@school.example');
    expect([refused.status, refused.at('code')]).toEqual([503, 'not_configured']);
    expect((await server.browser().get('/api/auth/options')).at('sends_mail')).toBe(false);
  });
});
