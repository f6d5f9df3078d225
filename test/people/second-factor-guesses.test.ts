import { afterEach, beforeEach, expect, it } from 'vitest';
import { MAX_PER_ACCOUNT, MAX_UNNAMED_PER_ADDRESS } from '#lib/people/accounts/password-throttle';
import {
  type AccountsServer,
  type Browser,
  joinAs,
  PASSWORD,
  type Received,
  setUpAdministrator,
  startAccounts,
} from '../support/accounts-server.ts';
import { turnOnSecondFactor } from '../support/second-factor.ts';

/** Guesses of codes, by someone who knows the password. */

let server: AccountsServer;
let admin: Browser;

beforeEach(async () => {
  server = await startAccounts();
  admin = await setUpAdministrator(server);
});
afterEach(async () => {
  await server.close();
});

it('refuses codes of a second factor above a bound for the account, and others at that address never', async () => {
  const school = '192.0.2.66';
  const bo = await joinAs(server, admin, 'Bo');
  await turnOnSecondFactor(bo);
  const { now } = await turnOnSecondFactor(admin);
  const guesser = server.browser(school);
  const guess = (browser: Browser) => browser.post('/api/auth/two-factor/verify-totp', { code: '000000' });
  const replies: Received[] = [];
  for (let attempt = 0; attempt <= MAX_PER_ACCOUNT; attempt++) {
    // A challenge of better-auth takes five codes.
    if (attempt % 4 === 0) await guesser.signIn('bo@school.example', PASSWORD);
    replies.push(await guess(guesser));
  }
  expect(replies.filter(({ status }) => status === 401)).toHaveLength(MAX_PER_ACCOUNT);
  expect(replies.at(-1)?.at('data.reason')).toBe('wrong_passwords');
  // From other addresses, and with recovery codes, it is the same account.
  const elsewhere = server.browser('192.0.2.67');
  await elsewhere.signIn('bo@school.example', PASSWORD);
  const recovery = await elsewhere.post('/api/auth/two-factor/verify-backup-code', { code: 'aaaaa-bbbbb' });
  expect(recovery.at('data.reason')).toBe('wrong_passwords');
  for (let attempt = 0; attempt <= MAX_UNNAMED_PER_ADDRESS; attempt++) {
    expect((await guess(guesser)).status).toBe(429);
    expect((await guess(server.browser(school))).status).toBe(401);
  }
  const ada = server.browser(school);
  await ada.signIn('ada@school.example', PASSWORD);
  expect((await ada.post('/api/auth/two-factor/verify-totp', { code: await now() })).status).toBe(200);
  const invitation = (await admin.post('/api/admin/invitations')).textAt('token');
  expect((await server.browser(school).get(`/api/join?token=${invitation}`)).status).toBe(200);
});

it('counts a code against the account of the cookie that better-auth reads', async () => {
  await turnOnSecondFactor(admin);
  const bo = await joinAs(server, admin, 'Bo');
  const replies: Received[] = [];
  for (let attempt = 0; attempt <= MAX_PER_ACCOUNT; attempt++) {
    const attacker = server.browser('192.0.2.66');
    await attacker.signIn('ada@school.example', PASSWORD);
    const challenge = attacker.cookies.get('chill_space_two_factor');
    const sessions = `${bo.cookieHeader.replace('=', '=x')}; ${bo.cookieHeader}`;
    const cookie = `${sessions}; chill_space_two_factor="${challenge}"; chill_space_two_factor=x`;
    replies.push(await attacker.post('/api/auth/two-factor/verify-totp', { code: '000000' }, { cookie }));
  }
  expect(replies.filter((reply) => reply.at('code') === 'INVALID_CODE')).toHaveLength(MAX_PER_ACCOUNT);
  expect(replies.at(-1)?.at('data.reason')).toBe('wrong_passwords');
});
