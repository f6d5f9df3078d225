import type { Page } from 'playwright/test';
import { ADMIN, button, openAs, STUDENT, signIn, schoolWithStudent as test } from './school.ts';
import { expect, lookWithAxe as look } from './support.ts';

/** Changes: taken back, shown to the person whom they are about, and made where there are many. */

/** The open dialog: a toast with a button has that role, too. */
/** Neither a message, nor a list of choices that fades. */
const dialogOf = (page: Page) => page.locator('[role="dialog"][aria-labelledby]:not([data-type])');

test('keeps the way back of a change on screen, and holds it under the pointer', async ({ school }) => {
  const admin = await school.admin.newPage();
  await admin.clock.install();
  await admin.goto('/admin/settings');
  const choice = admin.getByRole('combobox', { name: 'Who may make an account' });
  await choice.click();
  await admin.getByRole('option', { name: 'No one' }).click();
  await admin.getByRole('button', { name: 'Save' }).click();
  const undo = button(admin, 'Undo');
  await expect(undo).toBeVisible();
  await admin.clock.runFor(15_000);
  await expect(undo).toBeVisible();
  await undo.hover();
  await admin.clock.runFor(60_000);
  await expect(undo).toBeVisible();
  await undo.click();
  await expect(choice).toHaveText('People with an invitation');
  await admin.close();
});

test('shows a person what an administrator did to a key, and says in the audit log whose it was', async ({
  page,
  school,
}) => {
  const headers = { origin: school.app.url };
  await page.goto('/sign-in?next=/account');
  await signIn(page, STUDENT);
  const changes = page.getByRole('region', { name: 'Changes by others' });
  await expect(changes).toBeVisible();
  const { id } = await (await page.request.post('/api/keys', { data: { name: 'Homework' }, headers })).json();
  const limits = { scope: { kind: 'key', id }, limits: { output_tokens: 700 } };
  await school.admin.request.patch('/api/admin/limits', { data: limits, headers });
  await school.admin.request.delete(`/api/admin/keys/${id}`, { headers });
  await page.reload();
  const revoked = changes.getByRole('listitem').filter({ hasText: 'revoked the key "Homework"' });
  await expect(revoked).toContainText(ADMIN.name);
  await expect(changes.getByText(/Longest response: none.*700/)).toBeVisible();
  await look(page, 'what others changed');
  const admin = await openAs(school.admin, '/admin/audit');
  const rows = admin.getByRole('table', { name: 'Audit log' }).getByRole('row');
  const ofStudent = rows.filter({ hasText: `the limits of the key “Homework” of ${STUDENT.name}` });
  // Set, and removed with the key.
  await expect(ofStudent).toHaveCount(2);
  await admin.close();
});

test('links single sign-on on the account page, and says why it was refused', async ({ page }) => {
  const state = { name: 'School', linked: false };
  await page.route('**/api/me', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), provider: state } });
  });
  await page.route('**/api/auth/link-social', (route) =>
    route.fulfill({ json: { url: '/account?error=email_does_not_match' } }),
  );
  await page.route('**/api/auth/unlink-provider', async (route) => {
    state.linked = false;
    await route.fulfill({ json: { status: true } });
  });
  await page.goto('/sign-in?next=/account');
  await signIn(page, STUDENT);
  const section = page.getByRole('region', { name: 'Single sign-on' });
  await section.getByRole('button', { name: 'Link' }).click();
  await expect(section.getByRole('alert')).toContainText('The account at School has another e-mail address');
  await expect(page).toHaveURL(/\/account$/);
  await look(page, 'a link that was refused');
  state.linked = true;
  await page.goto('/account?linked=1');
  await expect(page.getByText('You can sign in with School now.').first()).toBeVisible();
  await section.getByRole('button', { name: 'Unlink' }).click();
  const dialog = page.getByRole('dialog', { name: 'Unlink School?' });
  await dialog.getByRole('textbox', { name: 'Your password' }).fill(STUDENT.password);
  await dialog.getByRole('button', { name: 'Unlink' }).click();
  await expect(section.getByText('Not linked')).toBeVisible();
});

test('searches for a group and for a manager where there are many', async ({ school }) => {
  const headers = { origin: school.app.url };
  const names = Array.from({ length: 60 }, (_, index) => `Class ${String(index + 1).padStart(2, '0')}`);
  for (const name of names) await school.admin.request.post('/api/admin/groups', { data: { name }, headers });
  const admin = await openAs(school.admin, '/admin/people');
  const dialog = dialogOf(admin);
  const choose = async (label: string, words: string, name: string | RegExp) => {
    await dialog.getByRole('combobox', { name: label }).click();
    await expect(admin.getByRole('option').first()).toBeVisible();
    await admin.getByLabel('Search', { exact: true }).fill(words);
    await expect(admin.getByRole('option')).toHaveCount(1);
    await admin.getByRole('option', { name }).click();
  };
  await button(admin, `More for ${STUDENT.name}`).click();
  await admin.getByRole('menuitem', { name: 'Edit' }).click();
  await dialog.getByRole('combobox', { name: 'Group' }).click();
  await expect(admin.getByText('More match. Type part of the name.')).toBeVisible();
  await look(admin, 'a search for a group');
  await admin.keyboard.press('Escape');
  await choose('Group', 'class 58', 'Class 58');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(admin.getByRole('row', { name: new RegExp(STUDENT.email) })).toContainText('Class 58');

  const [group] = (await (await school.admin.request.get('/api/admin/groups?search=class 58')).json()).groups;
  await admin.goto(`/admin/people?group=${group.id}`);
  await expect(admin.getByRole('combobox', { name: 'Group' })).toHaveText('Class 58');
  await expect(admin.getByRole('row')).toHaveCount(2);

  await admin.goto('/admin/groups');
  await admin.getByRole('button', { name: 'Load more' }).click();
  await button(admin, 'More for Class 58').click();
  await admin.getByRole('menuitem', { name: 'Edit' }).click();
  await choose('Manager', STUDENT.name.slice(0, 5), new RegExp(STUDENT.name));
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(admin.getByRole('row', { name: /Class 58/ })).toContainText(STUDENT.name);

  await admin.goto('/admin/models');
  await admin
    .getByRole('row', { name: /smollm2/ })
    .getByRole('button', { name: /^More for/ })
    .click();
  await admin.getByRole('menuitem', { name: 'Edit' }).click();
  await dialog.getByRole('combobox', { name: 'Who may use it' }).click();
  await admin.getByRole('option', { name: 'Some groups and people' }).click();
  await dialog.getByRole('searchbox', { name: 'Add a group' }).fill('class 07');
  await dialog.getByRole('list', { name: 'Groups that match' }).getByRole('button').click();
  await expect(dialog.getByRole('button', { name: 'Remove Class 07' })).toBeVisible();
  await look(admin, 'a model for one of many groups');
  await admin.close();
});
