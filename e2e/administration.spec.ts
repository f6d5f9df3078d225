import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Page } from 'playwright/test';
import { ADMIN, button, field, GROUP, heading, openAs, STUDENT, signIn, schoolWithStudent as test } from './school.ts';
import { expect, lookWithAxe as look } from './support.ts';

/** What an administrator changes for everyone while the server runs. */

/** The open dialog: a toast with a button has that role, too. */
/** Neither a message, nor a list of choices that fades. */
const dialogOf = (page: Page) => page.locator('[role="dialog"][aria-labelledby]:not([data-type])');

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
  await expect(dialog.getByText('Enter a number from 0 to 2.')).toBeVisible();
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
  await page.goto('/');
  await expect(page.getByText('No model is available to you: ask your administrator.')).toBeVisible();
  await expect(page.getByText(/smollm2/)).toHaveCount(0);
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
  await button(admin, 'Undo').first().click();
  await expect(row).toContainText('Restricted');
  await expect(row).toContainText('Parameters');
  const smollm = (await (await admin.request.get('/api/admin/models')).json()).models[0].id;
  const data = { model: smollm, parameters: null, access: null };
  await admin.request.patch('/api/admin/models', { data, headers: { origin: school.app.url } });
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

test('finds changes in the audit log by what they were about, by name and by day', async ({ school }) => {
  const admin = await openAs(school.admin, '/admin/limits');
  await button(admin, 'Edit limits of Everyone').click();
  const dialog = dialogOf(admin);
  await dialog.getByRole('textbox', { name: 'Tokens a day' }).fill('60000');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  await admin.goto('/admin/people');
  await button(admin, `More for ${STUDENT.name}`).click();
  await admin.getByRole('menuitem', { name: 'Limits' }).click();
  await dialog.getByRole('textbox', { name: 'Tokens a day' }).fill('500');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();

  await admin.goto('/admin/audit');
  const rows = admin.getByRole('table', { name: 'Audit log' }).getByRole('row');
  const ofStudent = rows.filter({ hasText: `changed the limits of ${STUDENT.name}` });
  await expect(ofStudent).toHaveCount(1);
  // What it was and what it became; the arrow is a word to a screen reader.
  await expect(ofStudent).toContainText(/Tokens a day: none.*500/);
  await expect(rows.filter({ hasText: 'joined as member' })).toHaveCount(1);
  await admin.getByRole('combobox', { name: 'About' }).click();
  await admin.getByRole('option', { name: 'Limits' }).click();
  await expect(rows.filter({ hasText: 'joined as member' })).toHaveCount(0);
  await expect(rows.filter({ hasText: 'changed the limits of everyone' })).toHaveCount(1);
  await expect(rows.filter({ hasText: /limits\.change user:\S+/ })).toHaveCount(1);
  await look(admin, 'a filtered audit log');
  const search = admin.getByRole('searchbox', { name: 'Search by who did it' });
  await search.fill(STUDENT.name);
  await expect(admin.getByText('No change matches.')).toBeVisible();
  await button(admin, 'Show all').click();
  await expect(search).toHaveValue('');
  await expect(rows.filter({ hasText: 'joined as member' })).toHaveCount(1);
  await admin.getByLabel('To', { exact: true }).fill('2026-01-01');
  await expect(admin.getByText('No change matches.')).toBeVisible();
  await admin.close();
});

test('leads from a person and from a key to what they used', async ({ school }) => {
  const admin = await openAs(school.admin, '/admin/people');
  const asked: URLSearchParams[] = [];
  admin.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname === '/api/admin/usage') asked.push(url.searchParams);
  });
  await button(admin, `More for ${STUDENT.name}`).click();
  await admin.getByRole('menuitem', { name: 'Usage' }).click();
  await expect(admin).toHaveURL(/\/admin\/usage\?user=/);
  await expect(admin.getByText(`Usage of ${STUDENT.name}`)).toBeVisible();
  const id = new URL(admin.url()).searchParams.get('user');
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  expect(asked.every((query) => query.get('user') === id)).toBe(true);
  await expect(admin.getByRole('link', { name: 'Download CSV' })).toHaveAttribute('href', new RegExp(`user=${id}`));
  await admin.getByRole('combobox', { name: 'Then by' }).click();
  await admin.getByRole('option', { name: 'Model', exact: true }).click();
  // The person has used nothing: the table is named, and empty.
  await expect(admin.getByRole('region', { name: 'Usage by day and model' })).toBeVisible();
  await expect(admin.getByRole('link', { name: 'Download CSV' })).toHaveAttribute('href', /group_by=day%2Cmodel/);
  await look(admin, 'the usage of a person');
  await admin.getByRole('link', { name: 'Show the usage of everyone' }).click();
  await expect(admin).toHaveURL(/\/admin\/usage$/);
  await expect(button(admin, 'Person')).toBeVisible();
  await expect.poll(() => asked.at(-1)?.has('user')).toBe(false);

  await admin.goto('/admin/groups');
  await button(admin, `More for ${GROUP}`).click();
  await admin.getByRole('menuitem', { name: 'Usage' }).click();
  await expect(admin.getByText(`Usage of ${GROUP}`)).toBeVisible();
  await expect.poll(() => asked.at(-1)?.has('group')).toBe(true);

  const headers = { origin: school.app.url };
  await admin.request.post('/api/keys', { data: { name: 'Notebook' }, headers });
  await admin.goto('/admin/keys');
  await admin.getByRole('link', { name: 'Usage of Notebook' }).click();
  await expect(admin.getByText(`Usage of the key Notebook (${ADMIN.name})`)).toBeVisible();
  await expect.poll(() => asked.at(-1)?.has('key')).toBe(true);
  await admin.close();
});

