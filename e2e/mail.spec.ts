import type { Page } from 'playwright/test';
import { linkOf, type MailServer, startMailServer, startSilentServer } from '../test/support/mail-server.ts';
import { ADMIN, button, field, heading, openAs, type School, STUDENT, schoolWith, secret, signIn } from './school.ts';
import { test as base, expect, lookWithAxe as look } from './support.ts';

/** Links by mail: the invitation, the reset link of an administrator, the forgotten password. */

const test = base.extend<Record<never, never>, { mail: MailServer; school: School }>({
  mail: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern.
    async ({}, use) => {
      const mail = await startMailServer({
        onRcptTo: ({ address }, _session, callback) =>
          callback(address.startsWith('nobody@') ? Object.assign(new Error('unknown'), { responseCode: 550 }) : null),
      });
      await use(mail);
      await mail.close();
    },
    { scope: 'worker' },
  ],
  school: [({ browser, mail }, use) => schoolWith(settingsOf(mail.port), browser, use), { scope: 'worker' }],
  baseURL: async ({ school }, use) => use(school.app.url),
});

function settingsOf(port: number): Record<string, string> {
  return {
    SMTP_URL: `smtp://127.0.0.1:${port}`,
    MAIL_FROM: 'Chill Space <chat@school.example>',
    PUBLIC_URL: 'https://chat.school.example',
  };
}

// The tests follow one another.
test.describe.configure({ mode: 'serial' });

test('sends an invitation to its address, and says so', async ({ school, mail, page }) => {
  const admin = await openAs(school.admin, '/admin/invitations?new=1');
  const dialog = admin.getByRole('dialog', { name: 'New invitation' });
  await expect(dialog.getByRole('checkbox', { name: /Send the link/ })).toBeDisabled();
  await look(admin, 'an invitation without an address');
  await dialog.getByRole('textbox', { name: 'E-mail' }).fill('bo@school.example');
  await expect(dialog.getByRole('checkbox', { name: /Send the link/ })).toBeChecked();
  await look(admin, 'an invitation to send');
  await dialog.getByRole('button', { name: 'Create and send link' }).click();
  await expect(heading(admin, 'Invitation created')).toBeFocused();
  await expect(admin.getByText('The mail server has taken the mail to bo@school.example.')).toBeVisible();
  await look(admin, 'an invitation that was sent');
  const link = linkOf(await mail.next());
  expect(link.href).toBe(await secret(admin, 'Invitation created').textContent());
  await admin.close();
  await page.goto(link.pathname + link.search);
  await expect(heading(page, 'Create your account')).toBeVisible();
  await expect(field(page, 'E-mail')).toHaveValue('bo@school.example');
});

test('says why an invitation was not sent, and shows its link', async ({ school, mail }) => {
  const admin = await openAs(school.admin, '/admin/invitations?new=1');
  const dialog = admin.getByRole('dialog', { name: 'New invitation' });
  await dialog.getByRole('textbox', { name: 'E-mail' }).fill('nobody@school.example');
  await dialog.getByRole('button', { name: 'Create and send link' }).click();
  await expect(alertOf(admin)).toContainText('The mail server refused this address.');
  await expect(secret(admin, 'Invitation created')).toContainText('https://chat.school.example/join?token=');
  await look(admin, 'an invitation that was not sent');
  await button(admin, 'New invitation').click();
  await dialog.getByRole('textbox', { name: 'E-mail' }).fill('cy@school.example');
  await dialog.getByRole('checkbox', { name: /Send the link/ }).uncheck();
  await dialog.getByRole('button', { name: 'Create link' }).click();
  await expect(alertOf(admin)).toHaveCount(0);
  expect(mail.mails.map(({ to }) => to[0])).not.toContain('cy@school.example');
  await admin.close();
});

