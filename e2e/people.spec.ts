import { layoutFaults } from './layout-faults.ts';
import {
  ADMIN,
  button,
  field,
  fillPerson,
  heading,
  invite,
  openAs,
  STUDENT,
  secret,
  signIn,
  test,
  totp,
} from './school.ts';
import { expect, lookWithAxe as look } from './support.ts';

const LONG_NAME = `${'Wolfeschlegelsteinhausenbergerdorff'.repeat(2)} von und zu`;
const FIRST_STUDENT_MS = 120_000;

// The tests follow one another.
test.describe.configure({ mode: 'serial' });

test('leads from the first start to the first invited student in less than two minutes', async ({
  browser,
  school,
}) => {
  const startedMs = Date.now();
  const page = await school.admin.newPage();
  await expect.poll(() => school.app.output()).toMatch(/set-up: \S+/);
  const link = school.app.output().match(/set-up: (\S+)/)?.[1] ?? '';
  await page.goto(new URL(link).pathname + new URL(link).search);
  await expect(heading(page, 'Set up this server')).toBeVisible();
  // The token stays neither in the history nor in a screenshot.
  await expect(page).toHaveURL(`${school.app.url}/setup`);
  await look(page, 'set-up');
  await fillPerson(page, ADMIN);
  await button(page, 'Create account').click();
  const dialog = page.getByRole('dialog', { name: 'New invitation' });
  await expect(dialog).toBeVisible();
  await look(page, 'a new invitation');
  await dialog.getByRole('button', { name: 'Several people' }).click();
  await dialog.getByRole('textbox', { name: 'Places' }).fill('30');
  await dialog.getByRole('button', { name: 'Create link' }).click();
  await expect(heading(page, 'Invitation created')).toBeFocused();
  await expect(page.getByText('This link works on this computer only.')).toBeVisible();
  const invitation = (await secret(page, 'Invitation created').textContent()) ?? '';
  await look(page, 'an invitation with its link');

  const student = await browser.newContext({ baseURL: school.app.url });
  const join = await openAs(student, new URL(invitation).pathname + new URL(invitation).search);
  await expect(join.getByText('You are invited to Chill Space as a member.')).toBeVisible();
  await expect(join.getByText(/valid until/)).toBeVisible();
  await look(join, 'join');
  await fillPerson(join, STUDENT);
  await button(join, 'Create account').click();
  await expect(field(join, 'Message')).toBeVisible();
  await expect(button(join, `Account: ${STUDENT.name}`)).toBeVisible();
  expect(Date.now() - startedMs).toBeLessThan(FIRST_STUDENT_MS);

  await page.goto('/admin/people');
  await expect(page.getByRole('row', { name: new RegExp(STUDENT.name) })).toContainText('Member');
  await look(page, 'people');
  await page.getByRole('combobox', { name: 'Role' }).click();
  await page.getByRole('option', { name: 'Administrator' }).click();
  await expect(page.getByRole('row', { name: new RegExp(STUDENT.name) })).toHaveCount(0);
  await expect(page.getByRole('row', { name: new RegExp(ADMIN.name) })).toBeVisible();
  await student.close();
  await page.close();
});

test('makes no dead end of a used link, a wrong one, and one without its token', async ({ page }) => {
  const ends = [
    ['/join?token=wrong', 'This invitation can’t be used'],
    ['/reset-password', 'This link can’t be used'],
    ['/reset-password?token=wrong', 'This link can’t be used'],
  ] as const;
  for (const [path, title] of ends) {
    await page.goto(path);
    await expect(heading(page, title)).toBeVisible();
    await expect(page.getByRole('main').getByRole('link', { name: 'Sign in' })).toBeVisible();
  }
  await look(page, 'a dead link');
  await page.goto('/setup?token=wrong');
  await expect(heading(page, 'This link was used already')).toBeVisible();
  await look(page, 'a used set-up link');
});