test('takes changes of a person, a group and limits back with one press', async ({ school }) => {
  const admin = await openAs(school.admin, '/admin/people');
  const row = admin.getByRole('row', { name: new RegExp(STUDENT.email) });
  const dialog = dialogOf(admin);
  const save = async () => {
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog).toBeHidden();
  };
  const undo = () => button(admin, 'Undo').first().click();
  await button(admin, `More for ${STUDENT.name}`).click();
  await admin.getByRole('menuitem', { name: 'Edit' }).click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Amazing Grace');
  await dialog.getByRole('combobox', { name: 'Group' }).click();
  await admin.getByRole('option', { name: GROUP }).click();
  await save();
  await expect(row).toContainText('Amazing Grace');
  await expect(row).toContainText(GROUP);
  await undo();
  await expect(row).toContainText(STUDENT.name);
  await expect(row).not.toContainText(GROUP);

  await admin.goto('/admin/groups');
  await button(admin, `More for ${GROUP}`).click();
  await admin.getByRole('menuitem', { name: 'Edit' }).click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Chemistry');
  await save();
  await expect(admin.getByRole('row', { name: /Chemistry/ })).toBeVisible();
  await undo();
  await expect(admin.getByRole('row', { name: new RegExp(GROUP) })).toBeVisible();

  await admin.goto('/admin/limits');
  await button(admin, 'Edit limits of Everyone').click();
  await dialog.getByRole('textbox', { name: 'Code runs a minute' }).fill('12');
  await save();
  await expect(admin.getByText('Code runs a minute: 12')).toBeVisible();
  await undo();
  await expect(admin.getByText('Code runs a minute: 12')).toHaveCount(0);

  await admin.request.post('/api/keys', { data: { name: 'Terminal' }, headers: { origin: school.app.url } });
  await admin.goto('/admin/keys');
  const key = admin.getByRole('listitem').filter({ hasText: 'Terminal' });
  const setTokens = async (text: string) => {
    await button(admin, 'Limits of Terminal').click();
    await dialog.getByRole('textbox', { name: 'Tokens a day' }).fill(text);
    await save();
  };
  await setTokens('500');
  await expect(key).toContainText('1 limit');
  await undo();
  await expect(key).not.toContainText('1 limit');
  await setTokens('500');
  await expect(key).toContainText('1 limit');
  await setTokens('');
  await expect(key).not.toContainText('1 limit');
  await admin.goto('/admin/limits');
  await expect(admin.getByText('Key Terminal')).toHaveCount(0);
  await admin.close();
});

test('makes a service key for a front end that names its users', async ({ school }) => {
  const admin = await openAs(school.admin, '/admin/keys');
  await button(admin, 'New service key').click();
  const dialog = admin.getByRole('dialog', { name: 'New service key' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Front end');
  await dialog.getByRole('checkbox', { name: 'For a front end that names its users' }).check();
  await look(admin, 'a new service key');
  await dialog.getByRole('button', { name: 'Create key' }).click();
  await expect(dialog).toBeHidden();
  const key = admin.getByRole('listitem').filter({ hasText: 'Front end' });
  await expect(key).toContainText('Names its users');
  await admin.close();
});

test('says who may join in plain words', async ({ school }) => {
  const admin = await openAs(school.admin, '/admin/settings');
  const choice = admin.getByRole('combobox', { name: 'Who may make an account' });
  await expect(choice).toHaveText('People with an invitation');
  await choice.click();
  await admin.getByRole('option', { name: 'No one' }).click();
  await admin.getByRole('button', { name: 'Save' }).click();
  await expect(admin.getByText('Who may make an account was changed.').first()).toBeVisible();
  await expect(choice).toHaveText('No one');
  await expect(admin.getByText('Default: People with an invitation.')).toBeVisible();
  await button(admin, 'Undo').click();
  await expect(choice).toHaveText('People with an invitation');
  await admin.close();
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

test('does not show members how to set up the gateway', async ({ page, school }) => {
  const gatewayLink = (of: Page) =>
    of.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Gateway' });
  await page.goto('/sign-in?next=/gateway');
  await signIn(page, STUDENT);
  await expect(page.getByRole('heading', { name: 'No backend configured' })).toBeVisible();
  await expect(page.getByText(/PRIVATE_BACKEND_URL/)).toHaveCount(0);
  await expect(gatewayLink(page)).toHaveCount(0);
  // The server has drawn the page before it listens to keys.
  await expect(async () => {
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('option', { name: 'Dashboard' })).toBeVisible({ timeout: 3000 });
  }).toPass();
  await expect(page.getByRole('option', { name: 'Gateway' })).toHaveCount(0);
  const admin = await openAs(school.admin, '/gateway');
  await expect(admin.getByText(/PRIVATE_BACKEND_URL=/)).toBeVisible();
  await expect(gatewayLink(admin)).toBeVisible();
  await admin.close();
});