test('sends a reset link of an administrator, or shows it only', async ({ school, mail }) => {
  const admin = await openAs(school.admin, '/admin/people');
  const open = async () => {
    await button(admin, `More for ${STUDENT.name}`).click();
    await admin.getByRole('menuitem', { name: 'Make a reset link' }).click();
  };
  const dialog = admin.getByRole('dialog', { name: 'Reset link' });
  await open();
  await look(admin, 'the choice of a reset link');
  await dialog.getByRole('button', { name: 'Send by mail' }).click();
  await expect(dialog.getByText(`The mail server has taken the mail to ${STUDENT.email}.`)).toBeVisible();
  await look(admin, 'a reset link that was sent');
  expect(linkOf(await mail.next()).href).toBe(await dialog.locator('code').textContent());
  await dialog.getByRole('button', { name: 'Done' }).click();
  await open();
  await dialog.getByRole('button', { name: 'Show link only' }).click();
  await expect(dialog.locator('code')).toContainText('/reset-password?token=');
  await admin.close();
});

test('replaces a forgotten password by a mailed link', async ({ page, mail }) => {
  await page.goto('/sign-in');
  await look(page, 'sign-in with mail');
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await expect(heading(page, 'Forgot your password?')).toBeVisible();
  await look(page, 'forgot-password');
  await field(page, 'E-mail').fill('stranger@school.example');
  await button(page, 'Send link').click();
  await expect(heading(page, 'Check your mail')).toBeVisible();
  await button(page, 'Use another address').click();
  await field(page, 'E-mail').fill(STUDENT.email);
  await button(page, 'Send link').click();
  await expect(heading(page, 'Check your mail')).toBeVisible();
  await look(page, 'forgot-password after it was sent');
  const received = await mail.next();
  expect(received.to).toEqual([STUDENT.email]);
  const link = linkOf(received);
  await page.goto(link.pathname + link.search);
  await field(page, 'New password').fill('a new password');
  await button(page, 'Save password').click();
  await expect(heading(page, 'Password saved')).toBeVisible();
  await page.goto(link.pathname + link.search);
  await expect(heading(page, 'This link can’t be used')).toBeVisible();
  await page.getByRole('link', { name: 'Get a new link' }).click();
  await expect(heading(page, 'Forgot your password?')).toBeVisible();
  await page.getByRole('link', { name: 'Back to sign-in' }).click();
  // Both pages have a field of this name.
  await expect(heading(page, 'Sign in')).toBeVisible();
  await signIn(page, { ...STUDENT, password: 'a new password' });
  await expect(field(page, 'Message')).toBeVisible();
});

test('says when too many links were asked for', async ({ page }) => {
  await page.goto('/forgot-password');
  for (let count = 0; count < 4; count++) {
    await field(page, 'E-mail').fill(ADMIN.email);
    await button(page, 'Send link').click();
    if (count === 3) break;
    await button(page, 'Use another address').click();
  }
  await expect(alertOf(page)).toContainText('Too many links were asked for.');
  await look(page, 'forgot-password refused');
});

test('keeps the dialog usable while the mail server hangs', async ({ school, mail }) => {
  const silent = await startSilentServer();
  await schoolWith(settingsOf(silent.port), school.admin.browser() ?? fail(), async (other) => {
    const admin = await openAs(other.admin, '/admin/invitations?new=1');
    const dialog = admin.getByRole('dialog', { name: 'New invitation' });
    await dialog.getByRole('textbox', { name: 'E-mail' }).fill('bo@school.example');
    await dialog.getByRole('button', { name: 'Create and send link' }).click();
    await expect(dialog.getByRole('button', { name: 'Creating and sending…' })).toBeVisible();
    await expect(alertOf(admin)).toContainText('The mail server has not replied in time', {
      timeout: 10_000,
    });
    await expect(secret(admin, 'Invitation created')).toContainText('/join?token=');
    await silent.close();
  });
  expect(mail.mails.length).toBeGreaterThan(0);
});

/** Next's announcer of pages, outside of `main`, is an alert too. */
const alertOf = (page: Page) => page.getByRole('main').getByRole('alert');

function fail(): never {
  throw new Error('the context has no browser');
}