test('signs in with a wrong password first, and sends people who are not administrators away', async ({ page }) => {
  await page.goto('/admin/people');
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await signIn(page, { ...STUDENT, password: 'wrong password' });
  await expect(page.getByRole('alert').filter({ hasText: 'Wrong e-mail or password.' })).toBeVisible();
  await look(page, 'a wrong password');
  await field(page, 'Password').fill(STUDENT.password);
  await button(page, 'Sign in').click();
  await expect(page).toHaveURL(/\/admin\/people$/);
  await expect(page.getByText('Only administrators and managers of groups may see this.')).toBeVisible();
  await button(page, `Account: ${STUDENT.name}`).click();
  await expect(page.getByRole('menuitem', { name: 'Account' })).toBeVisible();
  await expect(page.getByRole('menuitem', { name: 'Administration' })).toHaveCount(0);
  await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
  await page.goto('/account');
  await expect(page).toHaveURL(/\/sign-in\?next=/);
});

test('shows a key once, lets it work, and ends it at once', async ({ page, playwright, school }) => {
  await page.goto('/sign-in?next=/account');
  await signIn(page, STUDENT);
  await expect(heading(page, 'Access keys')).toBeVisible();
  await look(page, 'account');
  await button(page, 'Create key').click();
  const dialog = page.getByRole('dialog', { name: 'New key' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill(LONG_NAME);
  await look(page, 'a new key');
  await dialog.getByText('Limits', { exact: true }).click();
  const output = dialog.getByRole('textbox', { name: 'Longest response' });
  await output.fill('many');
  await dialog.getByRole('button', { name: 'Create key' }).click();
  await expect(dialog.getByText('Enter a whole number.')).toBeVisible();
  await look(page, 'limits of a new key');
  await output.fill('2,000');
  await dialog.getByRole('button', { name: 'Create key' }).click();
  await expect(page.getByText('Copy the key now. It is not shown again.')).toBeVisible();
  const key = (await secret(page, 'Key created').textContent()) ?? '';
  expect(key).toMatch(/^cs_/);
  await expect(page.getByRole('region', { name: 'Try it' })).toContainText(`Bearer ${key}`);
  await look(page, 'a key that is shown once');
  const program = await playwright.request.newContext({
    baseURL: school.app.url,
    extraHTTPHeaders: { authorization: `Bearer ${key}` },
  });
  expect((await program.get('/api/models')).status()).toBe(200);
  await page.reload();
  await expect(page.getByText(key)).toHaveCount(0);
  await expect(page.getByText(LONG_NAME)).toBeVisible();
  await button(page, `Limits of ${LONG_NAME}`).click();
  const limits = page.getByRole('dialog', { name: `Limits of ${LONG_NAME}`, exact: true });
  await expect(limits.getByRole('textbox', { name: 'Longest response' })).toHaveValue('2000');
  await limits.getByRole('textbox', { name: 'Longest response' }).fill('');
  await limits.getByRole('textbox', { name: 'Tokens a day' }).fill('many');
  await limits.getByRole('button', { name: 'Save' }).click();
  await expect(limits.getByText('Enter a whole number.')).toBeVisible();
  await look(page, 'limits of an own key');
  await limits.getByRole('textbox', { name: 'Tokens a day' }).fill('');
  await limits.getByRole('button', { name: 'Save' }).click();
  await expect(limits).toBeHidden();
  await expect(page.getByText(/· 1 limit/)).toHaveCount(0);
  await button(page, 'Undo').first().click();
  await expect(page.getByText(/· 1 limit/)).toBeVisible();
  const asked: URLSearchParams[] = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname === '/api/usage') asked.push(url.searchParams);
  });
  await page.getByRole('link', { name: `Usage of ${LONG_NAME}` }).click();
  await expect(page).toHaveURL(/\/account\?key=[^#]+#usage$/);
  await expect(page.getByText(`Usage of the key ${LONG_NAME}`)).toBeVisible();
  await expect.poll(() => asked.at(-1)?.has('key')).toBe(true);
  await look(page, 'the usage of an own key');
  await page.getByRole('link', { name: 'Show all usage' }).click();
  await expect(page.getByText(`Usage of the key ${LONG_NAME}`)).toHaveCount(0);
  await expect(page).toHaveURL(/\/account#usage$/);
  await button(page, `Revoke ${LONG_NAME}`).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(page.getByText('No keys yet.')).toBeVisible();
  expect((await program.get('/api/models')).status()).toBe(401);
  await program.dispose();
});

test('asks for the code of an app once that is set up', async ({ page }) => {
  await page.goto('/sign-in?next=/account');
  await signIn(page, STUDENT);
  await button(page, 'Set up').click();
  const dialog = page.getByRole('dialog', { name: 'Two-factor sign-in' });
  await dialog.getByRole('textbox', { name: 'Your password' }).fill(STUDENT.password);
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await expect(dialog.getByRole('img', { name: /QR code/ })).toBeVisible();
  await look(page, 'a second factor');
  const shared = (await dialog.locator('code').first().textContent()) ?? '';
  await dialog.getByRole('textbox', { name: 'Code from the app' }).fill(totp(shared, Date.now()));
  await dialog.getByRole('button', { name: 'Turn on' }).click();
  const recovery = dialog.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
  await expect(recovery.first()).toBeVisible();
  const code = (await recovery.first().textContent()) ?? '';
  await look(page, 'recovery codes');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.context().clearCookies();
  await page.goto('/sign-in?next=/account');
  await signIn(page, STUDENT);
  await expect(field(page, 'Code')).toBeFocused();
  await look(page, 'the code of the app');
  await field(page, 'Code').fill('000000');
  await button(page, 'Continue').click();
  await expect(page.getByRole('alert').filter({ hasText: 'Wrong code.' })).toBeVisible();
  await button(page, 'Use a recovery code').click();
  await field(page, 'Recovery code').fill(code);
  await button(page, 'Continue').click();
  await expect(heading(page, 'Access keys')).toBeVisible();
  await button(page, 'Turn off').click();
  await dialog.getByRole('textbox', { name: 'Your password' }).fill(STUDENT.password);
  await dialog.getByRole('button', { name: 'Turn off' }).click();
  await expect(page.getByText('Two-factor sign-in is off.').first()).toBeVisible();
});

test('locks a person out at once, and undoes it with one press', async ({ page, school }) => {
  await page.goto('/sign-in?next=/account');
  await signIn(page, STUDENT);
  await expect(heading(page, 'Access keys')).toBeVisible();
  const admin = await openAs(school.admin, '/admin/people');
  await button(admin, `More for ${STUDENT.name}`).click();
  await look(admin, 'the menu of a person');
  await admin.getByRole('menuitem', { name: 'Disable' }).click();
  await expect(admin.getByText(`${STUDENT.name} is locked out.`).first()).toBeVisible();
  expect((await page.request.get('/api/me')).status()).toBe(401);
  await button(admin, 'Undo').click();
  await expect(admin.getByText(`${STUDENT.name} may sign in again.`).first()).toBeVisible();
  await expect(admin.getByText('Disabled', { exact: true })).toHaveCount(0);
  await admin.close();
});

test('gives a person who forgot the password a link that works once', async ({ page, school }) => {
  const admin = await openAs(school.admin, '/admin/people');
  await button(admin, `More for ${STUDENT.name}`).click();
  await admin.getByRole('menuitem', { name: 'Make a reset link' }).click();
  const dialog = admin.getByRole('dialog', { name: 'Reset link' });
  const link = new URL((await dialog.locator('code').textContent()) ?? '');
  await look(admin, 'a reset link');
  await admin.close();
  await page.goto(link.pathname + link.search);
  await field(page, 'New password').fill('a new password');
  await button(page, 'Save password').click();
  await expect(heading(page, 'Password saved')).toBeVisible();
  await page.goto(link.pathname + link.search);
  await expect(heading(page, 'This link can’t be used')).toBeVisible();
  await expect(field(page, 'New password')).toHaveCount(0);
  await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
  STUDENT.password = 'a new password';
  await signIn(page, STUDENT);
  await expect(field(page, 'Message')).toBeVisible();
});

test('makes a group with its manager, who sees that group alone', async ({ browser, school }) => {
  const admin = await openAs(school.admin, '/admin/groups');
  await expect(admin.getByText('No groups yet.')).toBeVisible();
  await look(admin, 'no groups');
  await button(admin, 'New group').click();
  await admin.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('Physics');
  await admin.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await expect(admin.getByRole('row', { name: /Physics/ })).toBeVisible();
  await admin.goto('/admin/people');
  await button(admin, `More for ${STUDENT.name}`).click();
  await admin.getByRole('menuitem', { name: 'Edit' }).click();
  const dialog = admin.getByRole('dialog', { name: `Edit ${STUDENT.name}` });
  await dialog.getByRole('combobox', { name: 'Role' }).click();
  await admin.getByRole('option', { name: 'Manager' }).click();
  await dialog.getByRole('combobox', { name: 'Group' }).click();
  await admin.getByRole('option', { name: 'Physics' }).click();
  await look(admin, 'a person');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(admin.getByRole('row', { name: new RegExp(STUDENT.name) })).toContainText('Physics');
  await admin.goto('/admin/groups');
  await button(admin, 'More for Physics').click();
  await admin.getByRole('menuitem', { name: 'Show members' }).click();
  await expect(admin).toHaveURL(/\/admin\/people/);
  await expect(admin.getByRole('row')).toHaveCount(2);
  await expect(admin.getByRole('row', { name: new RegExp(STUDENT.name) })).toBeVisible();
  await admin.close();

  const context = await browser.newContext({ baseURL: school.app.url });
  const manager = await openAs(context, '/sign-in?next=/admin/people');
  await signIn(manager, STUDENT);
  await expect(manager.getByRole('row', { name: new RegExp(STUDENT.name) })).toBeVisible();
  await expect(manager.getByText(ADMIN.email)).toHaveCount(0);
  const sections = manager.getByRole('navigation', { name: 'Sections of the administration' });
  await expect(sections.getByRole('link', { name: 'People' })).toBeVisible();
  await expect(sections.getByRole('link', { name: 'Settings' })).toHaveCount(0);
  await manager.goto('/admin/settings');
  await expect(manager.getByText('Only administrators may see this.')).toBeVisible();
  await context.close();
});

test('sets limits that the person then sees', async ({ page, school }) => {
  const admin = await openAs(school.admin, '/admin/limits');
  await button(admin, 'Edit limits of Everyone').click();
  const dialog = admin.getByRole('dialog', { name: 'Limits of Everyone', exact: true });
  await dialog.getByRole('textbox', { name: 'Tokens a day' }).fill('many');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText('Enter a whole number.')).toBeVisible();
  await look(admin, 'limits');
  await dialog.getByRole('textbox', { name: 'Tokens a day' }).fill('50,000');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(admin.getByText('Tokens a day: 50,000 (share)')).toBeVisible();
  await admin.close();
  await page.goto('/sign-in?next=/account');
  await signIn(page, STUDENT);
  await expect(page.getByRole('meter', { name: 'Tokens a day' })).toBeVisible();
});

test('pages through 500 people by cursor', async ({ school }) => {
  const page = await school.admin.newPage();
  const people = Array.from({ length: 500 }, (_, index) => ({
    id: `p${index}`,
    name: index === 0 ? LONG_NAME : `Person ${index}`,
    email: `${index === 0 ? LONG_NAME.replaceAll(' ', '.') : `person${index}`}@school.example`,
    role: 'member',
    group: null,
    disabled: index % 7 === 0,
    two_factor: index % 5 === 0,
    created_at: '2026-11-01T00:00:00Z',
    last_seen_at: null,
  }));
  const cursors: (string | null)[] = [];
  await page.route('**/api/admin/users*', async (route) => {
    const cursor = new URL(route.request().url()).searchParams.get('cursor');
    cursors.push(cursor);
    const from = Number(cursor ?? 0);
    const next = from + 50 < people.length ? String(from + 50) : null;
    await route.fulfill({ json: { users: people.slice(from, from + 50), next_cursor: next, total: people.length } });
  });
  await page.goto('/admin/people');
  await expect(page.getByRole('row')).toHaveCount(51);
  await expect(page.getByText('500 people')).toBeVisible();
  for (let shown = 100; shown <= people.length; shown += 50) {
    await button(page, 'Load more').click();
    await expect(page.getByRole('row')).toHaveCount(shown + 1);
  }
  await expect(button(page, 'Load more')).toHaveCount(0);
  expect(new Set(cursors).size).toBe(10);
  await page.close();
});

const PAGES = [
  ...['/account', '/admin/people', '/admin/invitations', '/admin/groups', '/admin/keys', '/admin/limits'],
  ...['/admin/usage', '/admin/models', '/admin/settings', '/admin/audit'],
];

test('has no accessibility fault on any page, light and dark', async ({ school }) => {
  const page = await school.admin.newPage();
  for (const path of PAGES) {
    await page.goto(path);
    await expect(page.locator('.skeleton')).toHaveCount(0);
    await look(page, path);
  }
  await page.close();
});

test('fits phones, with targets that a finger hits', async ({ browser, school }) => {
  const state = await school.admin.storageState();
  const context = await browser.newContext({
    baseURL: school.app.url,
    storageState: state,
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  for (const path of [...PAGES, '/sign-in']) {
    await page.goto(path);
    await expect(page.locator('.skeleton')).toHaveCount(0);
    if (path.startsWith('/admin')) await expect(page.locator('nav a[href^="/admin"][aria-current]')).toBeInViewport();
    for (const width of [320, 390, 768]) {
      await page.setViewportSize({ width, height: 844 });
      expect.soft(await layoutFaults(page, { leastTarget: 40 }), `${path} at ${width}`).toEqual([]);
    }
  }
  await context.close();
});

test('lets a person take the data along, and delete the account', async ({ browser, school }) => {
  const admin = await openAs(school.admin, '/admin/invitations');
  const link = new URL(await invite(admin, 'One person'));
  await admin.close();
  const page = await openAs(await browser.newContext({ baseURL: school.app.url }), link.pathname + link.search);
  const leaver = { name: 'Alan Turing', email: 'alan@school.example', password: 'enigma enigma' };
  await fillPerson(page, leaver);
  await button(page, 'Create account').click();
  await expect(field(page, 'Message')).toBeVisible();
  await page.goto('/account');
  const saved = page.waitForEvent('download');
  await button(page, 'Export my data').click();
  expect((await saved).suggestedFilename()).toBe('my-data.json');
  await button(page, 'Delete my account').click();
  const dialog = page.getByRole('dialog', { name: 'Delete your account?' });
  await dialog.getByRole('textbox', { name: `Type ${leaver.email} to confirm` }).fill('alan');
  await dialog.getByRole('textbox', { name: 'Your password' }).fill(leaver.password);
  await dialog.getByRole('button', { name: 'Delete my account' }).click();
  await expect(dialog.getByText('This is not your e-mail address.')).toBeVisible();
  await look(page, 'delete the account');
  await dialog.getByRole('textbox', { name: `Type ${leaver.email} to confirm` }).fill(leaver.email);
  await dialog.getByRole('button', { name: 'Delete my account' }).click();
  await page.getByRole('dialog', { name: 'Your account was deleted' }).getByText('Go to sign-in').click();
  await expect(page).toHaveURL(/\/sign-in$/);
  await signIn(page, leaver);
  await expect(page.getByRole('alert').filter({ hasText: 'Wrong e-mail or password.' })).toBeVisible();
  await page.context().close();
});
