import { once } from 'node:events';
import { createServer } from 'node:http';
import { ADMIN, button, field, GROUP, heading, openAs, STUDENT, signIn, schoolWithStudent as test } from './school.ts';
import { expect, lookWithAxe as look } from './support.ts';

/** What an administrator changes for everyone while the server runs. */

test('sets parameters of a model, and who may use it', async ({ page, school }) => {
  await page.goto('/sign-in?next=/account');
  await signIn(page, STUDENT);
  await expect(heading(page, 'Access keys')).toBeVisible();
  const seen = async () => (await (await page.request.get('/api/models')).json()).models.length;
  expect(await seen()).toBe(1);
  const admin = await openAs(school.admin, '/admin/models');
  const row = admin.getByRole('row', { name: /smollm2/ });
  const edit = async () => {
    await row.getByRole('button', { name: /^More for/ }).click();
    await admin.getByRole('menuitem', { name: 'Edit' }).click();
  };
  await edit();
  const dialog = admin.getByRole('dialog', { name: /^Edit smollm2/ });
  await dialog.getByRole('textbox', { name: 'Temperature' }).fill('hot');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText('Enter a number from 0 to 10.')).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Temperature' }).fill('0.2');
  await dialog.getByRole('combobox', { name: 'Who may use it' }).click();
  await admin.getByRole('option', { name: 'Some groups and people' }).click();
  await expect(dialog.getByRole('checkbox', { name: GROUP })).not.toBeChecked();
  await look(admin, 'a model');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(row).toContainText('Restricted');
  await expect(row).toContainText('Parameters');
  // No group and no person: only administrators.
  expect(await seen()).toBe(0);
  await edit();
  await expect(dialog.getByRole('textbox', { name: 'Temperature' })).toHaveValue('0.2');
  await dialog.getByRole('searchbox', { name: 'Add a person' }).fill(STUDENT.name.slice(0, 5));
  await dialog.getByRole('list', { name: 'People who match' }).getByRole('button').click();
  await expect(dialog.getByRole('button', { name: `Remove ${STUDENT.name}` })).toBeVisible();
  await look(admin, 'a model for one person');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  expect(await seen()).toBe(1);
  await edit();
  await dialog.getByRole('textbox', { name: 'Temperature' }).fill('');
  await dialog.getByRole('combobox', { name: 'Who may use it' }).click();
  await admin.getByRole('option', { name: 'Everyone' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(row).not.toContainText('Restricted');
  await expect(row).not.toContainText('Parameters');
  await admin.close();
});

test('adds, drains and removes a backend of the gateway, and undoes it with one press', async ({ school }) => {
  const backend = createServer((_incoming, outgoing) => outgoing.end('from the backend')).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const address = backend.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const admin = await openAs(school.admin, '/admin/settings');
  const section = admin.getByRole('region', { name: 'Gateway backends' });
  const served = async () => (await admin.request.get('/gateway/x')).status();
  await expect(section.getByText('The gateway has no backend.')).toBeVisible();
  await section.getByRole('textbox', { name: 'Address' }).fill(`${url}/?token=x`);
  await section.getByRole('button', { name: 'Add backend' }).click();
  await expect(section.getByRole('alert').first()).toBeVisible();
  await section.getByRole('textbox', { name: 'Address' }).fill(url);
  await section.getByRole('button', { name: 'Add backend' }).click();
  const row = section.getByRole('row', { name: new RegExp(url) });
  await expect(row).toContainText('Up');
  expect(await served()).toBe(200);
  await look(admin, 'backends of the gateway');
  await row.getByRole('button', { name: `More for ${url}` }).click();
  await admin.getByRole('menuitem', { name: 'Drain' }).click();
  await expect(row).toContainText('Drained');
  expect(await served()).toBe(503);
  await button(admin, 'Undo').click();
  await expect(row).toContainText('Up');
  expect(await served()).toBe(200);
  const remove = async () => {
    await row.getByRole('button', { name: `More for ${url}` }).click();
    await admin.getByRole('menuitem', { name: 'Remove' }).click();
    await admin.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
    await expect(row).toHaveCount(0);
  };
  await remove();
  expect(await served()).toBe(404);
  await button(admin, 'Undo').first().click();
  await expect(row).toContainText('Up');
  await remove();
  await admin.close();
  backend.closeAllConnections();
  backend.close();
});

test('shows everyone a banner, and takes it back', async ({ page, school }) => {
  const admin = await openAs(school.admin, '/admin/settings');
  await field(admin, 'Text').fill('The server restarts at 17:00.');
  await button(admin, 'Show').click();
  await expect(admin.getByText('Everyone sees the banner now.').first()).toBeVisible();
  await page.goto('/sign-in?next=/playground');
  await signIn(page, STUDENT);
  await expect(page.getByText('The server restarts at 17:00.')).toBeVisible();
  await button(admin, 'Remove').click();
  await expect(admin.getByText('The banner was removed.').first()).toBeVisible();
  await page.reload();
  await expect(page.getByText('The server restarts at 17:00.')).toHaveCount(0);
  await admin.goto('/admin/audit');
  await expect(admin.getByRole('row', { name: new RegExp(ADMIN.name) }).first()).toBeVisible();
  await look(admin, 'audit log');
  await admin.close();
});
